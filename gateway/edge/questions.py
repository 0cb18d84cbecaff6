"""What a handler may ask beyond its route: lists, buttons, profiles. Every question is about the request's reader."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false

from gateway.edge.authz_client import Asking, Plan, Question
from gateway.edge.errors import CannotDecide
from gateway.edge.own_grants import begin_grants, kept, own_kinds
from gateway.edge.reader import Profile, client_in_view
from gateway.edge.viewing import shows, staff_action, viewing_of
from gateway.records.filter import UnknownConditionError, keeps, table_of, where
from gateway.records.store import properties_of
from models.vocabulary import Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from starlette.requests import Request

    from models.tables.records import Client, Item


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of a list, and how many there are in all."""

    rows: list[Any]
    total: int


async def listing(
    request: Request,
    resource_type: str,
    *,
    action: str = "view",
    where: ColumnElement[bool] | None = None,
    order_by: Any = (),
    limit: int = 100,
    offset: int = 0,
) -> Listing:
    """What the reader may see of a type, by the database. `where` narrows it, `order_by`: a column or several."""
    clause = await visible(request, resource_type, action)
    conditions = (clause,) if where is None else (clause, where)
    order = order_by if isinstance(order_by, list | tuple) else (order_by,)
    rows, total = await request.app.state.records.rows(
        table_of(resource_type), _practice_id(request), *conditions, order_by=order, limit=limit, offset=offset
    )
    if viewing_of(request) is not None and action == "view":
        await _count_closed(request, resource_type, where, total)
    return Listing(rows, total)


async def _count_closed(request: Request, resource_type: str, where: ColumnElement[bool] | None, shown: int) -> None:
    """Note how many rows the account sees that the staff member who looks may not."""
    clause = _clause(request, resource_type, await plan_for(request, "view", resource_type))
    conditions = (clause,) if where is None else (clause, where)
    records, practice_id = request.app.state.records, _practice_id(request)
    _rows, total = await records.rows(table_of(resource_type), practice_id, *conditions, limit=1)
    request.state.viewing.closed[resource_type] += total - shown


async def visible(request: Request, resource_type: str, action: str = "view") -> ColumnElement[bool]:
    """The condition that the reader's rows of a type meet; `false()` when the reader may see none.

    Where a staff member looks with a family's eyes, the rows are those that both may see.
    """
    clause = _clause(request, resource_type, await plan_for(request, action, resource_type))
    if viewing_of(request) is None:
        return clause
    own = await _staff_plan(request, staff_action(action), resource_type)
    return and_(clause, _clause(request, resource_type, own))


def _clause(request: Request, resource_type: str, plan: Plan) -> ColumnElement[bool]:
    if plan.condition is False:
        return false()
    try:
        clause = where(resource_type, plan.condition)
    except UnknownConditionError as error:
        raise CannotDecide(f"the plan for {resource_type} cannot be used: {error}") from error
    client = request.state.client
    table = table_of(resource_type)
    if client is None or resource_type == "client":
        return and_(clause, table.practice_id == _practice_id(request))
    return and_(clause, table.client_id == client.id)


async def may(
    request: Request, questions: Sequence[tuple[str, str, Client | Item | Mapping[str, Any] | None]]
) -> list[bool]:
    """Whether the reader may do each (action, type, row or properties); one call to the service."""
    asked = [_question(request, action, resource_type, about) for action, resource_type, about in questions]
    answers: list[bool] = await request.app.state.authz.evaluate_all(asking(request), asked)
    if viewing_of(request) is None:
        return answers
    return [own and theirs for own, theirs in zip(await _staff_may(request, questions), answers, strict=True)]


async def _staff_may(
    request: Request, questions: Sequence[tuple[str, str, Client | Item | Mapping[str, Any] | None]]
) -> list[bool]:
    """Whether the staff member who looks may see what each answer would show; what shows nothing they may."""
    client = request.state.client
    asked = {
        place: _question(request, staff_action(action), kind, about, {"practice_id": client.practice_id})
        for place, (action, kind, about) in enumerate(questions)
        if shows(kind, about)
    }
    answers = await request.app.state.authz.evaluate_all(request.state.viewing.asking, list(asked.values()))
    allowed = dict(zip(asked, answers, strict=True))
    return [allowed.get(place, True) for place in range(len(questions))]


async def _staff_plan(request: Request, action: str, resource_type: str) -> Plan:
    viewing, key = request.state.viewing, (action, resource_type)
    if key not in viewing.plans:
        properties = {"client_id": request.state.client.id, "practice_id": viewing.staff.practice_id}
        call = request.app.state.authz.plan(viewing.asking, action, resource_type, properties)
        viewing.plans[key] = asyncio.ensure_future(call)
    plan: Plan = await viewing.plans[key]
    return plan


async def opens(request: Request, pages: Sequence[tuple[str, str]]) -> list[bool]:
    """Whether the page of each (action, type) would open for the reader; no row is read."""
    singles = [(action, resource_type, None) for action, resource_type in _singles(pages)]
    if viewing_of(request) is None:
        asked = _answers(request, [_question(request, *single) for single in singles])
    else:
        asked = may(request, singles)
    answers, plans = await asyncio.gather(asked, plans_for(request, _lists(pages)))
    allowed, planned = iter(answers), iter(plans)
    return [next(planned).condition is not False if keeps(kind) else next(allowed) for _, kind in pages]


def look_ahead(request: Request, first: tuple[str, str]) -> None:
    """Begin to ask what the page of a family will ask anyhow: so the whole page waits for the service twice.

    `first` is what its route is guarded by. Its plan and those of the frame are one call, the reader's grants another
    at the same time; the frame's other questions go with the guard's own (`evaluate_first`), or else together.
    """
    request.state.ahead = request.app.state.framed
    _begin_plans(request, _lists([first, *request.app.state.framed]))
    begin_grants(request)


