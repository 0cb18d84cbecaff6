"""What one version changes against another: exactly, grouped, with whom it touches; and the texts side by side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.edge.errors import CannotDecide, NotFound
from gateway.edge.guard import Guard, Route
from gateway.review.reading import told as answer_of
from gateway.review.version_texts import changed_files
from gateway.review.version_words import (
    PAGE,
    compare_href,
    question_words,
    read_shelf,
    rule_links,
)
from gateway.web.formats import count
from gateway.web.language import _
from gateway.web.pages import page, see_other

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.review.version_words import RuleLink

SERVING = "serving"


@dataclass(frozen=True, slots=True)
class Group:
    """Questions of one subject type whose change is told by the same conditions and rules."""

    title: str
    questions: tuple[tuple[str, int, int], ...]  # in words, situations that change, situations that can occur
    conditions: tuple[str, ...]
    before: tuple[RuleLink, ...]
    after: tuple[RuleLink, ...]


@dataclass(frozen=True, slots=True)
class TouchedRow:
    """What an account gains or loses towards a client, by ids."""

    account: str
    client: str
    what: str
    items: int


@dataclass(frozen=True, slots=True)
class StaffRow:
    """What a staff member gains or loses, by id; `clients` is 0 where no client is named."""

    staff: str
    what: str
    clients: int
    items: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference as a page shows it; `told` is what the service says."""

    old: str
    new: str
    same: bool
    declarations: tuple[str, ...]
    allowed: tuple[Group, ...]
    denied: tuple[Group, ...]
    gains: tuple[TouchedRow, ...]
    loses: tuple[TouchedRow, ...]
    staff_gains: tuple[StaffRow, ...]
    staff_loses: tuple[StaffRow, ...]
    told: Mapping[str, Any]

    @property
    def href(self) -> str:
        """Its page."""
        return compare_href(self.old, self.new)

    @property
    def sums(self) -> tuple[str, str]:
        """How much is newly allowed, and newly denied, in words."""
        return _sum(self.told["newly_allowed"]), _sum(self.told["newly_denied"])


async def difference_page(request: Request) -> Response:
    """Two versions compared."""
    shelf = await read_shelf(request)
    names = request.path_params["old"], request.path_params["new"]
    serving = shelf.serving.digest if shelf.serving else ""
    if SERVING in names:
        old, new = (serving if name == SERVING else name for name in names)
        return see_other(compare_href(old, new))
    views = [shelf.find(name) for name in names]
    old_view, new_view = views
    if old_view is None or new_view is None:
        raise NotFound
    authz, actor = request.app.state.authz, request.state.reader.actor
    told, old_texts, new_texts = await asyncio.gather(
        read_difference(request, *names),
        answer_of(authz.texts(names[0], actor=actor)),
        answer_of(authz.texts(names[1], actor=actor)),
    )
    return await page(
        request,
        "review/version_difference.html",
        old=old_view,
        new=new_view,
        shelf=shelf,
        difference=told,
        files=changed_files(old_texts, new_texts),
        turned=compare_href(names[1], names[0]),
    )


async def choose(request: Request) -> Response:
    """From the form that names two versions to the page that compares them."""
    old, new = (request.query_params.get(name, "") for name in ("old", "new"))
    if not old or not new or "/" in old + new:
        return see_other(PAGE)
    return see_other(compare_href(old, new))


async def read_difference(request: Request, old: str, new: str) -> Difference | None:
    """What `new` changes against `old`; None when that could not be worked out in time."""
    try:
        told = await answer_of(request.app.state.authz.difference(old, new, actor=request.state.reader.actor))
    except CannotDecide:
        return None
    touched = told["touched"]
    return Difference(
        old=old,
        new=new,
        same=told["same"],
        declarations=tuple(told["declarations"]),
        allowed=tuple(_groups(told["newly_allowed"], old, new)),
        denied=tuple(_groups(told["newly_denied"], old, new)),
        gains=tuple(_touched(touched["gains"])),
        loses=tuple(_touched(touched["loses"])),
        staff_gains=tuple(_touched_staff(touched["staff_gains"])),
        staff_loses=tuple(_touched_staff(touched["staff_loses"])),
        told=told,
    )


def _sum(changes: Sequence[Mapping[str, Any]]) -> str:
    if not changes:
        return _("nothing")
    situations = count(sum(change["situations"] for change in changes), "situation", "situations")
    questions = count(len(changes), "question", "questions")
    return f"{questions}, {situations}"


def _groups(changes: Iterable[Mapping[str, Any]], old: str, new: str) -> Iterable[Group]:
    """As `kinguard policy diff` groups them: same subject type, conditions and rules."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for change in changes:
        alike = repr((change["subject"], change["where"], change["before"], change["after"]))
        found.setdefault(alike, []).append(change)
    for group in found.values():
        first = group[0]
        yield Group(
            title="; ".join(_titles(group)),
            questions=tuple(
                (
                    question_words(change["subject"], [change["action"]], change["resource"]),
                    change["situations"],
                    change["space"],
                )
                for change in group
            ),
            conditions=tuple(_condition(term) for term in first["where"]),
            before=rule_links(first["before"], old),
            after=rule_links(first["after"], new),
        )


def _titles(group: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    actions: dict[tuple[str, str], list[str]] = {}
    for change in group:
        actions.setdefault((change["subject"], change["resource"]), []).append(change["action"])
    for (subject, resource), names in actions.items():
        yield question_words(subject, names, resource)


def _condition(term: Mapping[str, Sequence[str | bool]]) -> str:
    """`subject.kind = payer and resource.addressee in [client, nobody]`, as the command says it."""
    parts = []
    for fact, values in term.items():
        shown = [str(value).lower() if isinstance(value, bool) else value for value in values]
        parts.append(f"{fact} = {shown[0]}" if len(shown) == 1 else f"{fact} in [{', '.join(shown)}]")
    return " and ".join(parts) or _("always")


def _touched(rows: Iterable[Mapping[str, Any]]) -> Iterable[TouchedRow]:
    for row in rows:
        yield TouchedRow(row["account_id"], row["client_id"], _what("account", row), row["items"])


def _touched_staff(rows: Iterable[Mapping[str, Any]]) -> Iterable[StaffRow]:
    for row in rows:
        yield StaffRow(row["staff_id"], _what("staff", row), row["clients"], row["items"])


def _what(subject: str, row: Mapping[str, Any]) -> str:
    return question_words(subject, [row["action"]], row["resource_type"]).partition(": ")[2]


_MAY = Guard("view", "policy")
ROUTES = (
    Route(f"{PAGE}/compare", choose, guard=_MAY),
    Route(f"{PAGE}/{{old}}/{{new}}", difference_page, guard=_MAY),
)
