"""With JavaScript off every page still does what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.pages.conftest import People


@pytest.mark.parametrize("width", [390, 1280])
def test_everything_works_without_a_script(people: People, width: int) -> None:
    """With JavaScript off: sign in, switch profiles, turn the calendar, read a document, sign out."""
    with people.page(None, width, java_script_enabled=False) as page:
        page.goto("/sign-in")
        page.get_by_label("User name").fill("dana")
        page.get_by_label("Password").fill("northgate-demo-2026")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Mia Novak").click()
        page.locator("details.menu summary").first.click()
        page.get_by_role("link", name="Leo Novak").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Leo Novak")
        page.get_by_role("link", name="Calendar", exact=True).first.click()
        page.get_by_role("link", name="Month").click()
        page.locator("a[rel=next]").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Calendar")
        page.get_by_role("link", name="Documents", exact=True).click()
        page.get_by_role("link", name="Extra time in exams").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename == "Extra time in exams.pdf"
        page.locator("details.menu.push summary").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
