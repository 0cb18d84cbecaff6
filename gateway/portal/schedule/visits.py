"""An appointment in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from babel.dates import format_date

from gateway.portal.schedule.claims import STANDING
from gateway.portal.schedule.slots import slot_of
from gateway.web.formats import clock_time, day, hours, zone_name
from gateway.web.language import N_, _, language
from gateway.web.words import Badge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from models.tables.records import Appointment

TONES = 6  # frames of the marks of clients


@dataclass(frozen=True, slots=True)
class Whose:
    """A client among several: told apart by name and initials, and only then by colour."""

    id: str
    name: str
    mark: str
    tone: int


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment on the practice's clock. `iso` carries the offset; `off` when it does not take place.

    `whose` is there where several clients stand on one page.
    """

    id: str
    href: str
    starts_at: datetime
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
    whose: Whose | None = None

    @property
    def weekday(self) -> str:
        """Wednesday."""
        return str(format_date(self.on, "EEEE", locale=language()))

    @property
    def date(self) -> str:
        """June 3, 2026."""
        return day(self.on)

    @property
    def month(self) -> str:
        """Jun."""
        return str(format_date(self.on, "LLL", locale=language())).rstrip(".").capitalize()

    @property
    def year(self) -> int | None:
        """The year, when it is not the present one."""
        return None if self.this_year else self.on.year

    @property
    def day(self) -> int:
        """3."""
        return self.on.day


def describe(
    row: Appointment,
    zone: ZoneInfo,
    now: datetime,
    staff: Mapping[str, str],
    *,
    whose: Whose | None = None,
    tell_zone: bool = False,
) -> Visit:
    """The appointment on the practice's clock, which is named with `tell_zone`; `staff` names its members by id."""
    taken = slot_of(row)
    start, end = taken.start.astimezone(zone), taken.end.astimezone(zone)
    provider = staff.get(row.provider_id or "")
    details = (_("with %(name)s", name=provider) if provider else "", row.place, zone_name(zone.key) * tell_zone)
    return Visit(
        id=row.id,
        href=f"/c/{row.client_id}/appointments/{row.id}",
        starts_at=row.starts_at,
        on=start.date(),
        title=row.title,
        details=" · ".join(part for part in details if part),
        iso=start.isoformat(timespec="minutes"),
        time=clock_time(start) + clock_reading(start),
        hours=hours(start, end) + clock_reading(start),
        state=state_of(row.state, over=end <= now),
        over=end <= now,
        off=row.state == "cancelled",
        this_year=start.year == now.year,
        whose=whose,
    )


def clock_reading(moment: datetime) -> str:
    """Which of two it is, ` (PST)`, when the clocks show this hour twice; otherwise nothing."""
    twice = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    return f"\N{NO-BREAK SPACE}({moment:%Z})" if twice else ""


def whose_of(client_id: str, name: str, place: int) -> Whose:
    """How a client is told apart from the others; `place` is the client's among them."""
    words = name.split()
    return Whose(client_id, name, words[0][0] + (words[-1][0] if len(words) > 1 else ""), place % TONES)


_STATES = {
    "booked": Badge(N_("Booked"), "good"),
    "requested": Badge(N_("Requested"), "info"),
    "cancelled": Badge(N_("Cancelled")),
    "completed": Badge(N_("Took place")),
}


def state_of(state: str, *, over: bool) -> Badge:
    """The state in a word; what was booked and is over is past."""
    if over and state in STANDING:
        return Badge(_("Past"))
    badge = _STATES.get(state)
    return Badge(state.capitalize()) if badge is None else Badge(_(badge.label), badge.tone)
