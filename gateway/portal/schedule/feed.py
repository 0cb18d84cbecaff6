"""A client's calendar in the reader's own calendar app: a secret address that can be changed and taken back.

Every fetch asks the service as the account that made the address, signed in as it was then: what that account may not
see any more is gone from the feed, and without the right to subscribe there is no feed.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlmodel import col, select
from starlette.responses import Response

from gateway.edge.authz_client import Asking, Question
from gateway.edge.errors import CannotDecide, NotFound
from gateway.portal.schedule.ics import ics
from gateway.records.events import enter_event, event_by
from gateway.records.filter import UnknownConditionError, where
from gateway.web.formats import day
from gateway.web.language import _, speaking
from gateway.web.pages import page, say, see_other
from gateway.web.today import zone_of
from models.tables.identity import Credential
from models.tables.records import Appointment
from models.tables.scheduling import CalendarFeed
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request

PAST = timedelta(days=365)  # how far back a feed reaches
EVENTS_MAX = 500
SECRET_BYTES = 32


async def feed_page(request: Request) -> Response:
    """Whether there is an address, and buttons to make, change and take it back."""
    return await _show(request, secret=None)


async def make_feed(request: Request) -> Response:
    """Make an address, in the place of the one before; this answer alone shows it."""
    reader, client = request.state.reader, request.state.client
    secret = secrets.token_urlsafe(SECRET_BYTES)
    made = CalendarFeed(
        account_id=reader.id,
        client_id=client.id,
        secret_hash=_hash(secret),
        amr=list(reader.amr),
        made_at=request.app.state.clock(),
    )

    def write(session: Session) -> None:
        session.merge(made)
        _enter(request, session, "calendar.subscribe")

    await request.app.state.records.change(None, write)
    return await _show(request, secret=secret)


async def revoke_feed(request: Request) -> Response:
    """Take the address back: from the next fetch on there is nothing there."""
    reader, client = request.state.reader, request.state.client
    held = delete(CalendarFeed).where(
        col(CalendarFeed.account_id) == reader.id, col(CalendarFeed.client_id) == client.id
    )

    def write(session: Session) -> None:
        session.execute(held)
        _enter(request, session, "calendar.unsubscribe")

    await request.app.state.records.change(None, write)
    await say(request, _("The address is taken back. Calendar apps that use it find nothing there any more."))
    return see_other(f"/c/{client.id}/calendar/feed")


async def feed(request: Request) -> Response:
    """The appointments of one client as the account may see them now; the same 404 for every reason there may be."""
    app = request.app.state
    secret_hash = _hash(request.path_params["secret"])
    found, change_due = await app.records.read(None, lambda session: _find(session, secret_hash))
    if found is None:
        raise NotFound
    asking = Asking({"type": SubjectType.ACCOUNT.value, "id": found.account_id}, tuple(found.amr), change_due)
    properties = {"client_id": found.client_id}
    home = await app.records.client(found.client_id)
    allowed, _context = await app.authz.evaluate(asking, Question("subscribe", "calendar", found.client_id, properties))
    plan = await app.authz.plan(asking, "view", "appointment", properties)
    if home is None or not allowed or plan.condition is False:
        raise NotFound
    try:
        clause = where("appointment", plan.condition)
    except UnknownConditionError as error:
        raise CannotDecide(f"the plan for appointment cannot be used: {error}") from error
    rows, _total = await app.records.rows(
        Appointment,
        home[1].id,
        clause,
        col(Appointment.client_id) == found.client_id,
        col(Appointment.starts_at) > app.clock() - PAST,
        order_by=(col(Appointment.starts_at).desc(),),
        limit=EVENTS_MAX,
    )
    with speaking(await _language(request, found.account_id)):
        content = ics(rows, app.settings.public_url)
    return Response(content, media_type="text/calendar; charset=utf-8")


def _find(session: Session, secret_hash: str) -> tuple[CalendarFeed | None, bool]:
    """The feed of a secret, and whether its maker must first choose a new password."""
    found = session.exec(select(CalendarFeed).where(CalendarFeed.secret_hash == secret_hash)).one_or_none()
    if found is None:
        return None, False
    due = select(Credential.must_change).where(
        Credential.subject_type == SubjectType.ACCOUNT.value, Credential.subject_id == found.account_id
    )
    answers: list[bool] = list(session.exec(due))
    return found, any(answers)


async def _language(request: Request, account_id: str) -> str:
    people = await request.app.state.records.people(SubjectType.ACCOUNT, [account_id])
    return str(people[account_id].language) if account_id in people else "en"


async def _show(request: Request, secret: str | None) -> Response:
    reader, client = request.state.reader, request.state.client
    kept = await request.app.state.records.read(None, lambda session: session.get(CalendarFeed, (reader.id, client.id)))
    address = f"{request.app.state.settings.public_url}/calendar/{secret}.ics" if secret else None
    made = None if kept is None else day(kept.made_at.astimezone(zone_of(request)).date())
    return await page(request, "portal/calendar_feed.html", address=address, made=made)


def _enter(request: Request, session: Session, action: str) -> None:
    client = request.state.client
    about = {
        "client_id": client.id,
        "practice_id": client.practice_id,
        "resource": {"type": "calendar", "id": client.id},
    }
    enter_event(session, event_by(request.state.reader, action) | about, at=request.app.state.clock())


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
