"""The link in each notice that ends them, for whoever holds the mail: no sign-in, and no way to learn anything."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete
from sqlmodel import col

from gateway.edge.errors import NotFound
from gateway.notices.choices import EVERYONE, EVERYTHING, Choice, choose
from gateway.web.pages import page
from models.tables.mail import NoticeStop
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

KEEP_DAYS = 180


async def ask(request: Request) -> Response:
    """Ask first: mail programs open links by themselves."""
    await _person(request)
    return await page(request, "notices/stop.html", path=request.url.path, done=False)


async def stop(request: Request) -> Response:
    """End the notices. Also what a mail program sends of its own (RFC 8058), so the secret alone counts, and again."""
    person = await _person(request)
    await request.app.state.records.change(
        None, lambda session: choose(session, person, EVERYONE, EVERYTHING, Choice.NEVER)
    )
    return await page(request, "notices/stop.html", path=request.url.path, done=True)


async def forget_stops(state: Any) -> None:
    """Delete the secrets of old mails."""
    old = delete(NoticeStop).where(col(NoticeStop.made_at) < state.clock() - timedelta(days=KEEP_DAYS))
    await state.records.change(None, lambda session: session.execute(old) and None)


async def _person(request: Request) -> tuple[SubjectType, str]:
    hashed = sha256(request.path_params["token"].encode()).hexdigest()

    def read(session: Session) -> NoticeStop | None:
        return session.get(NoticeStop, hashed)

    found = await request.app.state.records.read(None, read)
    if found is None or found.made_at < request.app.state.clock() - timedelta(days=KEEP_DAYS):
        raise NotFound
    return SubjectType(found.subject_type), found.subject_id
