"""Delivers the queue of mails.

Before each try the row is moved to its next time, so that two carriers never send it at once and a crash costs a pause,
not the mail. A crash after the other side took it repeats it, with the same Message-ID and date.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import and_, delete, or_, update
from sqlmodel import col, select

from gateway.mail.carriers import NotSent, carrier_of
from gateway.mail.message import make_message
from gateway.mail.post import FAILED, SENT, WAITING, Letter
from models.tables.mail import Mail
from models.tables.records import Practice

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from gateway.mail.carriers import Line

ROUND_MAX = 50  # mails of one practice in one round
PAUSE_SECONDS = 60  # before the second try; then twice as long each time
PAUSE_SECONDS_MAX = 4 * 3600
GIVE_UP_HOURS = 72  # after the first try
KEEP_SENT_DAYS, KEEP_FAILED_DAYS = 30, 30
TRY_AGAIN_DAYS = 7  # in which the practice can have a failed mail sent once more; its links end by then
log: Any = structlog.get_logger()


async def deliver(state: Any) -> None:
    """Try every mail whose time has come, once."""
    for practice_id in await practices(state):
        due = await state.records.read(practice_id, partial(_due, practice_id=practice_id, now=state.clock()))
        if due and not await _carry(state, practice_id, due):
            return


async def forget(state: Any) -> None:
    """Delete what was sent or failed long ago, and what a failed mail said once nobody sends it again."""
    now = state.clock()

    def work(session: Session) -> None:
        for name, days in ((SENT, KEEP_SENT_DAYS), (FAILED, KEEP_FAILED_DAYS)):
            session.execute(
                delete(Mail).where(col(Mail.state) == name, col(Mail.ended_at) < now - timedelta(days=days))
            )
        over = (col(Mail.state) == FAILED) & (col(Mail.ended_at) < now - timedelta(days=TRY_AGAIN_DAYS))
        session.execute(update(Mail).where(over, col(Mail.content).is_not(None)).values(content=None))

    for practice_id in await practices(state):
        await state.records.change(practice_id, work)


async def practices(state: Any) -> list[str | None]:
    """Every practice, after None for what belongs to none."""
    known: list[str] = await state.records.read(None, lambda session: list(session.exec(select(Practice.id))))
    return [None, *known]


async def _carry(state: Any, practice_id: str | None, due: list[Mail]) -> bool:
    """Send what is due; False when the line is down, so that nothing else need be tried now."""
    left = list(due)
    try:
        async with carrier_of(state.settings).open() as line:
            while left:
                await _try(state, practice_id, left.pop(0), line)
    except NotSent as error:
        log.warning("mail_line_down", reason=_sort(error))
        if left and (mail := await _claim(state, practice_id, left[0])):
            await _note(state, practice_id, mail, error)
        return False
    return True


async def _try(state: Any, practice_id: str | None, mail: Mail, line: Line) -> None:
    claimed = await _claim(state, practice_id, mail)
    if claimed is None or claimed.content is None or claimed.first_tried_at is None:
        return
    try:
        letter = Letter(to=claimed.recipient, **claimed.content)
        sender = state.settings.mail_from
        await line.send(mail.id, make_message(letter, mail_id=mail.id, sender=sender, dated=claimed.first_tried_at))
    except ValueError as error:
        await _note(state, practice_id, claimed, NotSent(str(error), for_good=True))
    except NotSent as error:
        await _note(state, practice_id, claimed, error)
        if error.line_down:
            raise
    else:
        await _end(state, practice_id, mail.id, SENT, content=None, last_error="")


async def _claim(state: Any, practice_id: str | None, mail: Mail) -> Mail | None:
    """The mail, if this try is ours: its next one is put off first."""
    now = state.clock()
    pause = min(PAUSE_SECONDS * 2**mail.tries, PAUSE_SECONDS_MAX)

    def work(session: Session) -> Mail | None:
        claim = (
            update(Mail)
            .where(col(Mail.id) == mail.id, _is_due(now), col(Mail.tries) == mail.tries)
            .values(
                tries=mail.tries + 1,
                next_try_at=now + timedelta(seconds=pause),
                first_tried_at=mail.first_tried_at or now,
            )
        )
        return session.get(Mail, mail.id) if session.execute(claim).rowcount == 1 else None  # type: ignore[attr-defined]

    claimed: Mail | None = await state.records.change(practice_id, work)
    return claimed


async def _note(state: Any, practice_id: str | None, mail: Mail, error: NotSent) -> None:
    """Keep why it was not sent; for good, or after too long, it is not tried again."""
    first = mail.first_tried_at or state.clock()
    if error.for_good or state.clock() - first > timedelta(hours=GIVE_UP_HOURS):
        log.warning("mail_failed", mail=mail.id, tries=mail.tries, reason=_sort(error))
        await _end(state, practice_id, mail.id, FAILED, last_error=str(error))
        return
    kept = update(Mail).where(col(Mail.id) == mail.id).values(last_error=str(error))
    await state.records.change(practice_id, lambda session: session.execute(kept) and None)


def _sort(error: NotSent) -> str:
    """A code or a name, for the log: what a server says after it often has the address in it."""
    return str(error).partition(" ")[0].rstrip(":")


async def _end(state: Any, practice_id: str | None, mail_id: str, name: str, **values: Any) -> None:
    ended = update(Mail).where(col(Mail.id) == mail_id).values(state=name, ended_at=state.clock(), **values)
    await state.records.change(practice_id, lambda session: session.execute(ended) and None)


def _due(session: Session, practice_id: str | None, now: datetime) -> list[Mail]:
    chosen = select(Mail).where(Mail.practice_id == practice_id, _is_due(now)).order_by(Mail.id)
    return list(session.exec(chosen.limit(ROUND_MAX)))


def _is_due(now: datetime) -> Any:
    at = col(Mail.next_try_at)
    return and_(col(Mail.state) == WAITING, or_(at.is_(None), at <= now))
