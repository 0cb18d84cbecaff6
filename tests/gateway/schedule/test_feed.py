"""The secret address of a calendar: what is in it, for how long, and for whom."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from icalendar import Calendar
from sqlmodel import select

from gateway.portal.schedule.ics import ics
from models.tables.identity import Credential
from models.tables.records import Appointment
from models.tables.scheduling import CalendarFeed

if TYPE_CHECKING:
    from sqlmodel import Session

    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
PAGE = "/c/mia/calendar/feed"
_ADDRESS = re.compile(r'value="[a-z]+://[^"/]+(/calendar/[\w-]+\.ics)"')


async def address(browser: Browser, page: str = PAGE) -> str:
    """A new address, as its page shows it."""
    found = _ADDRESS.search((await browser.post(page, {}, page)).text)
    assert found
    return found[1]


async def events(site: Portal, place: str) -> dict[str, Any]:
    """The events of a feed by id, fetched by an app that is not signed in."""
    answer = await site.browser().get(place)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    return {str(event["uid"]).partition("@")[0]: event for event in Calendar.from_ical(answer.content).walk("VEVENT")}


async def test_the_feed_holds_what_its_maker_may_see_and_no_word_of_care(site: Portal) -> None:
    """UTC times, one word for every appointment, no name, title or place; states as RFC 5545 has them."""
    rosa = await site.as_("rosa")
    place = await address(rosa, "/c/rosa/calendar/feed")
    found = await events(site, place)
    assert set(found) == {"appt_rosa_1", "appt_rosa_2", "appt_rosa_3", "appt_rosa_4"}
    assert [str(found[f"appt_rosa_{n}"]["status"]) for n in (1, 2, 3, 4)] == [
        "CONFIRMED",
        "CANCELLED",
        "CONFIRMED",
        "TENTATIVE",
    ]
    raw = (await site.browser().get(place)).text
    assert "DTSTART:20260617T170000Z" in raw
    assert "DTEND:20260617T175000Z" in raw
    for word in ("Session", "Rosa", "Ken", "Northgate", "room", "Video", "herap"):
        assert word not in raw
    assert {str(event["summary"]) for event in found.values()} == {"Appointment"}


async def test_a_change_keeps_the_id_and_raises_the_sequence(site: Portal) -> None:
    """Cancelled, the event stays, under its id, so that apps take it off."""
    rosa = await site.as_("rosa")
    place = await address(rosa, "/c/rosa/calendar/feed")
    before = (await events(site, place))["appt_rosa_3"]
    one = "/c/rosa/appointments/appt_rosa_3"
    assert (await rosa.post(f"{one}/cancel", {"sequence": "0"}, f"{one}/cancel")).status_code == 303
    after = (await events(site, place))["appt_rosa_3"]
    assert (before["sequence"], after["sequence"]) == (0, 1)
    assert (str(before["status"]), str(after["status"])) == ("CONFIRMED", "CANCELLED")
    assert before["uid"] == after["uid"]
    assert after["last-modified"].dt == site.clock.now


async def test_a_secret_is_shown_once_and_kept_as_a_hash(site: Portal) -> None:
    """The page shows it in the answer to the button alone; the database cannot give it back."""
    dana = await site.as_("dana")
    place = await address(dana)
    secret = place.removeprefix("/calendar/").removesuffix(".ics")
    assert len(secret) >= 43
    assert secret not in (await dana.get(PAGE)).text
    assert "You have an address" in (await dana.get(PAGE)).text
    (kept,) = await site.state.records.read(None, lambda session: session.exec(select(CalendarFeed)).all())
    assert secret not in str(kept.model_dump())


async def test_a_new_address_ends_the_old_one_and_taking_it_back_ends_both(site: Portal) -> None:
    """Old, taken back, wrong and never made: the same answer to all."""
    dana = await site.as_("dana")
    first = await address(dana)
    second = await address(dana)
    assert await events(site, second)
    answers = [await site.browser().get(first)]
    assert (await dana.post(f"{PAGE}/revoke", {}, PAGE)).status_code == 303
    assert "The address is taken back." in (await dana.get(PAGE)).text
    answers += [await site.browser().get(place) for place in (second, "/calendar/nothing.ics", "/calendar/x.ics")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


async def test_what_is_revoked_is_gone_at_the_next_fetch(site: Portal) -> None:
    """A feed outlives no right: switches, toggle, suspension and end of the access each leave nothing there."""
    sam, authz = await site.as_("sam"), site.state.authz
    place = await address(sam)

    async def practice(*, on: bool) -> None:
        await authz.set_practice_switch("northgate", "calendar", on=on, actor="staff/jo")

    async def client(*, on: bool) -> None:
        await authz.set_client_switch("mia", "calendar", on=on, actor="staff/jo")

    async def toggle(*, on: bool) -> None:
        await grant({"toggles": {"calendar": on}})

    async def status(*, on: bool) -> None:
        await grant({"status": "active" if on else "suspended"})

    async def grant(changes: dict[str, Any]) -> None:
        etag = (await authz.grant("g_sam_mia"))["etag"]
        await authz.update_grant("g_sam_mia", changes, etag=etag, actor="staff/jo")

    for change in (practice, client, toggle, status):
        assert await events(site, place)
        await change(on=False)
        assert (await site.browser().get(place)).status_code == 404, change.__name__
        await change(on=True)
    assert await events(site, place)
    await grant({"status": "ended"})
    assert (await site.browser().get(place)).status_code == 404


async def test_who_must_choose_a_new_password_has_no_feed_until_then(site: Portal) -> None:
    """The address is no way around what the sign-in asks for."""
    dana = await site.as_("dana")
    place = await address(dana)

    async def must_change(*, due: bool) -> None:
        def write(session: Session) -> None:
            session.get_one(Credential, "dana").must_change = due

        await site.state.records.change(None, write)

    await must_change(due=True)
    assert (await site.browser().get(place)).status_code == 404
    await must_change(due=False)
    assert await events(site, place)


async def test_a_withheld_appointment_leaves_the_feed_and_the_others_stay(site: Portal) -> None:
    dana = await site.as_("dana")
    place = await address(dana)
    await site.state.authz.withhold("g_dana_mia", "appointment", "appt_mia_3", on=True, actor="staff/jo")
    assert set(await events(site, place)) == {"appt_mia_1", "appt_mia_2"}


async def test_a_feed_is_empty_handed_while_the_service_cannot_be_asked(site: Portal) -> None:
    """No answer is no calendar; apps come again later."""
    dana = await site.as_("dana")
    place = await address(dana)
    site.line.cut = True
    assert (await site.browser().get(place)).status_code == 503
    site.line.cut = False
    assert await events(site, place)


async def test_only_who_may_subscribe_finds_the_page(site: Portal) -> None:
    """Gus pays and has no calendar; without the right there is no button, page or address."""
    gus = await site.as_("gus")
    assert (await gus.get(PAGE)).status_code == 403
    assert (await gus.post(PAGE, {}, "/c/mia")).status_code == 403
    sam = await site.as_("sam")
    assert PAGE in (await sam.get("/c/mia/calendar")).text


def test_times_are_instants_on_the_days_when_the_clocks_change() -> None:
    """Across the gap and the fold a visit of 50 minutes lasts 50 minutes, in UTC, whatever the clocks show."""
    starts = [datetime(2026, 3, 8, 9, 30, tzinfo=UTC), datetime(2026, 11, 1, 8, 30, tzinfo=UTC)]
    rows = [
        Appointment(
            id=f"appt_{n}",
            practice_id="northgate",
            client_id="rosa",
            state="booked",
            starts_at=start,
            minutes=50,
            title="Session",
            place="Video",
        )
        for n, start in enumerate(starts)
    ]
    found = Calendar.from_ical(ics(rows, "https://portal.example")).walk("VEVENT")
    assert [event["dtstart"].dt for event in found] == starts
    assert [event["dtend"].dt - event["dtstart"].dt for event in found] == [timedelta(minutes=50)] * 2
