"""A client's calendar: what is coming and what has been (rows C17, Y8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlmodel import col

from gateway.edge.questions import listing, opens
from gateway.portal.schedule.everyone import open_calendars
from gateway.portal.schedule.providers import bookable
from gateway.portal.schedule.views import View, begin_of, end_of, midnight, span_of, turn_of, weekdays
from gateway.portal.schedule.visits import describe
from gateway.web.formats import zone_name
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.staff import staff_names
from gateway.web.today import local_now, zone_of
from models.tables.records import Appointment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.edge.questions import Listing
    from gateway.portal.schedule.views import Turn
    from gateway.portal.schedule.visits import Visit

SIZE = 50  # past appointments on a page
COMING_MAX = 200
SPAN_MAX = 500  # appointments of one month or week


async def calendar(request: Request) -> Response:
    """The client's appointments that the reader may see, by the month, by the week, or in two lists."""
    now, client = local_now(request), request.state.client
    turn = turn_of(request, f"/c/{client.id}/calendar", now.date())
    (may_subscribe,) = await opens(request, [("subscribe", "calendar")])
    around: dict[str, Any] = {
        "turn": turn,
        "weekdays": weekdays,
        "zone_label": zone_name(client.zone),
        "may_book": bool(await bookable(request)),
        "may_subscribe": may_subscribe,
        "others": len(await open_calendars(request)) > 1,
    }
    if turn.view is not View.AGENDA:
        found = await span_rows(request, turn)
        visits = await in_words(request, found.rows)
        span = span_of(turn.view, turn.on, visits, turn.today)
        return await page(request, "portal/calendar.html", span=span, cut=found.total > len(found.rows), **around)
    since = now if turn.is_today else midnight(turn.on, zone_of(request))
    coming = await coming_rows(request, COMING_MAX, since=since)
    past = await listing(
        request,
        "appointment",
        where=col(Appointment.starts_at) < since,
        order_by=(col(Appointment.starts_at).desc(),),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    return await page(
        request,
        "portal/calendar.html",
        span=None,
        coming=await in_words(request, coming),
        past=await in_words(request, past.rows),
        pages=pages_of(request, past.total, SIZE),
        **around,
    )


async def coming_rows(
    request: Request, limit: int, *, standing: bool = False, since: datetime | None = None
) -> list[Appointment]:
    """Appointments from now (or `since`) on, the next one first; `standing` leaves out the cancelled ones."""
    condition = col(Appointment.starts_at) >= (since or local_now(request))
    if standing:
        condition &= col(Appointment.state) != "cancelled"
    found = await listing(request, "appointment", where=condition, order_by=(col(Appointment.starts_at),), limit=limit)
    return found.rows


async def span_rows(request: Request, turn: Turn) -> Listing:
    """Appointments of the month or week that the calendar is turned to."""
    zone = zone_of(request)
    start = midnight(begin_of(turn.view, turn.on), zone)
    end = midnight(end_of(turn.view, turn.on), zone)
    return await listing(
        request,
        "appointment",
        where=(col(Appointment.starts_at) >= start) & (col(Appointment.starts_at) < end),
        order_by=(col(Appointment.starts_at),),
        limit=SPAN_MAX,
    )


async def in_words(request: Request, rows: Sequence[Appointment]) -> list[Visit]:
    """The appointments on the practice's clock, with the names of the staff."""
    names = await staff_names(request, [row.provider_id for row in rows if row.provider_id])
    now = local_now(request)
    return [describe(row, zone_of(request), now, names) for row in rows]
