"""The calendar: what is coming and what has been, as a list or by the month (rows C17, Y8)."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import col

from gateway.edge.questions import listing
from gateway.portal.schedule.visits import WEEKDAYS, describe, month_asked, month_of
from gateway.web.formats import zone_name
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.staff import staff_names
from gateway.web.today import local_now, zone_of
from models.tables.records import Appointment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.portal.schedule.visits import Visit

SIZE = 50  # past appointments on a page
COMING_MAX = 200
MONTH_MAX = 200


async def calendar(request: Request) -> Response:
    """The client's appointments that the reader may see; `?month=2026-06` shows that month."""
    now = local_now(request)
    first = month_asked(request.query_params.get("month", ""), now.date())
    shown: dict[str, Any] = {"zone_label": zone_name(request.state.client.zone)}
    if "month" in request.query_params:
        rows = await _month_rows(request, first)
        month = month_of(first, await in_words(request, rows), now.date())
        return await page(request, "portal/calendar.html", view="month", month=month, weekdays=WEEKDAYS, **shown)
    coming = await coming_rows(request, COMING_MAX)
    past = await listing(
        request,
        "appointment",
        where=col(Appointment.starts_at) < now,
        order_by=(col(Appointment.starts_at).desc(),),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    return await page(
        request,
        "portal/calendar.html",
        view="list",
        month=month_of(first, (), now.date()),
        coming=await in_words(request, coming),
        past=await in_words(request, past.rows),
        pages=pages_of(request, past.total, SIZE),
        **shown,
    )


async def coming_rows(request: Request, limit: int, *, standing: bool = False) -> list[Appointment]:
    """Appointments from now on, the next one first; `standing` leaves out the cancelled ones."""
    condition = col(Appointment.starts_at) >= local_now(request)
    if standing:
        condition &= col(Appointment.state) != "cancelled"
    found = await listing(request, "appointment", where=condition, order_by=(col(Appointment.starts_at),), limit=limit)
    return found.rows


async def in_words(request: Request, rows: Sequence[Appointment]) -> list[Visit]:
    """The appointments on the practice's clock, with the names of the staff."""
    names = await staff_names(request, [row.provider_id for row in rows if row.provider_id])
    now = local_now(request)
    return [describe(row, zone_of(request), now, names) for row in rows]


async def _month_rows(request: Request, first: date) -> list[Appointment]:
    zone = zone_of(request)
    start = datetime.combine(first, time(), zone)
    end = datetime.combine((first + timedelta(days=31)).replace(day=1), time(), zone)
    found = await listing(
        request,
        "appointment",
        where=(col(Appointment.starts_at) >= start) & (col(Appointment.starts_at) < end),
        order_by=(col(Appointment.starts_at),),
        limit=MONTH_MAX,
    )
    return found.rows
