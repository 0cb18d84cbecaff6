"""What a family does with the small things: its own address, a calendar's address, words in its own language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.pages.conftest import People


def test_vic_asks_for_another_login_address_and_keeps_the_one_he_has(people: People) -> None:
    """From security to the form, wrong and right; the page says what it waits for, and lets him think again."""
    with people.page("vic", 390) as page:
        page.goto("/account/security")
        page.get_by_role("link", name="Change your login address").click()
        page.get_by_label("New address").fill("victor@new.example")
        page.get_by_label("Current password").fill("wrong")
        page.get_by_role("button", name="Send the link").click()
        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.get_by_label("New address")).to_have_value("victor@new.example")
        page.get_by_label("Current password").fill("northgate-demo-2026")
        page.get_by_role("button", name="Send the link").click()
        expect(page.get_by_role("status")).to_contain_text("A link was mailed to victor@new.example.")
        page.get_by_role("button", name="Keep the address as it is").click()
        expect(page.get_by_role("status")).to_contain_text("stays as it is")
        expect(page.get_by_role("main")).not_to_contain_text("victor@new.example")


def test_vic_copies_the_address_of_his_calendar(people: People) -> None:
    """The button says that it copied, or selects the address for who must copy by hand."""
    with people.page("vic", 390) as page:
        page.goto("/c/vic/calendar/feed")
        page.get_by_role("button", name="Make a").click()
        field = page.get_by_label("Copy this into your calendar app")
        expect(field).to_have_attribute("readonly", "")
        page.get_by_role("button", name="Copy", exact=True).click()
        expect(page.locator("[data-copy-told]")).not_to_be_empty()
        field.focus()
        length = "element => element.selectionEnd - element.selectionStart === element.value.length"
        assert field.evaluate(length)
        page.get_by_role("button", name="Take it back").click()
