"""Reminds of appointments the day before, from the morning on, in the practice's zone; each time once.

Whoever may not be reminded (the feature, its switches and toggles) is left out when the notice is told.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from gateway.notices.choices import DIGEST_HOUR
from gateway.notices.notify import Event, notify
from models.tables.mail import AppointmentReminder
from models.tables.records import Appointment, Practice

if TYPE_CHECKING:
    from sqlmodel import Session


async def remind(state: Any) -> None:
    """Make the notices of tomorrow's appointments that were not made yet."""
    known: list[Practice] = await state.records.read(None, lambda session: list(session.exec(select(Practice))))
    for practice in known:
        here = state.clock().astimezone(ZoneInfo(practice.zone))
        if here.hour >= DIGEST_HOUR:
            await state.records.change(practice.id, _reminding(practice, here))


def _reminding(practice: Practice, here: datetime) -> Any:
    tomorrow = here.date() + timedelta(days=1)
    begin = datetime.combine(tomorrow, time(), here.tzinfo)
    end = datetime.combine(tomorrow + timedelta(days=1), time(), here.tzinfo)

    def work(session: Session) -> None:
        made = select(AppointmentReminder.appointment_id).where(
            AppointmentReminder.appointment_id == Appointment.id, AppointmentReminder.starts_at == Appointment.starts_at
        )
        due = select(Appointment).where(
            Appointment.practice_id == practice.id,
            Appointment.state == "booked",
            col(Appointment.starts_at) >= begin,
            col(Appointment.starts_at) < end,
            ~made.exists(),
        )
        for visit in session.exec(due):
            reminder = AppointmentReminder(appointment_id=visit.id, starts_at=visit.starts_at, practice_id=practice.id)
            session.add(reminder)
            notify(
                session,
                Event.REMINDER,
                practice_id=practice.id,
                client_id=visit.client_id,
                item=("appointment", visit.id),
                path=f"/c/{visit.client_id}/calendar",
            )

    return work
