"""Booking, moving and cancelling through the pages."""

from __future__ import annotations

import asyncio
import html
import re
from typing import TYPE_CHECKING

import pytest
from sqlmodel import col, select

from models.tables.records import Appointment
from models.tables.scheduling import Availability, SchedulingRule

if TYPE_CHECKING:
    from sqlmodel import Session

    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
NEW = "/c/rosa/appointments/new"
_TIME = re.compile(r'href="(/c/[^"]*start=[^"]*)"')


async def first_time(browser: Browser, page: str = NEW, skip: int = 0) -> dict[str, str]:
    """The form behind one of the free times."""
    href = html.unescape(_TIME.findall((await browser.get(page)).text)[skip])
    confirm = (await browser.get(href)).text
    names = ("once", "sequence", "with", "start", "csrf")
    return {name: re.search(rf'name="{name}" value="([^"]*)"', confirm)[1] for name in names}  # type: ignore[index]


async def send(browser: Browser, fields: dict[str, str], page: str = NEW) -> tuple[int, str]:
    answer = await browser.http.post(page, data=fields)
    return answer.status_code, answer.headers.get("location", answer.text)


async def made(site: Portal, client: str = "rosa") -> list[Appointment]:
    return list(
        await site.state.records.read(
            "northgate",
            lambda session: session.exec(
                select(Appointment).where(
                    Appointment.client_id == client, col(Appointment.id).not_like("appt_" + client + "%")
                )
            ).all(),
        )
    )


async def use_automatic(site: Portal) -> None:
    await site.state.records.change(
        "northgate", lambda session: session.add(SchedulingRule(practice_id="northgate", confirms="automatic"))
    )


async def test_a_client_asks_for_a_time_and_staff_confirm_it(site: Portal) -> None:
    """The request is kept with its time, said to be waiting, and can be cancelled; the provider gets a notice."""
    rosa = await site.as_("rosa")
    status, place = await send(rosa, await first_time(rosa))
    (row,) = await made(site)
    assert (status, place) == (303, f"/c/rosa/appointments/{row.id}")
    assert (row.state, row.provider_id, row.requested_by) == ("requested", "ken", "rosa")
    shown = (await rosa.get(place)).text
    assert "Your request was sent." in shown
    assert "You asked for this time." in shown
    cancelling = await rosa.post(f"{place}/cancel", {"sequence": "0"}, f"{place}/cancel")
    assert cancelling.status_code == 303
    assert "The appointment is cancelled." in (await rosa.get(place)).text
    assert (await rosa.get(f"{place}/cancel")).status_code == 404


async def test_where_the_practice_confirms_by_itself_a_time_is_booked_at_once(site: Portal) -> None:
    await use_automatic(site)
    rosa = await site.as_("rosa")
    assert (await send(rosa, await first_time(rosa)))[0] == 303
    assert [row.state for row in await made(site)] == ["booked"]


async def test_the_same_form_sent_twice_books_once(site: Portal) -> None:
    """Also when both arrive together, both lead to the one appointment."""
    rosa = await site.as_("rosa")
    fields = await first_time(rosa)
    answers = await asyncio.gather(*[send(rosa, fields) for _ in range(4)])
    (row,) = await made(site)
    assert set(answers) == {(303, f"/c/rosa/appointments/{row.id}")}


async def test_who_comes_second_is_told_and_shown_other_times(site: Portal) -> None:
    """Two families choose one time: the second keeps nothing, learns nothing of the first, and may go on."""
    rosa, dana = await site.as_("rosa"), await site.as_("dana")
    page = "/c/mia/appointments/new"
    theirs, ours = await first_time(rosa), await first_time(dana, page)
    assert theirs["start"] == ours["start"]
    assert (await send(rosa, theirs))[0] == 303
    status, text = await send(dana, ours, page)
    assert status == 409
    assert "That time is not free any more." in text
    assert "Rosa" not in text
    assert ours["start"] not in text
    assert await made(site, "mia") == []


async def test_no_time_overlaps_what_the_client_has(site: Portal) -> None:
    """Another therapist's free hour is refused when the client is elsewhere then."""
    await site.state.authz.update_staff(
        "lea", {"available": True, "subscribed": True, "assigned": ["leo", "noah", "rosa"]}, actor="staff/priya"
    )

    def hours(session: Session) -> None:
        session.add(
            Availability(
                staff_id="lea",
                practice_id="northgate",
                slot_minutes=50,
                title="Talk",
                place="Video",
                hours=[{"weekday": 2, "from": 600, "until": 650}],
            )
        )

    await site.state.records.change("northgate", hours)
    rosa = await site.as_("rosa")
    fields = await first_time(rosa, f"{NEW}?with=lea&on=2026-07-01")
    assert fields["with"] == "lea"
    status, text = await send(rosa, fields)
    assert status == 409
    assert "Rosa already has an appointment at that time." in text


async def test_a_booked_appointment_moves_and_its_old_time_is_free_again(site: Portal) -> None:
    await use_automatic(site)
    rosa = await site.as_("rosa")
    place = "/c/rosa/appointments/appt_rosa_3"
    fields = await first_time(rosa, f"{place}/move", skip=1)
    assert await send(rosa, fields, f"{place}/move") == (303, place)
    assert "2026-06-17T10:00" not in (await rosa.get(place)).text
    stale = {**fields, "csrf": await rosa.token(place), "sequence": "0"}
    assert await send(rosa, stale, f"{place}/move") == (303, place)
    assert "changed meanwhile" in (await rosa.get(place)).text


