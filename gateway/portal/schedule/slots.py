"""The times that a staff member offers, as instants: whole when the clocks change, neither lost nor doubled.

Hours are minutes from midnight on the practice's clock. What lies in the hour that the clocks skip begins when they
have skipped it; of the hour that they show twice, a bound is the first. So bounds never change their order, and a slot
always has its full length.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from models.tables.records import Appointment
    from models.tables.scheduling import Availability

DAY_MINUTES = 24 * 60
DAYS_AHEAD = 60  # How far ahead families may choose.
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A time that can be had, from `start` until `end` (UTC)."""

    start: datetime
    end: datetime

    def overlaps(self, other: Slot) -> bool:
        """Whether both share a moment."""
        return self.start < other.end and other.start < self.end


def slot_of(row: Appointment) -> Slot:
    """The time that an appointment takes."""
    return Slot(row.starts_at, row.starts_at + timedelta(minutes=row.minutes))


def offered(
    availability: Availability, zone: ZoneInfo, first: date, last: date, minutes: int | None = None
) -> Iterator[Slot]:
    """Every slot of the days from `first` to `last`, taken or not, in order.

    With `minutes` they begin where slots begin, but are of that length; they may overlap one another.
    """
    step = timedelta(minutes=availability.slot_minutes)
    length = step if minutes is None else timedelta(minutes=minutes)
    on = first
    while on <= last:
        for begins, ends in windows(availability, on):
            start, end = instant(on, begins, zone), instant(on, ends, zone)
            while start + length <= end:
                yield Slot(start, start + length)
                start += step
        on += timedelta(days=1)


def free(slots: Iterable[Slot], taken: Sequence[Slot], earliest: datetime) -> list[Slot]:
    """The slots from `earliest` on that overlap nothing taken."""
    return [slot for slot in slots if slot.start >= earliest and not any(slot.overlaps(other) for other in taken)]


def windows(availability: Availability, on: date) -> list[tuple[int, int]]:
    """From when until when on a day, in minutes from midnight, in order; exceptions replace the week's hours."""
    day = on.isoformat()
    special = [entry for entry in availability.exceptions if entry["day"] == day]
    entries = special or [entry for entry in availability.hours if entry["weekday"] == on.weekday()]
    return sorted((entry["from"], entry["until"]) for entry in entries if entry["from"] is not None)


def instant(on: date, minute: int, zone: ZoneInfo) -> datetime:
    """The moment (UTC) at which the practice's clock shows a minute of a day."""
    wall = datetime.combine(on, time()) + timedelta(minutes=minute)
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # The clocks skip this minute: the moment of the change lies between the two readings of it.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    while before.astimezone(zone).utcoffset() == offset:
        before += _MINUTE
    return before
