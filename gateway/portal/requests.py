"""Asking the practice for what a refusal page said it can open, and what came of it.

Only what the service refuses with a reason that families may know can be asked for, so asking tells nothing new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from gateway.edge.authz_client import Question
from gateway.edge.care_team import care_team
from gateway.edge.errors import NotFound
from gateway.edge.guard import Route, signed_in
from gateway.edge.limits import ASKING
from gateway.edge.own_grants import is_own, own_grants
from gateway.edge.questions import asking
from gateway.edge.reader import client_in_view
from gateway.edge.refusals import FEATURE_OF, refusal_of
from gateway.mail.post import ordered_id
from gateway.notices.notify import Event, notify_staff
from gateway.records.filter import keeps
from gateway.web.formats import day
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.words import FEATURES, Badge
from models.tables.records import Client
from models.tables.requests import AccessRequest
from models.vocabulary import Feature, SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.edge.reader import ClientInView
    from gateway.edge.refusals import Refusal

NOTE_CHARACTERS_MAX = 500
OWN_MAX = 50  # shown on one's own page, of each practice
STATES = {
    "open": Badge(N_("Waiting for the practice"), "info"),
    "granted": Badge(N_("Opened"), "good"),
    "declined": Badge(N_("Declined"), ""),
    "withdrawn": Badge(N_("Withdrawn"), ""),
}
# What a request is for, where it is more than to see a part of the portal.
_WISHES = {
    ("pay", "invoice"): N_("To pay invoices"),
    ("request", "appointment"): N_("To ask for appointments"),
    ("cancel", "appointment"): N_("To cancel appointments"),
    ("reschedule", "appointment"): N_("To move appointments"),
    ("subscribe", "calendar"): N_("To follow the calendar in an app"),
    ("start", "thread"): N_("To begin conversations"),
    ("upload", "document"): N_("To hand in documents"),
    ("open", "portal"): N_("To open the portal"),
}
# Where below the client's pages that lies which was asked for, and what its page asks of the policy.
_PAGES = {
    "calendar": ("/calendar", ("view", "calendar")),
    "appointment": ("/calendar", ("view", "calendar")),
    "invoice": ("/invoices", ("view", "invoice")),
    "payment": ("/payments", ("view", "payment")),
    "document": ("/documents", ("view", "document")),
    "form": ("/forms", ("view", "form")),
    "thread": ("/messages", ("view", "thread")),
    "owner_email": ("/email-owner", ("send", "owner_email")),
    "service_plan": ("/plan", ("view", "service_plan")),
    "portal": ("", ("open", "portal")),
}
_PAGES_OF_WISHES = {
    ("request", "appointment"): ("/appointments/new", ("request", "appointment")),
    ("subscribe", "calendar"): ("/calendar/feed", ("subscribe", "calendar")),
}
_PARTS_OF_WISHES = {
    ("pay", "invoice"): Feature.PAYMENTS,
    ("request", "appointment"): Feature.SCHEDULING,
    ("cancel", "appointment"): Feature.SCHEDULING,
    ("reschedule", "appointment"): Feature.SCHEDULING,
    ("open", "portal"): Feature.BASICS,
}


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as the one who made it sees it; `href` leads to what was opened, while it is open."""

    id: str
    client: str
    practice: str
    wish: str
    asked: str
    state: Badge
    answer: str
    is_open: bool
    href: str | None


async def ask(request: Request) -> Response:
    """Keep the request, and tell the practice; asking twice is asking once."""
    fields = await request.form()
    action, kind, note = (str(fields.get(name, "")) for name in ("action", "type", "note"))
    client = await _client_of(request, str(fields.get("client", "")))
    refusal = await refused(request, client, action, kind)
    if refusal is None or not refusal.askable:
        raise NotFound
    reader, now = request.state.reader, request.app.state.clock()
    team = await care_team(request.app.state.authz, client.practice_id, client.id)

    def write(session: Session) -> None:
        row = AccessRequest(
            id=ordered_id(),
            practice_id=client.practice_id,
            client_id=client.id,
            account_id=reader.id,
            action=action,
            resource_type=kind,
            code=refusal.code,
            note=note.strip()[:NOTE_CHARACTERS_MAX],
            asked_at=now,
        )
        session.add(row)
        session.flush()
        staff = team.administrators or team.owners
        notify_staff(
            session,
            Event.REQUEST,
            practice_id=client.practice_id,
            client_id=client.id,
            staff=staff,
            path="/admin/requests",
        )

    try:
        await request.app.state.records.change(client.practice_id, write)
    except IntegrityError:
        await say(request, _("You have asked for this already. The practice has not answered yet."))
    else:
        await say(request, _("The practice has your request."))
    return see_other("/account/requests")


async def own_requests(request: Request) -> Response:
    """What the reader asked for, the newest first."""
    if request.state.reader.type is not SubjectType.ACCOUNT:
        raise NotFound
    found: list[tuple[AccessRequest, Client, str, str]] = []
    for practice_id in await _practices(request):
        practice = await request.app.state.records.practice(practice_id)
        if practice is None:
            continue
        rows = await request.app.state.records.read(practice_id, lambda session: _rows(session, request))
        found += [(row, client, practice.name, practice.zone) for row, client in rows]
    found.sort(key=lambda each: each[0].asked_at, reverse=True)
    places = await _places(request, [row for row, *_rest in found if row.state == "granted"])
    views = [_view(row, client, practice, zone, places.get(row.id)) for row, client, practice, zone in found]
    return await page(request, "portal/own_requests.html", requests=views)