async def test_a_moved_appointment_keeps_its_length_and_both_times_are_said(site: Portal) -> None:
    """Of Ken's 50-minute times only those are offered that hold a visit of 110 minutes."""
    await use_automatic(site)

    def lengthen(session: Session) -> None:
        session.get_one(Appointment, "appt_rosa_3").minutes = 110

    await site.state.records.change("northgate", lengthen)
    rosa, place = await site.as_("rosa"), "/c/rosa/appointments/appt_rosa_3"
    new, moving = (await rosa.get(NEW)).text, (await rosa.get(f"{place}/move")).text
    assert 0 < len(_TIME.findall(moving)) < len(_TIME.findall(new))
    href = html.unescape(_TIME.findall(moving)[0])
    confirm = (await rosa.get(href)).text
    assert confirm.index("Time until now") < confirm.index("New time")
    assert "2026-06-17T10:00" in confirm
    fields = await first_time(rosa, f"{place}/move")
    assert await send(rosa, fields, f"{place}/move") == (303, place)
    assert "The appointment was moved from Wednesday, June 17" in (await rosa.get(place)).text
    row = await site.state.records.read("northgate", lambda session: session.get(Appointment, "appt_rosa_3"))
    assert row.minutes == 110


async def test_too_late_is_told_with_the_notice_and_the_way_out(site: Portal) -> None:
    """Mia's visit tomorrow at nine is within 24 hours: no button, the reason, the phone; the forms answer 404."""
    dana = await site.as_("dana")
    late, ahead = "/c/mia/appointments/appt_mia_2", "/c/mia/appointments/appt_mia_3"
    shown = (await dana.get(late)).text
    assert "the practice asks for notice of 24 hours." in shown
    assert "Please call" in shown
    assert f'{late}/cancel"' not in shown
    for action in ("cancel", "move"):
        assert (await dana.get(f"{late}/{action}")).status_code == 404
        assert (await dana.post(f"{late}/{action}", {"sequence": "0"}, "/c/mia")).status_code == 404
        assert (await dana.get(f"{ahead}/{action}")).status_code == 200
    past = (await dana.get("/c/mia/appointments/appt_mia_1")).text
    assert "too late" not in past


async def test_notice_and_decision_agree_to_the_second(site: Portal) -> None:
    """Exactly at the notice it is too late, a second before it is not; the page says what the policy decides."""
    site.clock.advance(days=7, hours=3, minutes=29, seconds=59)
    dana, page = await site.as_("dana"), "/c/mia/appointments/appt_mia_3"
    assert (await dana.get(f"{page}/cancel")).status_code == 200
    site.clock.advance(seconds=1)
    assert (await dana.get(f"{page}/cancel")).status_code == 404
    assert "It is too late" in (await dana.get(page)).text


async def test_who_may_see_and_not_book_finds_no_way_to_book(site: Portal) -> None:
    """A co-parent with the calendar alone, a payer, and a client whose therapist offers no times."""
    for name, client in (("sam", "mia"), ("harbor", "rosa"), ("leo", "leo")):
        person = await site.as_(name)
        calendar = (await person.get(f"/c/{client}/calendar")).text
        assert "/appointments/new" not in calendar
        for row in re.findall(r'id="(appt_[^"]+)"', calendar):
            assert f"{row}/move" not in (await person.get(f"/c/{client}/appointments/{row}")).text
    sam, leo = await site.as_("sam"), await site.as_("leo")
    refused = await sam.get("/c/mia/appointments/new")
    assert (refused.status_code, "Scheduling is switched off for you" in refused.text) == (403, True)
    assert "Nobody offers times here" in (await leo.get("/c/leo/appointments/new")).text
    token = await leo.token("/c/leo/calendar")
    forged = {"csrf": token, "with": "ken", "start": "2026-06-25T16:00:00Z", "once": "0" * 32}
    assert (await leo.http.post("/c/leo/appointments/new", data=forged)).status_code == 404


async def test_a_switch_thrown_while_the_form_is_open_counts(site: Portal) -> None:
    """The toggle goes off between choosing and sending: the refusal page, and nothing is booked."""
    rosa = await site.as_("rosa")
    fields = await first_time(rosa)
    await site.state.authz.set_practice_switch("northgate", "scheduling", on=False, actor="staff/jo")
    status, text = await send(rosa, fields)
    assert status == 403
    assert "Scheduling is switched off at Northgate" in text
    assert await made(site) == []


async def test_nobody_reads_who_else_asked(site: Portal) -> None:
    """What dana asked for is on the child's calendar, also for sam, and does not say who asked."""
    dana, sam = await site.as_("dana"), await site.as_("sam")
    _status, place = await send(dana, await first_time(dana, "/c/mia/appointments/new"), "/c/mia/appointments/new")
    assert "You asked for this time." in (await dana.get(place)).text
    theirs = (await sam.get(place)).text
    assert "asked for this time" not in theirs
    assert "Dana" not in theirs.partition("<main")[2]
