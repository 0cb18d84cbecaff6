"""What forms about appointments send, and what the trail keeps of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.records.events import enter_event, event_by
from models.numbers import whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlmodel import Session
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from models.tables.records import Appointment

_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


def sequence_of(form: FormData) -> int:
    """Which state of the appointment the form was made for; -1, which none has, when it does not say."""
    sent = whole(str(form.get("sequence", "")))
    return -1 if sent is None else sent


def written(moment: datetime) -> str:
    """An instant in an address or a form."""
    return moment.astimezone(UTC).strftime(_INSTANT)


def instant_of(text: str) -> datetime | None:
    """The instant that `written` wrote, or None."""
    try:
        return datetime.strptime(text, _INSTANT).replace(tzinfo=UTC)
    except ValueError:
        return None


async def kept_with(request: Request, action: str, work: Callable[[Session], Appointment]) -> Appointment:
    """The appointment that `work` leaves, kept together with the event that tells the trail of it."""
    state, reader = request.app.state, request.state.reader

    def write(session: Session) -> Appointment:
        row = work(session)
        enter_event(session, event_by(reader, action, row), at=state.clock(), once=f"{row.id} {row.sequence}")
        return row

    kept: Appointment = await state.records.change(request.state.client.practice_id, write)
    return kept
