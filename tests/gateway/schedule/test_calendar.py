"""The pages of the calendar: what they show is what the policy lets each reader see."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.edge.authz_client import Asking, Question
from models.tables.records import Appointment
from models.world import load_world
from tests.conftest import WORLD_FILE

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
WORLD = load_world(WORLD_FILE)
_SHOWN = re.compile(r'id="(appt_[^"]+)"')
JUNE = "view=month&on=2026-06-01"


async def shown(browser: Browser, path: str) -> set[str]:
    answer = await browser.get(path)
    assert answer.status_code == 200, path
    return set(_SHOWN.findall(answer.text))


async def test_the_calendar_of_all_clients_holds_what_single_questions_allow(site: Portal) -> None:
    """For every account of the cast: the appointments of all clients, asked one by one, and not one more."""
    items = [item for item in WORLD.records.values() if item.type == "appointment"]
    asked = [Question("view", "appointment", item.id, dict(item.properties)) for item in items]
    for account in [one.id for one in WORLD.accounts.values() if one.signs_in]:
        browser = await site.as_(account)
        asking = Asking({"type": "account", "id": account}, ("pwd",))
        answers = await site.state.authz.evaluate_all(asking, asked)
        allowed = {item.id for item, answer in zip(items, answers, strict=True) if answer}
        assert await shown(browser, "/calendar") == allowed, account


async def test_every_view_of_a_span_shows_the_same_appointments(site: Portal) -> None:
    """Month, its weeks and the agenda agree, for one client and for all."""
    harbor = await site.as_("harbor")
    for base in ("/c/rosa/calendar", "/calendar"):
        month = await shown(harbor, f"{base}?{JUNE}")
        weeks = set()
        for sunday in ("2026-05-31", "2026-06-07", "2026-06-14", "2026-06-21", "2026-06-28"):
            weeks |= await shown(harbor, f"{base}?view=week&on={sunday}")
        assert month == {one for one in weeks if one != "appt_rosa_4"}  # It is on the first of July.
        every = await shown(harbor, base)
        assert month < every
        for on in ("2026-06-18", "2020-01-01", "2099-12-31"):
            assert await shown(harbor, f"{base}?view=agenda&on={on}") == every


async def test_clients_are_told_apart_by_name_not_by_colour(site: Portal) -> None:
    """Every appointment on the calendar of all clients carries the client's name and initials as text."""
    harbor = await site.as_("harbor")
    for view in ("agenda", "week&on=2026-06-17", JUNE.removeprefix("view=")):
        text = (await harbor.get(f"/calendar?view={view}")).text.partition("<main")[2]
        for name, mark in (("Rosa Delgado", "RD"), ("Arlo", "A")):
            assert name in text
            assert f">{mark}" in text


async def test_two_clients_of_one_name_have_marks_of_their_own(site: Portal) -> None:
    """Mia Novak and Leo Novak differ in the frame of their initials too, each the same on the whole page."""
    text = (await (await site.as_("dana")).get("/calendar")).text.partition("<main")[2]
    marks = set(re.findall(r'class="whose (tone-\d)"[^>]*>(\w\w)<', text))
    assert len(marks) == len({tone for tone, _mark in marks}) == len({mark for _tone, mark in marks}) == 4


async def test_the_calendar_speaks_spanish(site: Portal) -> None:
    """Weekdays, months, states and buttons; the titles of appointments stay as the practice wrote them."""
    rosa = await site.as_("rosa")
    rosa.http.cookies.set("kinguard_language", "es")
    pages = {
        "/c/rosa/calendar": ("Calendario", "Próximas", "miércoles", "Reservada", "con Ken", "Session"),
        "/c/rosa/calendar?view=month&on=2026-06-01": ("junio de 2026", "Citas en", "lunes"),
        "/c/rosa/appointments/new": (
            "Reservar una cita",
            "Horas libres con",
            "El consultorio pide un aviso de 24 horas.",
        ),
        "/c/rosa/appointments/appt_rosa_3": ("Cambiar a otra hora", "Cancelar esta cita"),
        "/c/rosa/calendar/feed": ("Crear una dirección",),
    }
    for path, words in pages.items():
        text = (await rosa.get(path)).text
        for word in words:
            assert word in text, (path, word)


