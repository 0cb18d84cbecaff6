"""Two representatives of one client side by side: features and items, and which level makes each difference."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.client_items import SHELVES, describe, shelf_rows
from gateway.admin.effects import effects
from gateway.admin.explaining import Subject, explain_all_for, in_words
from gateway.admin.people import names_known
from gateway.admin.who_sees import ground_of
from gateway.edge.authz_client import Asking, Question
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import opens
from gateway.edge.viewing import AMR
from gateway.records.store import properties_of
from gateway.web.language import _
from gateway.web.pages import page
from gateway.web.words import FEATURES, KINDS
from models.vocabulary import GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.client_items import ItemLine

ITEMS_MAX = 100  # of each type, the newest
REASONS_MAX = 40  # differences that are explained; beyond that they are marked only


@dataclass(frozen=True, slots=True)
class Person:
    """A person to compare; `grant` is the one that is compared by."""

    account: str
    grant: Mapping[str, Any]
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What one person has of a line: yes or no, and for a no the level and its sentence."""

    has: bool
    level: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A feature or an item, for both."""

    label: str
    note: str
    href: str
    cells: tuple[Cell, Cell]

    @property
    def differs(self) -> bool:
        """Whether one has it and the other does not."""
        return self.cells[0].has is not self.cells[1].has


async def compare_page(request: Request) -> Response:
    """Choose two, and read them side by side; only the differences when asked."""
    people = await _people(request)
    asked = [request.query_params.get(name, "") for name in ("a", "b")]
    chosen = _chosen(people, asked)
    only = request.query_params.get("only") == "differences"
    features: list[Line] = []
    items: list[tuple[str, list[Line]]] = []
    if chosen is not None:
        features, items = await asyncio.gather(_features(request, chosen), _items(request, chosen))
    lines = [*features, *(line for _label, group in items for line in group)]
    if only:
        features = [line for line in features if line.differs]
        items = [(label, [line for line in group if line.differs]) for label, group in items]
    return await page(
        request,
        "admin/compare.html",
        people=people,
        chosen=chosen,
        features=features,
        items=[(label, group) for label, group in items if group],
        only=only,
        differences=sum(line.differs for line in lines),
    )


def _chosen(people: Sequence[Person], asked: Sequence[str]) -> tuple[Person, Person] | None:
    """The two asked for; where one is missing, the first other one."""
    if len(people) < 2:
        return None
    known = {one.account: one for one in people}
    first = known.get(asked[0], people[0])
    second = known.get(asked[1])
    if second is None or second is first:
        second = next(one for one in people if one is not first)
    return first, second


async def _people(request: Request) -> list[Person]:
    held = await request.app.state.authz.grants_of_client(request.state.client.id)
    standing = [one for one in held if one["status"] != GrantStatus.ENDED.value]
    names = await names_known(request, standing)
    found: dict[str, Person] = {}
    for one in sorted(standing, key=lambda grant: grant["status"] != GrantStatus.ACTIVE.value):
        kind = _(KINDS[Kind(one["kind"])])
        found.setdefault(one["account_id"], Person(one["account_id"], one, names[one["id"]], kind))
    return sorted(found.values(), key=lambda one: one.name)


async def _features(request: Request, chosen: tuple[Person, Person]) -> list[Line]:
    authz, client = request.app.state.authz, request.state.client
    both = await asyncio.gather(
        *(effects(authz, one.account, client.id, Kind(one.grant["kind"]), one.name) for one in chosen)
    )
    lines = []
    for feature, words in FEATURES.items():
        first, second = (Cell(found[feature].has, found[feature].level, found[feature].reason) for found in both)
        lines.append(Line(_(words.label), _(words.about), "", (first, second)))
    return lines


async def _items(request: Request, chosen: tuple[Person, Person]) -> list[tuple[str, list[Line]]]:
    """The items that the reader may see themself, by type, with what each of the two sees of them."""
    kinds = list(SHELVES)
    openings = await opens(request, [("view", kind) for kind in kinds])
    rows = [
        (kind, row)
        for kind, is_open in zip(kinds, openings, strict=True)
        if is_open
        for row in (await shelf_rows(request, kind, "", ITEMS_MAX, 0)).rows
    ]
    questions = [Question("view", kind, row.id, properties_of(kind, row)) for kind, row in rows]
    answers = await asyncio.gather(*(_answers(request, one, questions) for one in chosen))
    pairs = list(zip(*answers, strict=True)), list(zip(*reversed(answers), strict=True))
    cells = [await _explained(request, one, rows, questions, both) for one, both in zip(chosen, pairs, strict=True)]
    groups: dict[str, list[Line]] = {}
    for place, (kind, row) in enumerate(rows):
        line: ItemLine = describe(request, kind, row)
        label = _(SHELVES[kind].many)
        groups.setdefault(label, []).append(Line(line.title, line.note, line.href, (cells[0][place], cells[1][place])))
    return list(groups.items())


async def _answers(request: Request, person: Person, questions: Sequence[Question]) -> list[bool]:
    subject = {"type": SubjectType.ACCOUNT.value, "id": person.account}
    asking = Asking(subject, AMR, at=request.app.state.clock().isoformat())
    found: list[bool] = await request.app.state.authz.evaluate_all(asking, questions)
    return found


async def _explained(
    request: Request,
    person: Person,
    rows: Sequence[tuple[str, Any]],
    questions: Sequence[Question],
    both: Sequence[tuple[bool, bool]],
) -> list[Cell]:
    """A cell for each item, by whether the person and the other see it; a difference says which level makes it."""
    differing = [place for place, (has, has_too) in enumerate(both) if has_too and not has]
    ground = await ground_of(request) if differing else None
    subject = Subject(person.name, Kind(person.grant["kind"]), person.grant["toggles"])
    asked = differing[:REASONS_MAX]
    told = await explain_all_for(request, person.account, [questions[place] for place in asked])
    cells = [Cell(has) for has, _has_too in both]
    for place, (allowed, explanation) in zip(asked, told, strict=True):
        if ground is not None and not allowed:
            why = in_words(allowed, explanation, rows[place][0], subject, ground)
            level = next((step.label for step in reversed(why.chain) if step.says_no), "")
            cells[place] = Cell(False, level, why.sentence)
    return cells


ROUTES = (Route("/admin/clients/{client}/compare", compare_page, guard=Guard("view", "grant")),)
