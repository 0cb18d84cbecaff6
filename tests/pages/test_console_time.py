"""Time in the practice's console, as an office manager meets it: ahead, what if, back, and handing over."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.pages.test_accessibility import faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.conftest import People

WIDTHS = (390, 1280)
PAGES = (
    "/admin/changes",
    "/admin/changes/ages",
    "/admin/changes/hand-overs",
    "/admin/changes/past",
    "/admin/changes/what-if?about=switch&feature=documents&on=off",
    "/admin/changes/what-if?about=day&day=never",
    "/admin/clients/mia/what-if?about=contact&kind=co_parent",
    "/admin/clients/mia/grants/g_sam_mia/what-if?about=status&status=ended",
    "/admin/clients/mia/grants/g_sam_mia/window",
    "/admin/clients/noah/grants/g_cara_noah/hand-over?q=whit",
    "/admin/clients/mia/past?day=2024-05-03",
)


def check(page: Page) -> None:
    assert faults(page) == []
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, "the page is wider than the screen"


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_about_time_is_accessible_and_fits_the_screen(width: int, people: People) -> None:
    """No finding of axe-core and no sideways scrolling, on a phone and on a desk."""
    with people.page("jo", width) as page:
        for path in PAGES:
            page.goto(path)
            check(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_manager_supposes_a_switch_and_sees_whom_it_reaches(width: int, people: People) -> None:
    """From the start page: what if documents were off for everybody; nothing has changed afterwards."""
    with people.page("jo", width) as page:
        page.goto("/admin/changes")
        page.get_by_role("link", name="What if").click()
        form = page.locator("form", has=page.get_by_role("heading", name="A feature switched for the whole practice"))
        form.get_by_label("Feature").select_option("documents")
        form.get_by_label("Switched").select_option("off")
        form.get_by_role("button", name="See who it reaches").click()
        expect(page.get_by_role("heading", name="Suppose: Documents is off for the whole practice.")).to_be_visible()
        expect(page.get_by_text("This takes Documents from").first).to_be_visible()
        page.goto("/admin/practice")
        expect(page.get_by_role("checkbox", name="Documents")).to_be_checked()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_court_order_ends_access_by_itself_and_stands_in_the_calendar(width: int, people: People) -> None:
    """A last day with its reason is previewed, saved, listed among the coming changes, and taken back."""
    last = date.today() + timedelta(days=20 + (width == 390))  # noqa: DTZ011 - far enough from any midnight
    window = "/admin/clients/leo/grants/g_sam_leo/window"
    with people.page("jo", width) as page:
        page.goto("/admin/clients/leo/grants/g_sam_leo")
        page.get_by_role("link", name="First and last day").click()
        page.get_by_label("Last day").fill(last.isoformat())
        page.get_by_role("button", name="See what this changes").click()
        expect(page.get_by_text("Say why, such as the court").first).to_be_visible()
        page.get_by_label("Why").fill("Superior Court, order 12-345")
        page.get_by_role("button", name="See what this changes").click()
        expect(page.get_by_text("The last day counts whole")).to_be_visible()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status").first).to_contain_text("has access through")
        page.goto("/admin/changes")
        row = page.get_by_role("link", name="Sam Ortega no longer acts for Leo Novak")
        expect(row.first).to_contain_text("Takes access from 1 person.")
        page.goto(f"/admin/changes/{(last + timedelta(days=1)).isoformat()}")
        expect(page.get_by_text("This takes").first).to_be_visible()
        page.goto(window)
        page.get_by_label("Last day").fill("")
        page.get_by_label("Why").fill("The order was lifted")
        page.get_by_role("button", name="See what this changes").click()
        page.get_by_role("button", name="Save", exact=True).click()
        page.goto("/admin/changes")
        expect(page.get_by_role("link", name="Sam Ortega no longer acts for Leo Novak")).to_have_count(0)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_hand_over_is_planned_and_taken_back(width: int, people: People) -> None:
    """Cara's access to Noah passes to somebody the practice knows, on a day, and is taken back before it."""
    on = date.today() + timedelta(days=30)  # noqa: DTZ011
    with people.page("jo", width) as page:
        page.goto("/admin/clients/noah/grants/g_cara_noah")
        page.get_by_role("link", name="Hand over").click()
        page.get_by_label("Find a person by name").fill("Whitfield")
        page.get_by_role("button", name="Find", exact=True).click()
        page.get_by_role("link", name="Pam Whitfield").click()
        page.get_by_label("First day of the successor").fill(on.isoformat())
        page.get_by_label("Why").fill("Cara leaves the agency")
        page.get_by_role("button", name="See what this changes").click()
        expect(page.get_by_text("Proof of authority is asked for anew.")).to_be_visible()
        page.get_by_role("button", name="Plan the hand-over").click()
        expect(page.get_by_role("status").first).to_contain_text("Until then you can take it back here.")
        page.get_by_role("button", name="Take back").click()
        expect(page.get_by_role("status").first).to_contain_text("The hand-over was taken back.")
        page.goto("/admin/clients/noah/grants/g_cara_noah")
        expect(page.get_by_text("Not set").nth(1)).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_past_day_says_who_could_see_an_item_and_who_had_set_it(width: int, people: People) -> None:
    """On a day long ago: Dana could, Sam could too, and each setting names its author."""
    with people.page("jo", width) as page:
        page.goto("/admin/clients/mia")
        page.get_by_role("link", name="On a past day").click()
        page.get_by_label("Day", exact=True).fill("2024-05-03")
        page.get_by_label("About").select_option("document/doc_mia_letter")
        page.get_by_role("button", name="Look").click()
        rows = page.locator("section", has=page.locator("#people")).get_by_role("listitem")
        expect(rows.filter(has_text="Dana Novak")).to_contain_text("Could: see it")
        expect(rows.filter(has_text="Sam Ortega")).to_contain_text("Could not see it")
        expect(page.get_by_text("An item was kept from Sam Ortega.")).to_be_visible()