async def test_a_withheld_or_switched_off_calendar_is_gone_from_the_calendar_of_all(site: Portal) -> None:
    """One client's calendar switched off leaves the others; one appointment withheld leaves the rest, also on paper."""
    dana = await site.as_("dana")
    before = await shown(dana, "/calendar")
    await site.state.authz.set_client_switch("mia", "calendar", on=False, actor="staff/jo")
    await site.state.authz.withhold("g_dana_leo", "appointment", "appt_leo_2", on=True, actor="staff/jo")
    after = await shown(dana, "/calendar")
    assert before - after == {"appt_mia_1", "appt_mia_2", "appt_mia_3", "appt_leo_2"}
    text = (await dana.get("/calendar")).text
    assert "/c/mia/calendar" not in text
    assert (await dana.get("/c/leo/appointments/appt_leo_2")).status_code == 404


async def test_nobody_without_clients_and_no_staff_has_a_calendar_of_all(site: Portal) -> None:
    """An empty sentence for whose access has ended; staff go to their own pages; strangers to the sign-in."""
    exa, jo = await site.as_("exa"), await site.as_("jo")
    assert "No calendar is open to you." in (await exa.get("/calendar")).text
    assert (await exa.get("/calendar/pdf")).status_code == 200
    assert (await jo.get("/calendar")).headers["location"] == "/admin"
    assert (await jo.get("/calendar/pdf")).status_code == 404
    assert (await site.browser().get("/calendar")).headers["location"].startswith("/sign-in")


async def test_the_paper_holds_what_the_page_shows(site: Portal) -> None:
    """A PDF of the month and of the agenda; of the other parent's own calendar there is none."""
    dana, sam = await site.as_("dana"), await site.as_("sam")
    for path in (f"/c/mia/calendar/pdf?{JUNE}", "/c/mia/calendar/pdf", f"/calendar/pdf?{JUNE}", "/calendar/pdf"):
        answer = await dana.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["content-disposition"].startswith('attachment; filename="calendar-')
        assert answer.content.startswith(b"%PDF-")
    assert (await sam.get("/c/dana/calendar/pdf")).status_code in {403, 404}


async def test_the_other_parents_appointments_are_on_no_page_of_a_co_parent(site: Portal) -> None:
    """Dana is a client too: her own visits are on none of sam's views; the children's are."""
    sam = await site.as_("sam")
    for path in ("/calendar", f"/calendar?{JUNE}", "/calendar?view=week&on=2026-06-24", "/c/mia/calendar"):
        assert not any(one.startswith("appt_dana") for one in await shown(sam, path))
    assert (await sam.get("/c/dana/calendar")).status_code in {403, 404}
    assert (await sam.get("/c/dana/appointments/appt_dana_2")).status_code in {403, 404}
    assert (await sam.get("/c/mia/appointments/appt_dana_2")).status_code == 404
    assert (await sam.get("/c/mia/appointments/appt_mia_2")).status_code == 200


async def test_an_hour_shown_twice_says_which_of_the_two_it_is(site: Portal) -> None:
    """On the first of November half past one comes twice; every page names daylight or standard time."""
    first = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    for number in range(2):
        await site.state.records.save(
            "appointment",
            Appointment(
                id=f"appt_fold_{number}",
                practice_id="northgate",
                client_id="rosa",
                provider_id="ken",
                state="booked",
                starts_at=first + timedelta(hours=number),
                minutes=50,
                title="Session",
                place="Video",
            ),
        )
    rosa = await site.as_("rosa")
    text = (await rosa.get("/c/rosa/calendar?view=week&on=2026-11-01")).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "(PDT)" in text
    assert "(PST)" in text
    assert "Pacific time" in text
    assert await shown(rosa, "/c/rosa/calendar?view=month&on=2026-11-15") == {"appt_fold_0", "appt_fold_1"}


async def test_a_reader_of_two_practices_reads_each_clock_by_its_name(site: Portal) -> None:
    """Dana's children are cared for in two zones: every time is the practice's own and says so."""
    dana = await site.as_("dana")
    text = (await dana.get("/calendar")).text
    row = text.partition('id="appt_wren_2"')[2].partition("</li>")[0]
    assert "Eastern time" in row
    assert 'datetime="2026-06-24T16:00-04:00"' in row
