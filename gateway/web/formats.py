"""How days, times and money are written: US English, in the practice's zone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import date, datetime

# Zones that have a name people use; any other is called by its city.
_ZONE_NAMES = {
    "America/Los_Angeles": "Pacific time",
    "America/Denver": "Mountain time",
    "America/Phoenix": "Arizona time",
    "America/Chicago": "Central time",
    "America/New_York": "Eastern time",
    "America/Anchorage": "Alaska time",
    "Pacific/Honolulu": "Hawaii time",
}


def day(value: date) -> str:
    """June 3, 2026."""
    return f"{value:%B} {value.day}, {value.year}"


def long_day(value: date) -> str:
    """Wednesday, June 3, 2026."""
    return f"{value:%A}, {day(value)}"


def clock_time(value: datetime) -> str:
    """10:05 am (with a space that does not break), of an instant already in the reader's zone."""
    return f"{value.hour % 12 or 12}:{value:%M}\N{NO-BREAK SPACE}{'am' if value.hour < 12 else 'pm'}"


def hours(start: datetime, end: datetime) -> str:
    """10:00 to 10:50 am, with a dash for `to`; the half of the day is said twice only when it changes."""
    first = clock_time(start)
    if (start.hour < 12) == (end.hour < 12) and start.date() == end.date():
        first = first[:-3]
    return f"{first}\N{EN DASH}{clock_time(end)}"


def money(cents: int) -> str:
    """$1,234.50, a minus sign before a credit."""
    sign = "\N{MINUS SIGN}" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def zone_name(zone: str) -> str:
    """Pacific time; a zone without a common name by its city."""
    return _ZONE_NAMES.get(zone) or f"{ZoneInfo(zone).key.rsplit('/', 1)[-1].replace('_', ' ')} time"


def count(number: int, one: str, many: str) -> str:
    """1 client, 1,200 clients."""
    return f"{number:,} {one if number == 1 else many}"
