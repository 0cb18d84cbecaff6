"""One appointment: its page, and cancelling it (row Y10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.edge.questions import may, opens
from gateway.portal.schedule.calendar import in_words
from gateway.portal.schedule.claims import STANDING, Changed, cancel
from gateway.portal.schedule.forms import kept_with, sequence_of
from gateway.portal.schedule.notice import Notice, notice_of
from gateway.web.formats import zone_name
from gateway.web.language import _
from gateway.web.pages import page, say, see_other

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.records import Appointment


async def appointment(request: Request) -> Response:
    """One appointment, what the reader may do with it, and why not, when it is too late."""
    row: Appointment = request.state.item
    may_cancel, may_move = await may(request, [("cancel", "appointment", row), ("reschedule", "appointment", row)])
    return await _show(
        request,
        may_cancel=may_cancel,
        may_move=may_move,
        too_late=None if may_cancel else await _too_late(request, row),
        mine=row.requested_by == request.state.reader.id and row.state == "requested",
    )


async def ask_cancel(request: Request) -> Response:
    """Ask whether the appointment shall be cancelled."""
    return await _show(request, template="portal/appointment_cancel.html", sequence=request.state.item.sequence)


async def cancel_appointment(request: Request) -> Response:
    """Cancel the appointment."""
    row: Appointment = request.state.item
    sequence = sequence_of(await request.form())
    now, reader = request.app.state.clock(), request.state.reader
    try:
        await kept_with(
            request, "appointment.cancel", lambda session: cancel(session, row.id, sequence, now, by=reader.id)
        )
    except Changed:
        await say(request, _("This appointment was changed meanwhile. Nothing was cancelled; please look again."))
    else:
        await say(request, _("The appointment is cancelled. The practice has been told."))
    return see_other(f"/c/{row.client_id}/appointments/{row.id}")


async def _show(request: Request, template: str = "portal/appointment.html", **shown: Any) -> Response:
    (visit,) = await in_words(request, [request.state.item])
    (calendar,) = await opens(request, [("view", "calendar")])
    zone_label = zone_name(request.state.client.zone)
    return await page(request, template, visit=visit, zone_label=zone_label, calendar=calendar, **shown)


async def _too_late(request: Request, row: Appointment) -> Notice | None:
    """The practice's notice, when it alone keeps the reader from cancelling an appointment that is still to come."""
    (opening,) = await opens(request, [("cancel", "appointment")])
    now = request.app.state.clock()
    if not opening or row.state not in STANDING or row.starts_at <= now:
        return None
    notice = await notice_of(request)
    return notice if row.starts_at <= now + notice.span else None
