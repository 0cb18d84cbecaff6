"""An appointment in words, and the months of a calendar."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from gateway.web.formats import clock_time, day, hours
from gateway.web.words import Badge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from models.tables.records import Appointment

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)  # the months that a calendar can be turned to


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment on the practice's clock. `iso` carries the offset; `off` when it does not take place."""

    id: str
    on: date
    title: str
    details: str
    iso: str
    time: str
    hours: str
    state: Badge
    over: bool
    off: bool
    this_year: bool

    @property
    def weekday(self) -> str:
        """Wednesday."""
        return f"{self.on:%A}"

    @property
    def date(self) -> str:
        """June 3, 2026."""
        return day(self.on)

    @property
    def month(self) -> str:
        """Jun."""
        return f"{self.on:%b}"

    @property
    def year(self) -> int | None:
        """The year, when it is not the present one."""
        return None if self.this_year else self.on.year

    @property
    def day(self) -> int:
        """3."""
        return self.on.day


@dataclass(frozen=True, slots=True)
class Day:
    """A square of the month; one of the months around it (`inside` false) shows no visits."""

    on: date
    inside: bool
    today: bool
    visits: tuple[Visit, ...]

    @property
    def number(self) -> int:
        """The day of the month."""
        return self.on.day

    @property
    def label(self) -> str:
        """June 3, 2026."""
        return day(self.on)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of visits, in weeks from Sunday; keys are `2026-06`."""

    first: date
    weeks: tuple[tuple[Day, ...], ...]
    visits: tuple[Visit, ...]

    @property
    def key(self) -> str:
        """2026-06."""
        return _key(self.first)

    @property
    def label(self) -> str:
        """June 2026."""
        return f"{self.first:%B %Y}"

    @property
    def before(self) -> str:
        """The key of the month before."""
        return _key(self.first - timedelta(days=1))

    @property
    def after(self) -> str:
        """The key of the month after."""
        return _key(self.first + timedelta(days=31))

    @property
    def before_label(self) -> str:
        """May, as three letters."""
        return f"{self.first - timedelta(days=1):%b}"

    @property
    def after_label(self) -> str:
        """Jul."""
        return f"{self.first + timedelta(days=31):%b}"


def describe(row: Appointment, zone: ZoneInfo, now: datetime, staff: Mapping[str, str]) -> Visit:
    """The appointment on the practice's clock; `staff` names its members by id."""
    start = row.starts_at.astimezone(zone)
    end = (row.starts_at + timedelta(minutes=row.minutes)).astimezone(zone)
    provider = staff.get(row.provider_id or "")
    return Visit(
        id=row.id,
        on=start.date(),
        title=row.title,
        details=" · ".join(part for part in (f"with {provider}" if provider else "", row.place) if part),
        iso=start.isoformat(timespec="minutes"),
        time=clock_time(start),
        hours=hours(start, end),
        state=_state(row.state, over=end <= now),
        over=end <= now,
        off=row.state == "cancelled",
        this_year=start.year == now.year,
    )


def month_asked(asked: str, today: date) -> date:
    """The first day of the month asked for as `2026-06`; of this month when that cannot be read."""
    if not _MONTH.fullmatch(asked):
        return today.replace(day=1)
    return date(int(asked[:4]), int(asked[5:]), 1)


def month_of(first: date, visits: Sequence[Visit], today: date) -> Month:
    """The squares of a month with their visits, in order of time."""
    inside = tuple(visit for visit in visits if (visit.on.year, visit.on.month) == (first.year, first.month))

    def square(on: date) -> Day:
        return Day(on, on.month == first.month, on == today, tuple(visit for visit in inside if visit.on == on))

    weeks = calendar.Calendar(firstweekday=6).monthdatescalendar(first.year, first.month)
    return Month(first, tuple(tuple(square(on) for on in week) for week in weeks), inside)


def _key(value: date) -> str:
    return f"{value:%Y-%m}"


def _state(state: str, *, over: bool) -> Badge:
    if state == "booked":
        return Badge("Past") if over else Badge("Booked", "good")
    return {
        "requested": Badge("Requested", "info"),
        "cancelled": Badge("Cancelled"),
        "completed": Badge("Took place"),
    }.get(state, Badge(state.capitalize()))
