"""How days, times and money are written in the language spoken: as in the United States, in the practice's zone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel.dates import format_date

from gateway.web.language import N_, _, language, ngettext

if TYPE_CHECKING:
    from datetime import date, datetime

# Zones that have a name people use; any other is called by its city.
_ZONE_NAMES = {
    "America/Los_Angeles": N_("Pacific time"),
    "America/Denver": N_("Mountain time"),
    "America/Phoenix": N_("Arizona time"),
    "America/Chicago": N_("Central time"),
    "America/New_York": N_("Eastern time"),
    "America/Anchorage": N_("Alaska time"),
    "Pacific/Honolulu": N_("Hawaii time"),
}


def day(value: date) -> str:
    """June 3, 2026; 3 de junio de 2026."""
    return format_date(value, "long", locale=language())


def long_day(value: date) -> str:
    """Wednesday, June 3, 2026; miércoles, 3 de junio de 2026."""
    return format_date(value, "full", locale=language())


def clock_time(value: datetime) -> str:
    """10:05 am (with a space that does not break), of an instant already in the reader's zone."""
    return f"{_half_clock(value)}\N{NO-BREAK SPACE}{_half_of_day(value)}"


def hours(start: datetime, end: datetime) -> str:
    """10:00 to 10:50 am, with a dash for `to`; the half of the day is said twice only when it changes."""
    same_half = (start.hour < 12) == (end.hour < 12) and start.date() == end.date()
    first = _half_clock(start) if same_half else clock_time(start)
    return f"{first}\N{EN DASH}{clock_time(end)}"


def money(cents: int) -> str:
    """$1,234.50, a minus sign before a credit."""
    sign = "\N{MINUS SIGN}" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def zone_name(zone: str) -> str:
    """Pacific time; a zone without a common name by its city."""
    known = _ZONE_NAMES.get(zone)
    if known is not None:
        return _(known)
    return _("%(city)s time", city=ZoneInfo(zone).key.rsplit("/", 1)[-1].replace("_", " "))


def count(number: int, one: str, many: str) -> str:
    """1 client, 1,200 clients; the two words are a message of the catalogues (`count` is a keyword of extraction)."""
    return f"{number:,} {ngettext(one, many, number)}"


def _half_clock(value: datetime) -> str:
    return f"{value.hour % 12 or 12}:{value:%M}"


def _half_of_day(value: datetime) -> str:
    if language() == "es":
        return "a.\N{NO-BREAK SPACE}m." if value.hour < 12 else "p.\N{NO-BREAK SPACE}m."
    return "am" if value.hour < 12 else "pm"
