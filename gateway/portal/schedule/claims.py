"""Changes of appointments, each in one transaction of `RecordsStore.change`.

Whoever takes a time first holds the provider's availability and then the client, so that no two can take one time:
on PostgreSQL the rows are locked, on SQLite the transaction has begun immediately.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, update
from sqlmodel import col, select

from gateway.notices.notify import Event, notify, notify_staff
from gateway.portal.schedule.slots import DAY_MINUTES, DAYS_AHEAD, Slot, free, offered, slot_of
from gateway.records.store import outbox_entry
from models.tables.records import Appointment, Client
from models.tables.scheduling import Availability, SchedulingRule

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from sqlmodel import Session

STAFF, AUTOMATIC = "staff", "automatic"  # who confirms a request
AT_ONCE_MAX = {"requested": 5, "booked": 26}  # times to come that one account holds for one client
STANDING = ("requested", "booked")  # states in which an appointment takes its time


class NotFree(Exception):  # noqa: N818 - read as a sentence where it is raised.
    """Nobody can have this time with this provider: it is taken, or not offered (any more)."""


class Clashing(Exception):  # noqa: N818 - read as a sentence where it is raised.
    """The client has another appointment at this time."""


class TooMany(Exception):  # noqa: N818 - read as a sentence where it is raised.
    """The account has as many times of this client as anybody may have at once."""


class Changed(Exception):  # noqa: N818 - read as a sentence where it is raised.
    """Somebody else changed the appointment after it was read."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A time that somebody asks for. `earliest` is the end of the practice's notice, `key` the form's one-time key."""

    practice_id: str
    client_id: str
    provider_id: str
    start: datetime
    zone: ZoneInfo
    now: datetime
    earliest: datetime
    account_id: str
    key: str = ""


def times_of(
    session: Session, provider_id: str, zone: ZoneInfo, earliest: datetime, *, moving: Appointment | None = None
) -> list[Slot]:
    """The free times of a provider, from `earliest` on; for an appointment to be moved those that hold its length."""
    availability = session.get(Availability, provider_id)
    if availability is None:
        return []
    return _free(session, availability, zone, earliest, moving)


def confirms(session: Session, practice_id: str) -> str:
    """Who confirms requests at a practice."""
    rule = session.get(SchedulingRule, practice_id)
    return STAFF if rule is None else rule.confirms


def claim(session: Session, wish: Wish) -> Appointment:
    """Take a free time. The same key gives the same appointment again. Raises NotFree, Clashing, TooMany."""
    _hold(session, wish)
    key = f"{wish.account_id}:{wish.client_id}:{wish.key}"
    known = session.exec(select(Appointment).where(Appointment.request_key == key)).one_or_none()
    if known is not None:
        return known
    state = _state(session, wish)
    if _held(session, wish, state) >= AT_ONCE_MAX[state]:
        raise TooMany
    slot, availability = _claimed(session, wish)
    row = Appointment(
        id=f"appt_{secrets.token_hex(8)}",
        practice_id=wish.practice_id,
        client_id=wish.client_id,
        provider_id=wish.provider_id,
        state=state,
        starts_at=slot.start,
        minutes=availability.slot_minutes,
        title=availability.title,
        place=availability.place,
        changed_at=wish.now,
        requested_by=wish.account_id,
        request_key=key,
    )
    _keep(session, row)
    _tell(session, row, but=wish.account_id, provider=True)
    return row


def move(session: Session, appointment_id: str, sequence: int, wish: Wish) -> Appointment:
    """Give an appointment another free time of its provider, of its own length. Raises NotFree, Clashing, Changed."""
    _hold(session, wish)
    row = _current(session, appointment_id, sequence)
    slot, _availability = _claimed(session, wish, moving=row)
    values = {"starts_at": slot.start, "state": _state(session, wish)}
    _change(session, row, wish.now, requested_by=wish.account_id, **values)
    _tell(session, row, but=wish.account_id, provider=True)
    return row


def cancel(session: Session, appointment_id: str, sequence: int, now: datetime, *, by: str) -> Appointment:
    """Give an appointment's time back, for the account `by`. Raises Changed."""
    row = _current(session, appointment_id, sequence)
    _change(session, row, now, state="cancelled")
    _tell(session, row, but=by, provider=True)
    return row


