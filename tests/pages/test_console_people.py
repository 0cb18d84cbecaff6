"""The people of a practice, as an office manager meets them (rows M1 to M9, W3 to W28, Y2 to Y15)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.pages.test_accessibility import faults, structure

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.pages.conftest import People

WIDTHS = [390, 1280]
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def looked_at(page: Page, width: int) -> None:
    """Nothing is wrong with the page that axe-core or the structure shows."""
    assert faults(page) + structure(page, width) == []


def follow(page: Page, way: Locator) -> None:
    """Click, and wait until the next page is there."""
    with page.expect_navigation():
        way.click()


def take_on(page: Page, width: int, name: str, born: str = "2018-04-01") -> str:
    """Take a client on by name, and return the address of their page."""
    page.goto("/admin/clients")
    follow(page, page.get_by_role("link", name="+ New client"))
    looked_at(page, width)
    page.get_by_label("Full name").fill(name)
    page.get_by_label("Day of birth").fill(born)
    follow(page, page.get_by_role("button", name="Save client"))
    return page.url


def add_contact(page: Page, client: str, first_name: str, email: str) -> None:
    """Add somebody new as a guardian who is let in."""
    page.goto(f"{client}/contacts/new")
    page.get_by_label("First name").fill(first_name)
    page.get_by_label("Last name").fill("Field")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("By what authority they act").select_option(label="Legal guardian, by court order")
    page.get_by_role("button", name="Save").click()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_child_is_taken_on_and_a_guardian_let_in_with_an_order(people: People, width: int, tmp_path: Path) -> None:
    """By name; with a warning read first; the guardian with a court order and its last day."""
    order = tmp_path / "order.pdf"
    order.write_bytes(PDF)
    with people.page("hal", width) as page:
        page.goto("/admin/clients/new")
        page.get_by_label("Full name").fill(f"Ivy{width} Field")
        page.get_by_label("Day of birth").fill("2018-04-01")
        page.get_by_label("E-mail address, only if").fill(f"ivy{width}@mail.example")
        page.get_by_role("button", name="Save client").click()
        expect(page.get_by_text("A child or dependent has no e-mail address in the record.")).to_be_visible()
        expect(page.get_by_label("Full name")).to_have_value(f"Ivy{width} Field")
        looked_at(page, width)
        page.get_by_label("E-mail address, only if").fill("")
        page.get_by_role("button", name="Save client").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Ivy{width} Field")
        client = page.url
        page.goto(f"{client}/contacts/new")
        page.get_by_text("Proof of authority, and first and last day").click()
        looked_at(page, width)
        page.get_by_label("First name").fill(f"Gil{width}")
        page.get_by_label("E-mail address").fill(f"gil{width}@mail.example")
        page.get_by_label("By what authority they act").select_option(label="Legal guardian, by court order")
        page.get_by_label("Proof", exact=True).select_option(label="Court order")
        page.get_by_label("File", exact=True).set_input_files(order)
        page.get_by_label("Last day of access").fill("2035-12-31")
        page.get_by_role("button", name="Save").click()
        row = page.get_by_role("listitem").filter(has_text=f"Gil{width}")
        expect(row).to_contain_text("Portal Access Pending")
        expect(row).to_contain_text("through December 31, 2035")
        page.get_by_role("link", name=re.compile(f"Gil{width}")).click()
        expect(page.get_by_text("On file")).to_be_visible()
        page.get_by_role("link", name="Proof of authority").click()
        expect(page.get_by_role("main")).to_contain_text("Court order")
        looked_at(page, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_address_is_corrected_and_access_suspended_resumed_and_revoked(people: People, width: int) -> None:
    """Each step says what it will do and how it is undone; revoking asks for the name."""
    with people.page("hal", width) as page:
        client = take_on(page, width, f"Abe{width} Field")
        add_contact(page, client, f"Ned{width}", f"ned{width}@mail.exampel")
        page.get_by_role("link", name=re.compile(f"Ned{width}")).click()
        person = page.url
        follow(page, page.get_by_role("link", name="Name, address, authority"))
        looked_at(page, width)
        page.get_by_label("E-mail address").fill(f"ned{width}@mail.example")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").first).to_contain_text("mailed to the new address")
        for link, done in (("Suspend access", "is suspended"), ("Resume access", "is resumed")):
            follow(page, page.get_by_role("link", name=link))
            looked_at(page, width)
            page.get_by_role("button", name=link).click()
            expect(page.get_by_role("status").first).to_contain_text(done)
        expect(page.get_by_role("main")).to_contain_text("Portal Access Pending")
        page.get_by_role("link", name="Revoke access").click()
        page.get_by_label("Type the name").fill("Somebody")
        page.get_by_role("button", name="Revoke access").click()
        expect(page.get_by_role("alert")).to_contain_text(f"Type the name as it stands here: Ned{width} Field.")
        looked_at(page, width)
        page.get_by_label("Type the name").fill(f"Ned{width} Field")
        page.get_by_role("button", name="Revoke access").click()
        expect(page.get_by_role("status").first).to_contain_text("has ended")
        page.goto(person)
        expect(page.get_by_role("main")).to_contain_text("Ended")


@pytest.mark.parametrize("width", WIDTHS)
def test_two_tabs_that_change_one_client_are_shown_both_and_choose(people: People, width: int) -> None:
    with people.window("hal", width) as window:
        first, second = window.new_page(), window.new_page()
        client = take_on(first, width, f"Uma{width} Field")
        for page in (first, second):
            page.goto(f"{client}/edit")
        second.get_by_label("Name they are called by").fill("Umi")
        second.get_by_role("button", name="Save").click()
        expect(second.get_by_role("status").first).to_contain_text("Saved")
        first.get_by_label("Name they are called by").fill("Ulla")
        first.get_by_role("button", name="Save").click()
        expect(first.get_by_role("alert")).to_contain_text("Somebody else saved first")
        expect(first.get_by_label("What they set: Umi")).to_be_visible()
        looked_at(first, width)
        first.get_by_label("What you set: Ulla").check()
        first.get_by_role("button", name="Save").click()
        expect(first.get_by_role("status").first).to_contain_text("Saved")


@pytest.mark.parametrize("width", WIDTHS)
def test_one_person_entered_twice_becomes_one(people: People, width: int) -> None:
    """Two contacts are compared before they are merged; an empty client record gives way to the full one."""
    with people.page("hal", width) as page:
        client = take_on(page, width, f"Eva{width} Field")
        add_contact(page, client, f"Olga{width}", f"olga{width}@mail.example")
        twin = take_on(page, width, f"Eva{width} Twin")
        add_contact(page, twin, f"Olga{width}", f"olga.field{width}@mail.example")
        page.get_by_role("link", name=re.compile(f"Olga{width}")).click()
        follow(page, page.get_by_role("link", name="Entered twice? Merge"))
        looked_at(page, width)
        page.get_by_role("link", name=re.compile(f"Olga{width}.*olga{width}@")).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Is this one person?")
        looked_at(page, width)
        page.get_by_role("button", name="Merge the two").click()
        expect(page.get_by_role("status").first).to_contain_text("is one person now")
        empty = take_on(page, width, f"Eva{width} Again")
        page.goto(f"{empty}/merge?q=Eva{width}")
        looked_at(page, width)
        follow(page, page.get_by_role("link", name=re.compile(f"Eva{width} Field")))
        looked_at(page, width)
        page.get_by_role("button", name="Merge the two").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Eva{width} Field")
        page.goto(f"/admin/clients?q=Eva{width}")
        expect(page.get_by_role("main")).not_to_contain_text("Again")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_is_searched_and_filtered_and_the_plan_counted(people: People, width: int) -> None:
    with people.page("jo", width) as page:
        page.goto("/admin/clients")
        looked_at(page, width)
        expect(page.get_by_role("main")).to_contain_text("What your plan counts")
        expect(page.get_by_role("main")).to_contain_text("never count")
        expect(page.get_by_role("listitem").filter(has_text="Noah")).to_contain_text("Portal Access Pending")
        page.get_by_label("Show").select_option(label="Not in care")
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_label("Show")).to_have_value("not")
        expect(page.get_by_role("listitem").filter(has_text="Noah")).to_have_count(0)
    with people.page("hal", width) as page:  # No story leaves anybody of this practice out of care.
        page.goto("/admin/clients")
        page.get_by_label("Show").select_option(label="Not in care")
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_role("main")).to_contain_text("No client is among these.")
