"""What families ask the practice to open, to be granted or declined; the answer goes back to who asked (row Y7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlmodel import col, select

from gateway.admin.request_steps import Way, take_steps, way_to_open
from gateway.admin.trail_words import names_of
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.notices.notify import Event, notify
from gateway.portal.requests import STATES, wish_of
from gateway.web.formats import day
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.words import KINDS, Badge
from models.tables.records import Client
from models.tables.requests import AccessRequest
from models.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.trail_words import Names

PAGE = "/admin/requests"
OPEN_MAX = 100
ANSWERED_MAX = 30
REASON_CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as the practice sees it; `href` leads to where it can be opened."""

    id: str
    who: str
    kind: str
    client: str
    wish: str
    note: str
    asked: str
    state: Badge
    answer: str
    by: str
    href: str
    is_open: bool
    way: Way  # what one click would change, shown before it is done
    marks: str


async def requests(request: Request) -> Response:
    """The open requests, the oldest first, and what was answered of late."""
    return await _show(request)


async def answer(request: Request) -> Response:
    """Grant or decline one request; whoever answers first has answered it. What is granted is open afterwards."""
    fields, request_id = await request.form(), request.path_params["request"]
    how, reason = str(fields.get("how", "")), str(fields.get("reason", "")).strip()[:REASON_CHARACTERS_MAX]
    row = await request.app.state.records.read(
        request.state.reader.practice_id, lambda session: session.get(AccessRequest, request_id)
    )
    if row is None or how not in ("open", "grant", "decline"):
        raise NotFound
    typed = {row.id: reason}
    if how == "decline" and not reason:
        problem = {"field": f"reason-{row.id}", "sentence": _("Say why, so that the family knows where they stand.")}
        return await _show(request, problem, typed, status=422)
    if how != "decline" and row.state == "open":
        sentence = await _opening_problem(request, row, str(fields.get("steps", "")), opens=how == "open")
        if sentence:
            return await _show(request, {"field": "", "sentence": sentence}, typed, status=409)
    state = "declined" if how == "decline" else "granted"
    if await _settle(request, row, state, reason):
        await say(request, _("The family is told."))
    else:
        await say(request, _("This request was answered or taken back in the meantime. Nothing more was sent."))
    return see_other(PAGE)


async def _opening_problem(request: Request, row: AccessRequest, shown: str, *, opens: bool) -> str:
    """Why it cannot be answered with yes; empty once it is open. `shown` are the changes that the page named."""
    way = await way_to_open(request, row, "", "")
    if opens and not way.is_open:
        if _marks(way) != shown:
            return _("What opens it has changed in the meantime. Look at what would be done now, and choose again.")
        if not way.steps or not await take_steps(request, row, way.steps):
            return _("This could not be switched on with one click: open the person's page and do it there.")
        way = await way_to_open(request, row, "", "")
    return "" if way.is_open else _("It is still closed for this person, so nobody was told. Open it first.")


def _marks(way: Way) -> str:
    """The changes as the form names them."""
    return " ".join(f"{step.fact}={step.to}" for step in way.steps)


async def _settle(request: Request, row: AccessRequest, state: str, reason: str) -> bool:
    reader, now = request.state.reader, request.app.state.clock()

    def write(session: Session) -> bool:
        still_open = update(AccessRequest).where(col(AccessRequest.id) == row.id, col(AccessRequest.state) == "open")
        answered = {"state": state, "answer": reason, "answered_by": reader.id, "answered_at": now}
        if not session.execute(still_open.values(**answered)).rowcount:  # type: ignore[attr-defined]
            return False
        notify(
            session,
            Event.REQUEST,
            practice_id=row.practice_id,
            client_id=row.client_id,
            item=None,
            path="/account/requests",
            accounts=[row.account_id],
        )
        return True

    settled: bool = await request.app.state.records.change(row.practice_id, write)
    return settled


async def _show(
    request: Request,
    problem: dict[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    records, practice_id = request.app.state.records, request.state.reader.practice_id
    found = await records.read(practice_id, _rows)
    names = await names_of(
        request,
        accounts=[row.account_id for row, _client in found],
        staff=[row.answered_by for row, _client in found if row.answered_by],
    )
    kinds: dict[tuple[str, str], tuple[str, str]] = {}
    for client_id in sorted({row.client_id for row, _client in found}):
        for grant in await request.app.state.authz.grants_of_client(client_id):
            kinds.setdefault((grant["account_id"], client_id), (grant["kind"], grant["id"]))
    views = [await _view(request, row, client, names, kinds) for row, client in found]
    return await page(
        request,
        "admin/requests.html",
        status=status,
        problem=problem,
        typed=typed or {},
        open=[view for view in views if view.is_open],
        answered=[view for view in views if not view.is_open],
    )


async def _view(
    request: Request, row: AccessRequest, client: Client, names: Names, kinds: Mapping[tuple[str, str], tuple[str, str]]
) -> RequestView:
    kind, grant_id = kinds.get((row.account_id, row.client_id), ("", ""))
    zone, state, who = ZoneInfo(request.state.reader.zone), STATES[row.state], names.account(row.account_id)
    is_open = row.state == "open"
    way = await way_to_open(request, row, who, client.preferred) if is_open else Way(is_open=False)
    of_practice = row.code in ("practice_switch", "contacts", "plan_audience", "card_processing")
    of_client = f"/admin/clients/{row.client_id}"
    return RequestView(
        id=row.id,
        who=who,
        kind=_(KINDS[Kind(kind)]) if kind else "",
        client=client.name,
        wish=wish_of(row.action, row.resource_type),
        note=row.note,
        asked=day(row.asked_at.astimezone(zone).date()),
        state=Badge(_(state.label), state.tone),
        answer=row.answer,
        by=names.staff_name(row.answered_by),
        href="/admin/practice" if of_practice else f"{of_client}/grants/{grant_id}" if grant_id else of_client,
        is_open=is_open,
        way=way,
        marks=_marks(way),
    )


def _rows(session: Session) -> list[tuple[AccessRequest, Client]]:
    base: Any = select(AccessRequest, Client).where(Client.id == AccessRequest.client_id)
    waiting = base.where(AccessRequest.state == "open").order_by(col(AccessRequest.asked_at)).limit(OPEN_MAX)
    answered = base.where(AccessRequest.state != "open").order_by(col(AccessRequest.asked_at).desc())
    return [*session.exec(waiting).all(), *session.exec(answered.limit(ANSWERED_MAX)).all()]


ROUTES = (
    Route(PAGE, requests, guard=Guard("update", "grant")),
    Route(f"{PAGE}/{{request}}", answer, guard=Guard("update", "grant"), methods=("POST",)),
)
