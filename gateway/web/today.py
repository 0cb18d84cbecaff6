"""What day it is for the client's practice."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request


_YEARS = range(1900, 2201)  # far enough for anybody, and a day more or less stays in the calendar


def read_day(text: str) -> date:
    """A day such as 2026-06-15. Raises ValueError for what is none, and for one of other centuries."""
    found = date.fromisoformat(text)
    if found.year not in _YEARS:
        raise ValueError(text)
    return found


def zone_of(request: Request) -> ZoneInfo:
    """The zone of the practice that cares for the client in view."""
    return ZoneInfo(request.state.client.zone)


def local_now(request: Request) -> datetime:
    """Now, on the practice's clock."""
    now: datetime = request.app.state.clock()
    return now.astimezone(zone_of(request))


def local_today(request: Request) -> date:
    """Today, on the practice's calendar."""
    return local_now(request).date()
