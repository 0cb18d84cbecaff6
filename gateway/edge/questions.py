"""What a handler may ask beyond its route: lists, buttons, profiles. Every question is about the request's reader."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false

from gateway.edge.authz_client import Asking, Plan, Question
from gateway.edge.errors import CannotDecide
from gateway.edge.reader import Profile, client_in_view
from gateway.records.filter import UnknownConditionError, keeps, table_of, where
from gateway.records.store import properties_of
from models.vocabulary import GrantStatus, Kind, SubjectType

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
    return Listing(rows, total)


async def visible(request: Request, resource_type: str, action: str = "view") -> ColumnElement[bool]:
    """The condition that the reader's rows of a type meet; `false()` when the reader may see none."""
    plan = await plan_for(request, action, resource_type)
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
    return answers


async def opens(request: Request, pages: Sequence[tuple[str, str]]) -> list[bool]:
    """Whether the page of each (action, type) would open for the reader; no row is read."""
    singles = [(action, resource_type, None) for action, resource_type in pages if not keeps(resource_type)]
    lists = [page for page in pages if keeps(page[1])]
    answers, plans = await asyncio.gather(may(request, singles), plans_for(request, lists))
    allowed, planned = iter(answers), iter(plans)
    return [next(planned).condition is not False if keeps(kind) else next(allowed) for _, kind in pages]


async def profiles(request: Request) -> list[Profile]:
    """The clients whose portal an account may open, the reader's own first; asked once a request."""
    if request.state.profiles is None:
        request.state.profiles = await _profiles(request)
    return list(request.state.profiles)


async def _profiles(request: Request) -> list[Profile]:
    reader = request.state.reader
    if reader.type is not SubjectType.ACCOUNT:
        return []
    kinds: dict[str, list[Kind]] = defaultdict(list)
    for grant in await own_grants(request):
        if grant["status"] == GrantStatus.ACTIVE.value:
            kinds[grant["client_id"]].append(Kind(grant["kind"]))
    asked = [Question("open", "portal", client_id, {"client_id": client_id}) for client_id in kinds]
    answers = await request.app.state.authz.evaluate_all(asking(request), asked)
    open_ids = [question.id for question, allowed in zip(asked, answers, strict=True) if allowed]
    found = await request.app.state.records.clients(open_ids)
    known = [Profile(client_in_view(*found[key]), tuple(kinds[key])) for key in open_ids if key in found]
    return sorted(known, key=lambda one: (Kind.SELF not in one.kinds, one.client.practice_name, one.client.name))


async def own_grants(request: Request) -> list[dict[str, Any]]:
    """Every grant of the account that reads, as the service tells them; asked once a request."""
    if request.state.grants is None:
        call = request.app.state.authz.grants_of_account(request.state.reader.id)
        request.state.grants = asyncio.ensure_future(call)
    return list(await request.state.grants)


async def is_own(request: Request, client_id: str) -> bool:
    """Whether the account that reads is the client's own."""
    if request.state.reader.type is not SubjectType.ACCOUNT:
        return False
    return any(
        grant["client_id"] == client_id and grant["kind"] == Kind.SELF.value for grant in await own_grants(request)
    )


async def plan_for(request: Request, action: str, resource_type: str) -> Plan:
    """What the reader may see of a type: of the URL's client, or in the reader's practice. Asked once a request."""
    (plan,) = await plans_for(request, [(action, resource_type)])
    return plan


async def plans_for(request: Request, wanted: Sequence[tuple[str, str]]) -> list[Plan]:
    """Several such plans, in their order; those not known yet in one call."""
    known: dict[tuple[str, str], asyncio.Future[Plan]] = request.state.plans
    new = [each for each in dict.fromkeys(wanted) if each not in known]
    if new:
        call = asyncio.ensure_future(request.app.state.authz.plans(asking(request), new, base_properties(request)))
        for place, each in enumerate(new):
            known[each] = asyncio.ensure_future(_one_of(call, place))
    return list(await asyncio.gather(*(known[each] for each in wanted)))


async def _one_of(call: asyncio.Future[list[Plan]], place: int) -> Plan:
    return (await call)[place]


def asking(request: Request) -> Asking:
    """The reader as the subject of questions."""
    reader = request.state.reader
    return Asking(reader.subject, reader.amr, reader.password_change_due)


def base_properties(request: Request) -> dict[str, str]:
    """The properties that every resource of this request has: its client, and for staff the practice."""
    reader, client = request.state.reader, request.state.client
    properties = {} if client is None else {"client_id": client.id}
    if reader.type is SubjectType.STAFF:
        properties["practice_id"] = reader.practice_id
    return properties


def _question(
    request: Request, action: str, resource_type: str, about: Client | Item | Mapping[str, Any] | None
) -> Question:
    base = base_properties(request)
    if about is None or isinstance(about, Mapping):
        properties = base | dict(about or {})
        resource_id = properties.pop("id", None) or properties.get("client_id") or properties.get("practice_id")
        return Question(action, resource_type, str(resource_id), properties)
    return Question(action, resource_type, about.id, base | properties_of(resource_type, about))


def _practice_id(request: Request) -> str:
    client = request.state.client
    practice_id: str = request.state.reader.practice_id if client is None else client.practice_id
    return practice_id
