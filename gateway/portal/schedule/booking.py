"""Families book, and move, with the therapists of the client's care team (rows W3, W20, Y6, Y23)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from gateway.edge.errors import NotFound
from gateway.edge.questions import may, opens
from gateway.portal.schedule.calendar import in_words
from gateway.portal.schedule.claims import (
    AUTOMATIC,
    Changed,
    Clashing,
    NotFree,
    TooMany,
    Wish,
    claim,
    confirms,
    move,
    times_of,
)
from gateway.portal.schedule.forms import instant_of, kept_with, sequence_of, written
from gateway.portal.schedule.notice import notice_of
from gateway.portal.schedule.providers import bookable
from gateway.portal.schedule.slots import slot_of
from gateway.portal.schedule.views import day_asked
from gateway.portal.schedule.visits import clock_reading
from gateway.web.formats import clock_time, hours, long_day, zone_name
from gateway.web.language import _
from gateway.web.once import key_of, new_key
from gateway.web.pages import page, say, see_other
from gateway.web.staff import staff_names
from gateway.web.today import local_now, zone_of

if TYPE_CHECKING:
    from datetime import date, datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.portal.schedule.slots import Slot
    from models.tables.records import Appointment

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Time:
    """A free time to choose; `href` leads to the question whether to take it."""

    href: str
    time: str
    iso: str


@dataclass(frozen=True, slots=True)
class Times:
    """A week of free times by day; the addresses lead to other weeks, None where there are no more."""

    days: list[tuple[str, list[Time]]]
    before: str | None
    after: str | None
    next_free: str | None


async def new_appointment(request: Request) -> Response:
    """Choose a therapist and a time, then say yes to it."""
    return await _choose(request)


async def request_appointment(request: Request) -> Response:
    """Take the chosen time, unless somebody was faster. The same form sent again gives the same appointment."""
    form = await request.form()
    provider = str(form.get("with", ""))
    start = instant_of(str(form.get("start", "")))
    (allowed,) = await may(request, [("request", "appointment", {"provider_id": provider, "state": "requested"})])
    if not allowed or provider not in await bookable(request):
        raise NotFound
    if start is None:
        return await _choose(request, problem=_gone())
    wish = await _wish(request, provider, start, key_of(form))
    try:
        row = await kept_with(request, "appointment.request", lambda session: claim(session, wish))
    except NotFree:
        return await _choose(request, problem=_gone())
    except TooMany:
        return await _choose(request, problem=_many())
    except Clashing:
        return await _choose(request, problem=_clash(request))
    return await _done(
        request,
        row,
        _("The appointment is booked.")
        if row.state == "booked"
        else _("Your request was sent. The practice will confirm it or write to you."),
    )


async def move_appointment(request: Request) -> Response:
    """Choose another time, then say yes to it."""
    return await _choose(request, row=request.state.item)


async def save_move(request: Request) -> Response:
    """Give the appointment the chosen time, unless somebody was faster."""
    row: Appointment = request.state.item
    form = await request.form()
    start = instant_of(str(form.get("start", "")))
    if start is None or row.provider_id is None:
        return await _choose(request, row=row, problem=_gone())
    sequence = sequence_of(form)
    wish = await _wish(request, row.provider_id, start, "")
    before = _moment(request, slot_of(row))
    try:
        moved = await kept_with(
            request, "appointment.reschedule", lambda session: move(session, row.id, sequence, wish)
        )
    except NotFree:
        return await _choose(request, row=row, problem=_gone())
    except Clashing:
        return await _choose(request, row=row, problem=_clash(request))
    except Changed:
        await say(request, _("This appointment was changed meanwhile. Nothing was moved; please look again."))
        return see_other(f"/c/{row.client_id}/appointments/{row.id}")
    after = _moment(request, slot_of(moved))
    return await _done(
        request,
        moved,
        _("The appointment was moved from %(before)s to %(after)s.", before=before, after=after)
        if moved.state == "booked"
        else _(
            "You asked to move the appointment from %(before)s to %(after)s. "
            "The practice will confirm it or write to you.",
            before=before,
            after=after,
        ),
    )


async def _done(request: Request, row: Appointment, sentence: str) -> Response:
    await say(request, sentence)
    (visible,) = await may(request, [("view", "appointment", row)])
    return see_other(f"/c/{row.client_id}" + (f"/appointments/{row.id}" if visible else ""))


async def _wish(request: Request, provider: str, start: datetime, key: str) -> Wish:
    client, now = request.state.client, request.app.state.clock()
    notice = await notice_of(request)
    return Wish(
        practice_id=client.practice_id,
        client_id=client.id,
        provider_id=provider,
        start=start,
        zone=zone_of(request),
        now=now,
        earliest=now + notice.span,
        account_id=request.state.reader.id,
        key=key,
    )


async def _choose(request: Request, *, row: Appointment | None = None, problem: str | None = None) -> Response:
    """The free times of a week; with `start` in the address, the question whether to take that one."""
    client, query = request.state.client, request.query_params
    providers = await bookable(request) if row is None else [str(row.provider_id)]
    names = await staff_names(request, providers)
    chosen = query.get("with", "") if query.get("with", "") in providers else next(iter(providers), "")
    base = f"/c/{client.id}/appointments/" + ("new" if row is None else f"{row.id}/move")
    notice = await notice_of(request)
    earliest = request.app.state.clock() + notice.span
    slots, confirming = await request.app.state.records.read(
        client.practice_id,
        lambda session: (
            times_of(session, chosen, zone_of(request), earliest, moving=row),
            confirms(session, client.practice_id),
        ),
    )
    (calendar,) = await opens(request, [("view", "calendar")])
    shown: dict[str, Any] = {
        "base": base,
        "providers": [(key, names.get(key, key), key == chosen) for key in providers],
        "provider": names.get(chosen, ""),
        "chosen": chosen,
        "notice": notice if notice.hours else None,
        "zone_label": zone_name(client.zone),
        "visit": (await in_words(request, [row]))[0] if row else None,
        "calendar": calendar,
        "automatic": confirming == AUTOMATIC,
    }
    start = instant_of(query.get("start", ""))
    slot = next((slot for slot in slots if slot.start == start), None)
    if start is not None and slot is None and problem is None:
        problem = _gone()
    if slot is not None and problem is None:
        sequence = 0 if row is None else row.sequence
        asked = _in_words(request, slot)
        return await page(
            request, "portal/appointment_confirm.html", asked=asked, once=new_key(), sequence=sequence, **shown
        )
    first = day_asked(query.get("on", ""), earliest.astimezone(zone_of(request)).date())
    return await page(
        request,
        "portal/appointment_times.html",
        status=409 if problem else 200,
        problem=problem,
        times=_week(request, slots, first, base, chosen),
        **shown,
    )


def _week(request: Request, slots: list[Slot], first: date, base: str, chosen: str) -> Times:
    zone = zone_of(request)

    def day_of(slot: Slot) -> date:
        return slot.start.astimezone(zone).date()

    def link(**query: str) -> str:
        return f"{base}?{urlencode({'with': chosen, **query})}"

    def time(slot: Slot) -> Time:
        start = slot.start.astimezone(zone)
        words = clock_time(start) + clock_reading(start)
        return Time(link(start=written(slot.start)), words, start.isoformat(timespec="minutes"))

    shown = [slot for slot in slots if first <= day_of(slot) < first + WEEK]
    later = next((slot for slot in slots if day_of(slot) >= first + WEEK), None)
    earlier = any(day_of(slot) < first for slot in slots)
    today = local_now(request).date()
    return Times(
        days=[(long_day(on), [time(slot) for slot in group]) for on, group in groupby(shown, day_of)],
        before=link(on=max(first - WEEK, today).isoformat()) if earlier else None,
        after=link(on=(first + WEEK).isoformat()) if later else None,
        next_free=link(on=day_of(later).isoformat()) if later and not shown else None,
    )


def _in_words(request: Request, slot: Slot) -> dict[str, str]:
    zone = zone_of(request)
    start, end = slot.start.astimezone(zone), slot.end.astimezone(zone)
    return {
        "start": written(slot.start),
        "iso": start.isoformat(timespec="minutes"),
        "day": long_day(start.date()),
        "hours": hours(start, end) + clock_reading(start),
    }


def _moment(request: Request, slot: Slot) -> str:
    asked = _in_words(request, slot)
    return f"{asked['day']}, {asked['hours']}"


def _many() -> str:
    return _(
        "You have asked for as many times as can be held for one person. "
        "Wait for the practice's answer, or cancel one that you do not need."
    )


def _gone() -> str:
    return _("That time is not free any more. Please choose another one.")


def _clash(request: Request) -> str:
    name = request.state.client.preferred
    return _("%(name)s already has an appointment at that time. Please choose another one.", name=name)
