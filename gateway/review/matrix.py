"""Who may do what, as a table: each cell yes, no, or the shortest condition."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from gateway.admin.trail import csv_line
from gateway.edge.errors import CannotDecide, NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.review.reading import MATRIX, told, version_asked, version_of
from gateway.web.language import N_, _
from gateway.web.pages import page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from starlette.requests import Request

    from gateway.review.reading import Version

_TRIES, _PAUSE_SECONDS = 8, 0.1  # of a table that is worked out for the first time; the service waits a second itself
_SUBJECTS = {"account": N_("Families"), "staff": N_("Staff")}
_MAY = Guard("view", "policy")


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell: yes, no, or where what is needed holds; then the number of its condition, which 0 stands for none."""

    answer: bool | None
    number: int
    conditions: Sequence[str]
    joined: str
    href: str


@dataclass(frozen=True, slots=True)
class RowView:
    """A question with its cells."""

    action: str
    resource_type: str
    needs: Sequence[str]
    cells: Sequence[CellView]


@dataclass(frozen=True, slots=True)
class GroupView:
    """Questions that stand together."""

    name: str | None
    needs: Sequence[str]
    rows: Sequence[RowView]


async def matrix_page(request: Request) -> Response:
    """The table, whole or of one head."""
    answer = await _table(request)
    version, table = version_of(answer), answer["table"]
    query = request.query_params
    subject = query.get("subject") or answer["choices"][0]["subject_type"]
    chosen = next(choice for choice in answer["choices"] if choice["subject_type"] == subject)
    kept = {} if table is None else {"subject": subject, "by": table["by"], "group": table["group"] or "-"}
    head = query.get("head", "")
    if table is not None and head and head not in table["heads"]:
        raise NotFound
    numbers: dict[tuple[str, ...], int] = {}
    return await page(
        request,
        "review/matrix.html",
        version=version,
        table=table,
        groups=[] if table is None else list(_groups(version, table, head, numbers)),
        numbers=[(number, told_as[0], told_as[1:]) for told_as, number in numbers.items()],
        subjects=[(choice["subject_type"], subject_words(choice["subject_type"])) for choice in answer["choices"]],
        subject=subject,
        chosen=chosen,
        kept=kept,
        head=head,
        again=f"{request.url.path}?{request.url.query}",
    )


async def matrix_csv(request: Request) -> Response:
    """The table as CSV, each cell with its whole condition."""
    answer = await _table(request, csv="true")
    if answer["csv"] is None:
        raise CannotDecide("the table is not worked out yet")
    text = "\ufeff" + "".join(csv_line(line) for line in csv.reader(io.StringIO(answer["csv"])))
    name = f"matrix-{version_of(answer).short}-{answer['table']['subject_type']}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def subject_words(subject_type: str) -> str:
    """A subject type as people say it."""
    return _(_SUBJECTS[subject_type]) if subject_type in _SUBJECTS else subject_type


async def _table(request: Request, **more: str) -> dict[str, Any]:
    """The table that the address asks for; without one when it is not worked out in time."""
    query = request.query_params
    wanted = {name: query.get(name, "")[:200] for name in ("subject", "by", "group")} | more
    answer: dict[str, Any] = {}
    for _attempt in range(_TRIES):
        asked = request.app.state.authz.policy_matrix(version_asked(request), wanted, actor=request.state.reader.actor)
        try:
            answer = await told(asked)
        except Rejected as error:
            raise NotFound from error  # There is no such table.
        if answer["table"] is not None:
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    return answer


def _groups(
    version: Version, table: Mapping[str, Any], head: str, numbers: dict[tuple[str, ...], int]
) -> Iterator[GroupView]:
    places = [place for place, name in enumerate(table["heads"]) if head in ("", name)]
    for group in table["groups"]:
        rows = [
            RowView(
                row["action"],
                row["resource_type"],
                row["needs"],
                [_cell(version, table, row, place, numbers) for place in places],
            )
            for row in group["rows"]
        ]
        yield GroupView(group["name"], group["needs"], rows)


def _cell(
    version: Version, table: Mapping[str, Any], row: Mapping[str, Any], place: int, numbers: dict[tuple[str, ...], int]
) -> CellView:
    cell, head = row["cells"][place], table["heads"][place]
    key = (cell["joined"], *cell["conditions"])
    number = numbers.setdefault(key, len(numbers) + 1) if cell["conditions"] else 0
    fixed = {f"{table['by']}.{head}": "true"} if table["flags"] else {table["by"]: head}
    href = version.question({"subject_type": table["subject_type"], **row}, **fixed)
    return CellView(cell["answer"], number, cell["conditions"], cell["joined"], href)


ROUTES = (
    Route(MATRIX, matrix_page, guard=_MAY),
    Route(f"{MATRIX}/csv", matrix_csv, guard=_MAY),
)