def decide(session: Session, appointment_id: str, sequence: int, now: datetime, *, accept: bool) -> Appointment:
    """Book or decline a requested appointment. Raises Changed, also when it is not waiting any more."""
    row = _current(session, appointment_id, sequence)
    if row.state != "requested":
        raise Changed
    _change(session, row, now, state="booked" if accept else "cancelled")
    _tell(session, row, but=None, provider=False)
    return row


def _hold(session: Session, wish: Wish) -> None:
    held = select(Availability).where(Availability.staff_id == wish.provider_id)
    session.exec(held.with_for_update()).one_or_none()
    session.exec(select(Client).where(Client.id == wish.client_id).with_for_update()).one()


def _claimed(session: Session, wish: Wish, moving: Appointment | None = None) -> tuple[Slot, Availability]:
    availability = session.get(Availability, wish.provider_id)
    if availability is None:
        raise NotFree
    times = _free(session, availability, wish.zone, wish.earliest, moving)
    slot = next((slot for slot in times if slot.start == wish.start), None)
    if slot is None:
        raise NotFree
    of_client = Appointment.client_id == wish.client_id
    if any(slot.overlaps(other) for other in _taken(session, of_client, slot.start, slot.end, moving)):
        raise Clashing
    return slot, availability


def _free(
    session: Session, availability: Availability, zone: ZoneInfo, earliest: datetime, moving: Appointment | None
) -> list[Slot]:
    first, minutes = earliest.astimezone(zone).date(), None if moving is None else moving.minutes
    every = list(offered(availability, zone, first, first + timedelta(days=DAYS_AHEAD), minutes))
    if not every:
        return []
    of_provider = Appointment.provider_id == availability.staff_id
    return free(every, _taken(session, of_provider, every[0].start, every[-1].end, moving), earliest)


def _taken(session: Session, whose: bool, start: datetime, end: datetime, moving: Appointment | None) -> list[Slot]:
    longest = timedelta(minutes=DAY_MINUTES)
    rows = session.exec(
        select(Appointment).where(
            whose,
            col(Appointment.state).in_(STANDING),
            col(Appointment.starts_at) > start - longest,
            col(Appointment.starts_at) < end,
        )
    )
    return [slot_of(row) for row in rows if moving is None or row.id != moving.id]


def _held(session: Session, wish: Wish, state: str) -> int:
    return session.exec(
        select(func.count())
        .select_from(Appointment)
        .where(
            Appointment.client_id == wish.client_id,
            Appointment.requested_by == wish.account_id,
            Appointment.state == state,
            Appointment.starts_at > wish.now,
        )
    ).one()


def _state(session: Session, wish: Wish) -> str:
    return "booked" if confirms(session, wish.practice_id) == AUTOMATIC else "requested"


def _current(session: Session, appointment_id: str, sequence: int) -> Appointment:
    row = session.exec(select(Appointment).where(Appointment.id == appointment_id).with_for_update()).one_or_none()
    if row is None or row.sequence != sequence or row.state not in STANDING:
        raise Changed
    return row


def _change(session: Session, row: Appointment, now: datetime, **values: object) -> None:
    """Only while the row still has its sequence: the lock is one wall, this condition the other."""
    before = row.sequence
    changed = session.execute(
        update(Appointment)
        .where(col(Appointment.id) == row.id, col(Appointment.sequence) == before)
        .values(**values, sequence=before + 1, changed_at=now)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise Changed
    session.refresh(row)
    _keep(session, row)


def _keep(session: Session, row: Appointment) -> None:
    session.add(row)
    session.add(outbox_entry("appointment", row))


def _tell(session: Session, row: Appointment, *, but: str | None, provider: bool) -> None:
    """Whoever may see the appointment, and the provider when a family has changed it (row Y27)."""
    notify(
        session,
        Event.APPOINTMENT,
        practice_id=row.practice_id,
        client_id=row.client_id,
        item=("appointment", row.id),
        path=f"/c/{row.client_id}/appointments/{row.id}",
        but=but,
    )
    if provider and row.provider_id is not None:
        notify_staff(
            session,
            Event.APPOINTMENT,
            practice_id=row.practice_id,
            client_id=row.client_id,
            staff=[row.provider_id],
            path="/admin/appointments",
        )
