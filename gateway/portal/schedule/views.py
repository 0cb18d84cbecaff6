"""The three views of a calendar: a month in squares, a week in columns, an agenda in lists; weeks begin on Sunday."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from babel.dates import format_date, format_skeleton

from gateway.web.formats import day
from gateway.web.language import N_, _, language

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from starlette.requests import Request

    from gateway.portal.schedule.visits import Visit

_WEEK = timedelta(days=7)
_DAY = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)  # the days that a calendar can be turned to


class View(StrEnum):
    """How a calendar is shown."""

    AGENDA = "agenda"
    WEEK = "week"
    MONTH = "month"


LABELS = {View.AGENDA: N_("Agenda"), View.WEEK: N_("Week"), View.MONTH: N_("Month")}


@dataclass(frozen=True, slots=True)
class Turn:
    """To which view and day a calendar is turned; `base` is its address."""

    base: str
    view: View
    on: date
    today: date

    def link(self, view: str, on: date | None = None) -> str:
        """The address of a view, at the same day unless another is named."""
        return f"{self.base}?view={view}&on={(on or self.on).isoformat()}"

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """Every view as label, address, and whether it is the present one."""
        return [(_(LABELS[view]), self.link(view.value), view is self.view) for view in View]

    @property
    def pdf(self) -> str:
        """Where the same is on paper."""
        return f"{self.base}/pdf?view={self.view.value}&on={self.on.isoformat()}"

    @property
    def on_label(self) -> str:
        """June 3, 2026."""
        return day(self.on)

    @property
    def is_today(self) -> bool:
        """Whether the agenda begins now."""
        return self.on == self.today


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a month or week; one of the months around it (`inside` false) shows no visits."""

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

    @property
    def weekday(self) -> str:
        """Wednesday."""
        return str(format_date(self.on, "EEEE", locale=language()))


@dataclass(frozen=True, slots=True)
class Span:
    """A month or a week of visits, in weeks from Sunday."""

    view: View
    first: date
    weeks: tuple[tuple[Day, ...], ...]
    visits: tuple[Visit, ...]

    @property
    def label(self) -> str:
        """June 2026, or Jun 14 to Jun 20, 2026."""
        if self.view is View.MONTH:
            return month_label(self.first)
        last = format_skeleton("yMMMd", self.first + timedelta(days=6), locale=language())
        return _("%(first)s to %(last)s", first=self._short(self.first), last=last)

    @property
    def before(self) -> date:
        """A day of the span before."""
        return self.first - timedelta(days=1)

    @property
    def after(self) -> date:
        """The first day of the span after."""
        return end_of(self.view, self.first)

    @property
    def before_label(self) -> str:
        """May."""
        return self._short(begin_of(self.view, self.before))

    @property
    def after_label(self) -> str:
        """Jul."""
        return self._short(self.after)

    def _short(self, first: date) -> str:
        return str(format_skeleton("MMM" if self.view is View.MONTH else "MMMd", first, locale=language()))


def month_label(on: date) -> str:
    """June 2026."""
    return str(format_skeleton("yMMMM", on, locale=language()))


def weekdays() -> list[tuple[str, str]]:
    """The days of a week as (Sun, Sunday), from Sunday."""
    sunday = date(2026, 6, 14)
    days = [sunday + timedelta(days=number) for number in range(7)]
    return [(format_date(on, "EEE", locale=language()), format_date(on, "EEEE", locale=language())) for on in days]


def view_asked(asked: str) -> View:
    """The view asked for; the agenda when there is none of that name."""
    return next((view for view in View if view.value == asked), View.AGENDA)


def day_asked(asked: str, today: date) -> date:
    """The day asked for as `2026-06-03`; today when that cannot be read."""
    if not _DAY.fullmatch(asked):
        return today
    try:
        return date.fromisoformat(asked)
    except ValueError:
        return today


def begin_of(view: View, on: date) -> date:
    """The first day of the month or week that holds a day."""
    return on.replace(day=1) if view is View.MONTH else on - timedelta(days=(on.weekday() + 1) % 7)


def end_of(view: View, on: date) -> date:
    """The first day after the month or week that holds a day."""
    first = begin_of(view, on)
    return (first + timedelta(days=31)).replace(day=1) if view is View.MONTH else first + _WEEK


def midnight(on: date, zone: ZoneInfo) -> datetime:
    """When a day begins on a practice's clock."""
    return datetime.combine(on, time(), zone)


def span_of(view: View, on: date, visits: Sequence[Visit], today: date) -> Span:
    """A month or week with its visits, in order of time."""
    first, after = begin_of(view, on), end_of(view, on)
    inside = tuple(visit for visit in visits if first <= visit.on < after)

    def square(one: date) -> Day:
        return Day(one, first <= one < after, one == today, tuple(visit for visit in inside if visit.on == one))

    weeks: Iterable[Iterable[date]] = [[first + timedelta(days=number) for number in range(7)]]
    if view is View.MONTH:
        weeks = calendar.Calendar(firstweekday=6).monthdatescalendar(first.year, first.month)
    return Span(view, first, tuple(tuple(square(one) for one in week) for week in weeks), inside)


def turn_of(request: Request, base: str, today: date) -> Turn:
    """To which view and day the address asks the calendar to be turned."""
    query = request.query_params
    return Turn(base, view_asked(query.get("view", "")), day_asked(query.get("on", ""), today), today)