async def evaluate_first(request: Request, question: Question) -> bool:
    """The guard's own question, in one call with what the frame will ask when the page looks ahead."""
    (answer,) = await _answers(request, [question])
    return answer


async def _answers(request: Request, questions: Sequence[Question]) -> list[bool]:
    """The answers, in one call; the first one of a page that looks ahead brings the frame's, which are kept for it."""
    if not questions:
        return []
    state = request.state
    if state.ahead and state.answers is None:
        state.answers = kept(asyncio.ensure_future(_ask_ahead(request, questions)))
    known: dict[str, bool] = {} if state.answers is None else await state.answers
    keys = [_key(question) for question in questions]
    new = {key: question for key, question in zip(keys, questions, strict=True) if key not in known}
    fresh = await request.app.state.authz.evaluate_all(asking(request), list(new.values()))
    found = {**known, **dict(zip(new, fresh, strict=True))}
    return [found[key] for key in keys]


async def _ask_ahead(request: Request, questions: Sequence[Question]) -> dict[str, bool]:
    frame = [_question(request, action, resource_type, None) for action, resource_type in _singles(request.state.ahead)]
    portals = [_portal(client_id) for client_id in await own_kinds(request)]
    asked = {_key(question): question for question in (*questions, *frame, *portals)}
    answers = await request.app.state.authz.evaluate_all(asking(request), list(asked.values()))
    return dict(zip(asked, answers, strict=True))


def _key(question: Question) -> str:
    return json.dumps(question.body, sort_keys=True)


def _portal(client_id: str) -> Question:
    return Question("open", "portal", client_id, {"client_id": client_id})


def _singles(pages: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [page for page in pages if not keeps(page[1])]


def _lists(pages: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [page for page in pages if keeps(page[1])]


async def profiles(request: Request) -> list[Profile]:
    """The clients whose portal an account may open, the reader's own first; asked once a request."""
    if request.state.profiles is None:
        request.state.profiles = await _profiles(request)
    return list(request.state.profiles)


async def _profiles(request: Request) -> list[Profile]:
    reader = request.state.reader
    if reader.type is not SubjectType.ACCOUNT:
        return []
    kinds = await own_kinds(request)
    asked = [_portal(client_id) for client_id in kinds]
    answers = await _answers(request, asked)
    open_ids = [question.id for question, allowed in zip(asked, answers, strict=True) if allowed]
    viewing = viewing_of(request)
    if viewing is not None:
        practice = {"practice_id": viewing.staff.practice_id}
        own = [Question("view", "grant", client_id, {"client_id": client_id} | practice) for client_id in open_ids]
        answers = await request.app.state.authz.evaluate_all(viewing.asking, own)
        open_ids = [client_id for client_id, allowed in zip(open_ids, answers, strict=True) if allowed]
    found = await request.app.state.records.clients(open_ids)
    known = [Profile(client_in_view(*found[key]), tuple(kinds[key])) for key in open_ids if key in found]
    return sorted(known, key=lambda one: (Kind.SELF not in one.kinds, one.client.practice_name, one.client.name))


async def plan_for(request: Request, action: str, resource_type: str) -> Plan:
    """What the reader may see of a type: of the URL's client, or in the reader's practice. Asked once a request."""
    (plan,) = await plans_for(request, [(action, resource_type)])
    return plan


async def plans_for(request: Request, wanted: Sequence[tuple[str, str]]) -> list[Plan]:
    """Several such plans, in their order; those not known yet in one call."""
    _begin_plans(request, wanted)
    return list(await asyncio.gather(*(request.state.plans[each] for each in wanted)))


def _begin_plans(request: Request, wanted: Sequence[tuple[str, str]]) -> None:
    known: dict[tuple[str, str], asyncio.Future[Plan]] = request.state.plans
    new = [each for each in dict.fromkeys(wanted) if each not in known]
    if not new:
        return
    asked = request.app.state.authz.plans(asking(request), new, base_properties(request))
    call: asyncio.Future[list[Plan]] = kept(asyncio.ensure_future(asked))
    for place, each in enumerate(new):
        known[each] = kept(asyncio.ensure_future(_one_of(call, place)))


async def _one_of(call: asyncio.Future[list[Plan]], place: int) -> Plan:
    return (await call)[place]


def asking(request: Request) -> Asking:
    """The reader as the subject of questions."""
    reader, viewing = request.state.reader, viewing_of(request)
    at = None if viewing is None else viewing.at
    return Asking(reader.subject, reader.amr, reader.password_change_due, at)


def base_properties(request: Request) -> dict[str, str]:
    """The properties that every resource of this request has: its client, and for staff the practice."""
    reader, client = request.state.reader, request.state.client
    properties = {} if client is None else {"client_id": client.id}
    if reader.type is SubjectType.STAFF:
        properties["practice_id"] = reader.practice_id
    return properties


def _question(
    request: Request,
    action: str,
    resource_type: str,
    about: Client | Item | Mapping[str, Any] | None,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Question:
    base = {**base_properties(request), **more}
    if about is None or isinstance(about, Mapping):
        properties = base | dict(about or {})
        resource_id = properties.pop("id", None) or properties.get("client_id") or properties.get("practice_id")
        return Question(action, resource_type, str(resource_id), properties)
    return Question(action, resource_type, about.id, base | properties_of(resource_type, about))


def _practice_id(request: Request) -> str:
    client = request.state.client
    practice_id: str = request.state.reader.practice_id if client is None else client.practice_id
    return practice_id
