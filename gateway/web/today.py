"""What day it is for the client's practice."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import date, datetime

    from starlette.requests import Request


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
