"""The site map of the calendar and scheduling."""

from __future__ import annotations

from gateway.edge.guard import Guard, Route, public, signed_in
from gateway.edge.limits import APPOINTMENTS
from gateway.portal.schedule.appointment import appointment, ask_cancel, cancel_appointment
from gateway.portal.schedule.booking import move_appointment, new_appointment, request_appointment, save_move
from gateway.portal.schedule.calendar import calendar
from gateway.portal.schedule.everyone import everyone
from gateway.portal.schedule.feed import feed, feed_page, make_feed, revoke_feed
from gateway.portal.schedule.paper import calendar_pdf, everyone_pdf

_ONE = "/c/{client}/appointments/{id}"
_NEW = "/c/{client}/appointments/new"
_FEED = "/c/{client}/calendar/feed"
ROUTES: tuple[Route, ...] = (
    Route("/calendar", everyone, guard=signed_in),
    Route("/calendar/pdf", everyone_pdf, guard=signed_in),
    Route("/calendar/{secret}.ics", feed, guard=public),
    Route("/c/{client}/calendar", calendar, guard=Guard("view", "calendar")),
    Route("/c/{client}/calendar/pdf", calendar_pdf, guard=Guard("view", "calendar")),
    Route(_FEED, feed_page, guard=Guard("subscribe", "calendar")),
    Route(_FEED, make_feed, guard=Guard("subscribe", "calendar"), methods=("POST",)),
    Route(f"{_FEED}/revoke", revoke_feed, guard=Guard("subscribe", "calendar"), methods=("POST",)),
    Route(_NEW, new_appointment, guard=Guard("request", "appointment")),
    Route(_NEW, request_appointment, guard=Guard("request", "appointment"), methods=("POST",), limit=APPOINTMENTS),
    Route(_ONE, appointment, guard=Guard("view", "appointment")),
    Route(f"{_ONE}/cancel", ask_cancel, guard=Guard("cancel", "appointment")),
    Route(
        f"{_ONE}/cancel",
        cancel_appointment,
        guard=Guard("cancel", "appointment"),
        methods=("POST",),
        limit=APPOINTMENTS,
    ),
    Route(f"{_ONE}/move", move_appointment, guard=Guard("reschedule", "appointment")),
    Route(f"{_ONE}/move", save_move, guard=Guard("reschedule", "appointment"), methods=("POST",), limit=APPOINTMENTS),
)
