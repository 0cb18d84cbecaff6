"""Appointments as an iCalendar file (RFC 5545): instants in UTC, no name and no clinical word."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from icalendar import Calendar, Event

from gateway.web.language import _, language

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.tables.records import Appointment

_STATUS = {"requested": "TENTATIVE", "cancelled": "CANCELLED"}
_REFRESH = timedelta(hours=1)


def ics(rows: Iterable[Appointment], site: str) -> bytes:
    """The appointments, in the language spoken; `site` is the portal's address, where the rest can be read."""
    calendar = Calendar()
    calendar.add("prodid", f"-//Kinguard//Portal//{language().upper()}")
    calendar.add("version", "2.0")
    calendar.add("name", _("Appointments"))
    calendar.add("x-wr-calname", _("Appointments"))
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for row in rows:
        event = Event()
        event.add("uid", f"{row.id}@kinguard")
        event.add("dtstamp", row.changed_at)
        event.add("last-modified", row.changed_at)
        event.add("sequence", row.sequence)
        event.add("dtstart", row.starts_at)
        event.add("dtend", row.starts_at + timedelta(minutes=row.minutes))
        event.add("summary", _("Appointment"))
        event.add("status", _STATUS.get(row.state, "CONFIRMED"))
        event.add("class", "PRIVATE")
        event.add("url", f"{site}/c/{row.client_id}/appointments/{row.id}")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
