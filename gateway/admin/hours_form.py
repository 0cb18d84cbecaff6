"""Reads and checks the form of a staff member's weekly hours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from babel.dates import format_date

from gateway.admin.switches import Problem
from gateway.portal.schedule.slots import DAY_MINUTES
from gateway.web.formats import day as written_day
from gateway.web.language import _, language
from models.numbers import whole

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from models.tables.scheduling import Availability

SPANS = 2  # windows of one day
BLANK_EXCEPTIONS = 3
EXCEPTIONS_MAX = 30
SLOT_MINUTES_MIN, SLOT_MINUTES_MAX = 10, 240
TEXT_MAX = 80
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class SpanField:
    """Two fields for a time of day; `key` makes their names."""

    key: str
    begins: str
    ends: str


@dataclass(frozen=True, slots=True)
class WeekdayFields:
    """The windows of a weekday."""

    label: str
    spans: tuple[SpanField, ...]


@dataclass(frozen=True, slots=True)
class ExceptionFields:
    """A day with other hours; without times it is a day off."""

    day: str
    span: SpanField


@dataclass(slots=True)
class HoursForm:
    """The form as typed, what is wrong with it, and what is to be kept when nothing is."""

    slot_minutes: str
    title: str
    place: str
    offered: bool
    version: str
    week: list[WeekdayFields]
    exceptions: list[ExceptionFields]
    problems: list[Problem] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def wrong(self) -> set[str]:
        """The ids of the fields that something is wrong with."""
        return {problem.field for problem in self.problems if problem.field}


def form_of(row: Availability | None, *, offered: bool) -> HoursForm:
    """The form as it is stored."""
    hours = [] if row is None else row.hours
    week = []
    for weekday in range(7):
        windows = sorted((one["from"], one["until"]) for one in hours if one["weekday"] == weekday)
        padded = [*((_clock(begins), _clock(ends)) for begins, ends in windows), *[("", "")] * SPANS][:SPANS]
        week.append(_weekday(weekday, padded))
    exceptions = [
        (entry["day"], _clock(entry["from"]), _clock(entry["until"]))
        for entry in ([] if row is None else row.exceptions)
    ]
    return HoursForm(
        slot_minutes="50" if row is None else str(row.slot_minutes),
        title=_("Session") if row is None else row.title,
        place="" if row is None else row.place,
        offered=offered,
        version="0" if row is None else str(row.version),
        week=week,
        exceptions=_exceptions([*exceptions, *[("", "", "")] * BLANK_EXCEPTIONS]),
    )


def read(form: FormData, today: date) -> HoursForm:
    """The form as sent; `kept` holds the columns of `Availability` when `problems` is empty. Past days are dropped."""

    def text(name: str) -> str:
        return str(form.get(name, "")).strip()

    week = [
        _weekday(weekday, [(text(f"from_{weekday}_{n}"), text(f"until_{weekday}_{n}")) for n in range(SPANS)])
        for weekday in range(7)
    ]
    days = range(EXCEPTIONS_MAX + BLANK_EXCEPTIONS)
    typed = [(text(f"day_{n}"), text(f"from_x_{n}"), text(f"until_x_{n}")) for n in days if f"day_{n}" in form]
    sent = HoursForm(
        slot_minutes=text("slot_minutes"),
        title=text("title"),
        place=text("place"),
        offered=form.get("offered") == "on",
        version=text("version"),
        week=week,
        exceptions=_exceptions(typed),
    )
    minutes = _slot_minutes(sent)
    hours = [
        {"weekday": weekday, "from": begins, "until": ends}
        for weekday, fields in enumerate(sent.week)
        for begins, ends in _windows(sent, fields, minutes)
    ]
    exceptions = [entry for fields in sent.exceptions for entry in _exception(sent, fields, minutes, today)]
    _check_days(sent, exceptions)
    for name, label in (("title", _("What it is called")), ("place", _("Where"))):
        if not 0 < len(getattr(sent, name)) <= TEXT_MAX:
            sent.problems.append(
                Problem(name, _("%(label)s: write 1 to %(most)s characters.", label=label, most=TEXT_MAX))
            )
    sent.kept = {
        "slot_minutes": minutes,
        "title": sent.title,
        "place": sent.place,
        "hours": hours,
        "exceptions": sorted(exceptions, key=lambda entry: entry["day"]),
    }
    return sent


def _slot_minutes(sent: HoursForm) -> int:
    typed = sent.slot_minutes
    minutes = whole(typed) or 0
    if SLOT_MINUTES_MIN <= minutes <= SLOT_MINUTES_MAX:
        return minutes
    sentence = _("Length: write %(least)s to %(most)s minutes.", least=SLOT_MINUTES_MIN, most=SLOT_MINUTES_MAX)
    sent.problems.append(Problem("slot_minutes", sentence))
    return SLOT_MINUTES_MIN


def _windows(sent: HoursForm, fields: WeekdayFields, minutes: int) -> list[tuple[int, int]]:
    found = sorted(
        (window, span.key)
        for span in fields.spans
        if (window := _window(sent, span, fields.label, minutes)) is not None
    )
    for (first, _key), (second, key) in pairwise(found):
        if second[0] < first[1]:
            sentence = _("%(day)s: the second time begins before the first one ends.", day=fields.label)
            sent.problems.append(Problem(f"from_{key}", sentence))
    return [window for window, _key in found]


def _window(sent: HoursForm, span: SpanField, label: str, minutes: int) -> tuple[int, int] | None:
    """A window in minutes from midnight; None when it is empty or wrong."""
    if not span.begins and not span.ends:
        return None
    begins, ends = _minutes(span.begins), _minutes(span.ends)
    if ends == 0:
        ends = DAY_MINUTES  # Until midnight.
    if begins is None or ends is None:
        wrong = f"{'from' if begins is None else 'until'}_{span.key}"
        sent.problems.append(Problem(wrong, _("%(day)s: write both times, such as 09:00 and 12:00.", day=label)))
        return None
    if ends - begins < minutes:
        sentence = _("%(day)s: from %(begins)s until %(ends)s there is no room for one appointment.")
        sent.problems.append(
            Problem(f"until_{span.key}", sentence % {"day": label, "begins": span.begins, "ends": span.ends})
        )
        return None
    return begins, ends


def _exception(sent: HoursForm, fields: ExceptionFields, minutes: int, today: date) -> list[dict[str, Any]]:
    span = fields.span
    if not fields.day:
        if span.begins or span.ends:
            sent.problems.append(Problem(f"day_{span.key[2:]}", _("Other days: choose the day of these times.")))
        return []
    try:
        on = date.fromisoformat(fields.day)
    except ValueError:
        sent.problems.append(Problem(f"day_{span.key[2:]}", _("Other days: write the day like 2026-06-30.")))
        return []
    if on < today:
        return []
    window = _window(sent, span, written_day(on), minutes)
    begins, ends = window or (None, None)
    return [{"day": on.isoformat(), "from": begins, "until": ends}]


def _check_days(sent: HoursForm, exceptions: list[dict[str, Any]]) -> None:
    days = [entry["day"] for entry in exceptions]
    for n, fields in enumerate(sent.exceptions):
        if fields.day and days.count(fields.day) > 1:
            sent.problems.append(Problem(f"day_{n}", _("Other days: each day can be there once.")))
            return
    if len(days) > EXCEPTIONS_MAX:
        sent.problems.append(Problem("day_0", _("Other days: at most %(most)s.", most=EXCEPTIONS_MAX)))


def _weekday(weekday: int, spans: list[tuple[str, str]]) -> WeekdayFields:
    monday = date(2026, 6, 15)
    label = str(format_date(monday.replace(day=15 + weekday), "EEEE", locale=language())).capitalize()
    fields = tuple(SpanField(f"{weekday}_{n}", begins, ends) for n, (begins, ends) in enumerate(spans))
    return WeekdayFields(label, fields)


def _exceptions(rows: list[tuple[str, str, str]]) -> list[ExceptionFields]:
    return [ExceptionFields(day, SpanField(f"x_{n}", begins, ends)) for n, (day, begins, ends) in enumerate(rows)]


def _minutes(text: str) -> int | None:
    found = _TIME.fullmatch(text)
    return int(found[1]) * 60 + int(found[2]) if found else None


def _clock(minutes: int | None) -> str:
    return "" if minutes is None else f"{minutes // 60 % 24:02}:{minutes % 60:02}"
