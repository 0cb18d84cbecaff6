"""What families ask the practice to open, to be granted or declined; the answer goes back to who asked (row Y7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlmodel import col, select

from gateway.edge.errors import NotFound, Rejected, Stale
from gateway.edge.guard import Guard, Route
from gateway.notices.notify import Event, notify
from gateway.portal.requests import STATES, part_of, wish_of
from gateway.web.formats import day
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.words import FEATURES, KINDS, Badge
from models.tables.records import Client
from models.tables.requests import AccessRequest
from models.vocabulary import Kind, SubjectType

if TYPE_CHECKING:
    from typing import Any

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.identity import Person

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
    switch: str  # what one click would switch on for this person, or ""


@dataclass(frozen=True, slots=True)
class _Names:
    """Whom the requests speak of; `kinds` has kind and grant by account and client."""

    people: dict[str, Person]
    staff: dict[str, Person]
    kinds: dict[tuple[str, str], tuple[str, str]]


async def requests(request: Request) -> Response:
    """The open requests, the oldest first, and what was answered of late."""
    return await _show(request)


async def answer(request: Request) -> Response:
    """Grant or decline one request; whoever answers first has answered it."""
    fields, request_id = await request.form(), request.path_params["request"]
    how, reason = str(fields.get("how", "")), str(fields.get("reason", "")).strip()[:REASON_CHARACTERS_MAX]
    row = await request.app.state.records.read(
        request.state.reader.practice_id, lambda session: session.get(AccessRequest, request_id)
    )
    if row is None or how not in ("switch", "grant", "decline"):
        raise NotFound
    if how == "decline" and not reason:
        problem = {"field": f"reason-{row.id}", "sentence": _("Say why, so that the family knows where they stand.")}
        return await _show(request, problem, status=422)
    if row.state == "open" and how == "switch" and not await _switch_on(request, row):
        problem = {
            "field": "",
            "sentence": _("This could not be switched on with one click: open the person's page and do it there."),
        }
        return await _show(request, problem, status=409)
    state = "declined" if how == "decline" else "granted"
    if await _settle(request, row, state, reason):
        await say(request, _("The family is told."))
    else:
        await say(request, _("This request was answered or taken back in the meantime. Nothing more was sent."))
    return see_other(PAGE)


async def _switch_on(request: Request, row: AccessRequest) -> bool:
    """Switch the part on in every active grant of the person; False when that is not what keeps it closed."""
    authz, actor, part = request.app.state.authz, request.state.reader.actor, part_of(row.action, row.resource_type)
    if row.code != "toggle" or part is None:
        return False
    grants = [
        grant
        for grant in await authz.grants_of_client(row.client_id)
        if grant["account_id"] == row.account_id and grant["status"] == "active"
    ]
    try:
        for grant in grants:
            if not grant["toggles"][part.value]:
                changes = {"toggles": {part.value: True}}
                await authz.update_grant(grant["id"], changes, etag=grant["etag"], actor=actor)
    except (Rejected, Stale):
        return False
    return bool(grants)


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


async def _show(request: Request, problem: dict[str, str] | None = None, status: int = 200) -> Response:
    records, practice_id = request.app.state.records, request.state.reader.practice_id
    found = await records.read(practice_id, _rows)
    people = await records.people(SubjectType.ACCOUNT, sorted({row.account_id for row, _client in found}))
    staff = await records.people(SubjectType.STAFF, sorted({row.answered_by for row, _ in found if row.answered_by}))
    kinds: dict[tuple[str, str], tuple[str, str]] = {}
    for client_id in sorted({row.client_id for row, _client in found}):
        for grant in await request.app.state.authz.grants_of_client(client_id):
            kinds.setdefault((grant["account_id"], client_id), (grant["kind"], grant["id"]))
    names = _Names(people, staff, kinds)
    views = [_view(request, row, client, names) for row, client in found]
    return await page(
        request,
        "admin/requests.html",
        status=status,
        problem=problem,
        open=[view for view in views if view.is_open],
        answered=[view for view in views if not view.is_open],
    )


def _view(request: Request, row: AccessRequest, client: Client, names: _Names) -> RequestView:
    kind, grant_id = names.kinds.get((row.account_id, row.client_id), ("", ""))
    person, zone, state = names.people.get(row.account_id), ZoneInfo(request.state.reader.zone), STATES[row.state]
    of_practice = row.code in ("practice_switch", "contacts", "plan_audience", "card_processing")
    of_client = f"/admin/clients/{row.client_id}"
    part = part_of(row.action, row.resource_type)
    return RequestView(
        id=row.id,
        who=person.name if person else _("Somebody"),
        kind=_(KINDS[Kind(kind)]) if kind else "",
        client=client.name,
        wish=wish_of(row.action, row.resource_type),
        note=row.note,
        asked=day(row.asked_at.astimezone(zone).date()),
        state=Badge(_(state.label), state.tone),
        answer=row.answer,
        by=names.staff[row.answered_by].name if row.answered_by in names.staff else "",
        href="/admin/practice" if of_practice else f"{of_client}/grants/{grant_id}" if grant_id else of_client,
        is_open=row.state == "open",
        switch=_(FEATURES[part].label) if row.code == "toggle" and part else "",
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
