"""The calendar in a browser: reading it, booking, answering, and taking it along."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
from icalendar import Calendar
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.conftest import People
    from tests.pages.stack import Stack


def book(page: Page, client: str) -> str:
    """Choose the last free time on show, and send the form; returns the address of the appointment."""
    page.goto(f"/c/{client}/calendar")
    page.get_by_role("link", name="Book an appointment").click()
    page.locator(".times a").last.click()
    page.locator("main form button").click()
    expect(page.get_by_role("status")).to_be_visible()
    return re.sub(r"https?://[^/]+", "", page.url)


def test_a_parent_books_on_a_phone_the_therapist_accepts_and_the_parent_moves_and_cancels(people: People) -> None:
    """The whole life of an appointment, on a phone on the family's side (rows W3, W20, Y10, Y23)."""
    with people.page("dana", 390) as dana, people.page("ken") as ken:
        place = book(dana, "mia")
        expect(dana.get_by_role("status")).to_contain_text("Your request was sent.")
        expect(dana.locator("main")).to_contain_text("Requested")
        expect(dana.locator("main")).to_contain_text("Pacific time")
        ken.goto("/admin/appointments")
        waiting = ken.locator(f"#{place.rpartition('/')[2]}")
        expect(waiting).to_contain_text("Asked for by Dana")
        waiting.get_by_role("button", name="Accept").click()
        expect(ken.get_by_role("status")).to_contain_text("Accepted.")
        dana.reload()
        expect(dana.locator("main")).to_contain_text("Booked")
        before = dana.locator("main time").get_attribute("datetime")
        dana.get_by_role("link", name="Move to another time").click()
        dana.locator(".times a").first.click()
        dana.get_by_role("button", name="Move it").click()
        expect(dana.get_by_role("status")).to_contain_text("You asked to move the appointment from ")
        assert dana.locator("main time").get_attribute("datetime") != before
        dana.get_by_role("link", name="Cancel this appointment").click()
        dana.get_by_role("button", name="Cancel the appointment").click()
        expect(dana.locator("main")).to_contain_text("Cancelled")
        expect(dana.get_by_role("link", name="Cancel this appointment")).to_have_count(0)


def test_a_solo_practice_books_at_once_when_its_owner_says_so(people: People) -> None:
    """Sol offers hours and lets free times be booked; Uma's is booked without waiting."""
    with people.page("sol") as sol, people.page("uma", 390) as uma:
        sol.goto("/admin/availability/sol")
        sol.get_by_label("Friday from").first.fill("10:00")
        sol.get_by_label("Friday until").first.fill("09:00")
        sol.get_by_role("button", name="Save the hours").click()
        expect(sol.get_by_role("alert")).to_be_focused()
        sol.get_by_role("alert").get_by_role("link").click()
        expect(sol.get_by_label("Friday until").first).to_be_focused()
        sol.get_by_label("Friday until").first.fill("14:00")
        sol.get_by_role("button", name="Save the hours").click()
        expect(sol.get_by_role("status")).to_contain_text("Saved.")
        sol.get_by_label("Every free time is booked at once").check()
        sol.get_by_role("button", name="Save").click()
        expect(sol.get_by_role("status")).to_contain_text("Saved.")
        book(uma, "uma")
        expect(uma.get_by_role("status")).to_contain_text("The appointment is booked.")
        expect(uma.locator("main")).to_contain_text("Booked")


def test_the_month_on_a_phone_leads_to_the_day_and_the_appointment_by_keyboard(people: People) -> None:
    """A day with an appointment is a link to the list below the month, and that to its page; arrows are not needed."""
    with people.page("rosa", 390) as page:
        page.goto("/c/rosa/appointments/appt_rosa_3")
        day = page.locator("main time").get_attribute("datetime")
        assert day
        page.goto(f"/c/rosa/calendar?view=month&on={day[:10]}")
        page.locator(".month a[href='#appt_rosa_3']").focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("#appt_rosa_3$"))
        page.keyboard.press("Tab")
        page.locator("#appt_rosa_3").focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/c/rosa/appointments/appt_rosa_3$"))
        expect(page.get_by_role("heading", level=1)).to_have_text("Session")


def test_a_payer_reads_the_calendars_of_all_linked_clients_on_one_page(people: People) -> None:
    """Harbor sees rosa and arlo by name in every view, and nobody else (row C17, conflict c12)."""
    with people.page("harbor") as page:
        page.goto("/c/rosa/calendar")
        page.get_by_role("link", name="Everyone's calendar").click()
        for view in ("Agenda", "Week", "Month"):
            page.get_by_label("Calendar view").get_by_role("link", name=view).click()
            main = page.locator("main")
            expect(main.get_by_label("Calendars shown")).to_contain_text("Rosa Delgado")
            expect(main).not_to_contain_text("Mia")
            expect(main).not_to_contain_text("Leo")
        page.get_by_label("Calendar view").get_by_role("link", name="Agenda").click()
        expect(page.locator("#appt_arlo_2")).to_contain_text("Arlo")
        expect(page.locator("#appt_rosa_3")).to_contain_text("Rosa Delgado")
        with page.expect_download() as download:
            page.get_by_role("link", name="PDF").click()
        assert download.value.suggested_filename.endswith(".pdf")


def test_a_calendar_app_reads_the_secret_address_until_it_is_taken_back(people: People, stack: Stack) -> None:
    """Made on the page, fetched without a session, ended by a button."""
    with people.page("rosa") as page:
        page.goto("/c/rosa/calendar")
        page.get_by_role("link", name="In your calendar app").click()
        page.get_by_role("button", name="Make an address").click()
        shown = page.get_by_label("Copy this into your calendar app").input_value()
        address = stack.site + re.sub(r"https?://[^/]+", "", shown)
        answer = httpx.get(address)
        assert answer.status_code == 200
        assert {str(event["summary"]) for event in Calendar.from_ical(answer.content).walk("VEVENT")} == {"Appointment"}
        page.get_by_role("button", name="Take it back").click()
        expect(page.get_by_role("status")).to_contain_text("The address is taken back.")
        assert httpx.get(address).status_code == 404