async def withdraw(request: Request) -> Response:
    """Take one's own open request back."""
    request_id, reader = request.path_params["request"], request.state.reader
    if reader.type is not SubjectType.ACCOUNT:
        raise NotFound
    for practice_id in await _practices(request):

        def write(session: Session) -> bool:
            mine = update(AccessRequest).where(
                col(AccessRequest.id) == request_id,
                col(AccessRequest.account_id) == reader.id,
                col(AccessRequest.state) == "open",
            )
            return bool(session.execute(mine.values(state="withdrawn")).rowcount)  # type: ignore[attr-defined]

        if await request.app.state.records.change(practice_id, write):
            await say(request, _("Your request was taken back."))
            return see_other("/account/requests")
    await say(request, _("This request is no longer open."))
    return see_other("/account/requests")


async def refused(request: Request, client: ClientInView, action: str, kind: str) -> Refusal | None:
    """What the reader would be told who asks for this now; None when it would be allowed, or reads as missing."""
    authz, properties = request.app.state.authz, {"client_id": client.id}
    if (action, kind) not in _WISHES and (action not in ("view", "send") or kind not in FEATURE_OF):
        return None
    if keeps(kind):
        plan = await authz.plan(asking(request), action, kind, properties)
        told = plan.refusal if plan.condition is False else None
    else:
        allowed, context = await authz.evaluate(
            asking(request), Question(action, kind, client.id, properties), explain=True
        )
        explanation = context.get("explanation")
        told = None if allowed or not isinstance(explanation, dict) else explanation.get("reason_user")
    return refusal_of(told, client, kind, action, is_own=await is_own(request, client.id))


def part_of(action: str, kind: str) -> Feature | None:
    """The part of the portal that a request is about, and no other one: what a click of the practice switches on."""
    return _PARTS_OF_WISHES.get((action, kind)) or FEATURE_OF.get(kind)


def wish_of(action: str, kind: str) -> str:
    """What somebody asks for, in words."""
    special = _WISHES.get((action, kind))
    return _(special) if special else _(FEATURES[FEATURE_OF[kind]].label)


async def _places(request: Request, granted: Sequence[AccessRequest]) -> dict[str, str]:
    """Where each request that was granted leads, by its id; nowhere when its page is closed again."""
    authz, who = request.app.state.authz, asking(request)
    places: dict[str, str] = {}
    for client_id in sorted({row.client_id for row in granted}):
        pages = {
            row.id: _PAGES_OF_WISHES.get((row.action, row.resource_type)) or _PAGES[row.resource_type]
            for row in granted
            if row.client_id == client_id
        }
        wanted = sorted({question for _below, question in pages.values()})
        lists = [question for question in wanted if keeps(question[1])]
        singles = [question for question in wanted if not keeps(question[1])]
        about = {"client_id": client_id}
        asked = [Question(action, kind, client_id, about) for action, kind in singles]
        plans = await authz.plans(who, lists, about) if lists else []
        opened = {question for question, plan in zip(lists, plans, strict=True) if plan.condition is not False}
        answers = await authz.evaluate_all(who, asked)
        opened |= {question for question, allowed in zip(singles, answers, strict=True) if allowed}
        places |= {key: f"/c/{client_id}{below}" for key, (below, question) in pages.items() if question in opened}
    return places


def _view(row: AccessRequest, client: Client, practice: str, zone: str, href: str | None) -> RequestView:
    state = STATES[row.state]
    return RequestView(
        id=row.id,
        client=client.preferred,
        practice=practice,
        wish=wish_of(row.action, row.resource_type),
        asked=day(row.asked_at.astimezone(ZoneInfo(zone)).date()),
        state=Badge(_(state.label), state.tone),
        answer=row.answer,
        is_open=row.state == "open",
        href=href,
    )


async def _client_of(request: Request, client_id: str) -> ClientInView:
    found = await request.app.state.records.client(client_id)
    if request.state.reader.type is not SubjectType.ACCOUNT or found is None:
        raise NotFound
    grants = await own_grants(request)
    if not any(grant["client_id"] == client_id for grant in grants):
        raise NotFound
    return client_in_view(*found)


async def _practices(request: Request) -> list[str]:
    grants = await own_grants(request)
    return sorted({grant["practice_id"] for grant in grants})


def _rows(session: Session, request: Request) -> list[tuple[AccessRequest, Client]]:
    chosen = (
        select(AccessRequest, Client)
        .where(AccessRequest.account_id == request.state.reader.id, Client.id == AccessRequest.client_id)
        .order_by(col(AccessRequest.asked_at).desc())
        .limit(OWN_MAX)
    )
    return list(session.exec(chosen).all())


ROUTES = (
    Route("/ask", ask, guard=signed_in, methods=("POST",), limit=ASKING),
    Route("/account/requests", own_requests, guard=signed_in),
    Route("/account/requests/{request}/withdraw", withdraw, guard=signed_in, methods=("POST",)),
)
