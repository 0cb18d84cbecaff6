"""What a notice says: that there is something, never what is in it. No clinical word, no title, no name."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.notices.notify import Event
from gateway.web.formats import clock_time, long_day, zone_name
from gateway.web.language import N_, _, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.tables.records import Appointment

EVENTS: Mapping[Event, str] = {
    Event.MESSAGE: N_("Messages"),
    Event.APPOINTMENT: N_("Appointments: booked, moved, cancelled"),
    Event.REMINDER: N_("Reminders, the day before an appointment"),
    Event.DOCUMENT: N_("Documents"),
    Event.SIGN: N_("Documents to sign"),
    Event.FORM: N_("Forms"),
    Event.INVOICE: N_("Invoices"),
    Event.PAYMENT: N_("Payments"),
    Event.PROFILE: N_("Profiles that you can open"),
    Event.REQUEST: N_("Answers to your requests"),
    Event.RELEASE: N_("Documents released to you alone"),
}
STAFF_EVENTS: Mapping[Event, str] = {
    Event.MESSAGE: N_("Messages from families"),
    Event.APPOINTMENT: N_("Appointments requested, moved or cancelled by families"),
    Event.DOCUMENT: N_("Documents handed in"),
    Event.SIGN: N_("Signatures"),
    Event.FORM: N_("Completed forms"),
    Event.PAYMENT: N_("Payments"),
    Event.PROFILE: N_("Sign-ups and profiles"),
    Event.REQUEST: N_("Requests from families"),
}


def family_line(event: Event, number: int) -> str:
    """What a family reads about `number` items."""
    if event is Event.MESSAGE:
        return ngettext("A new message", "%(num)s new messages", number)
    if event is Event.APPOINTMENT:
        return ngettext("News about an appointment", "News about %(num)s appointments", number)
    if event is Event.DOCUMENT:
        return ngettext("A new document", "%(num)s new documents", number)
    if event is Event.SIGN:
        return ngettext("A document to sign", "%(num)s documents to sign", number)
    if event is Event.FORM:
        return ngettext("News about a form", "News about %(num)s forms", number)
    if event is Event.INVOICE:
        return ngettext("A new invoice", "%(num)s new invoices", number)
    if event is Event.PAYMENT:
        return ngettext("News about a payment", "News about %(num)s payments", number)
    if event is Event.PROFILE:
        return _("A profile was added to your portal")
    if event is Event.REQUEST:
        return ngettext("An answer to your request", "Answers to %(num)s of your requests", number)
    return ngettext("A document was released to you", "%(num)s documents were released to you", number)


def staff_line(event: Event, number: int) -> str:
    """What a member of staff reads about `number` items."""
    if event is Event.MESSAGE:
        return ngettext("A new message from a family", "%(num)s new messages from families", number)
    if event is Event.APPOINTMENT:
        return ngettext("A family changed an appointment", "Families changed %(num)s appointments", number)
    if event is Event.PAYMENT:
        return ngettext("A payment came in", "%(num)s payments came in", number)
    if event is Event.SIGN:
        return ngettext("A document was signed", "%(num)s documents were signed", number)
    if event is Event.FORM:
        return ngettext("A form was completed", "%(num)s forms were completed", number)
    if event is Event.REQUEST:
        return ngettext("A request from a family", "%(num)s requests from families", number)
    if event is Event.PROFILE:
        return ngettext("A sign-up or profile to look at", "%(num)s sign-ups or profiles to look at", number)
    return ngettext("A document was handed in", "%(num)s documents were handed in", number)


def reminder_line(visit: Appointment, zone: str) -> str:
    """When an appointment is."""
    here = visit.starts_at.astimezone(ZoneInfo(zone))
    return _(
        "An appointment on %(day)s at %(time)s (%(zone)s)",
        day=long_day(here.date()),
        time=clock_time(here),
        zone=zone_name(zone),
    )
