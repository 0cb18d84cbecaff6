"""Oversight in the browser: emergency access from start to sign-off, trail, disclosures, and requests of families."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.pages.test_accessibility import AXE

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.pages.conftest import People
    from tests.pages.stack import Visitor

WIDTHS = (390, 1280)
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def look(page: Page, name: str) -> None:
    """No finding of axe-core, nothing wider than the screen; a picture where one is wanted."""
    expect(page.locator("footer")).to_be_attached()
    page.wait_for_load_state()
    if folder := os.environ.get("STORY_PICTURES"):
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=Path(folder) / f"{name}_{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == [], name


@pytest.mark.parametrize("width", WIDTHS)
def test_emergency_access_from_the_reason_to_the_sign_off(people: People, width: int) -> None:
    reason = f"A crisis call came in at {width}, and Lea cannot be reached."
    with people.page("ken", width) as page:
        page.goto("/admin/emergency")
        look(page, "emergency_list")
        page.get_by_label("Name of the client").fill("Noah")
        page.get_by_role("button", name="Find").click()
        page.get_by_role("link", name="Noah").first.click()
        look(page, "emergency_start")
        page.get_by_label("Why it is needed").fill(reason)
        page.get_by_label("30 minutes").check()
        page.get_by_role("button", name="Open emergency access").click()
        expect(page.get_by_role("alert")).to_contain_text("is open until")
        look(page, "emergency_client")
        for name in ("Documents", "Forms", "Service plan", "Calendar", "Notes", "Treatment plans"):
            page.locator("main").get_by_role("link", name=name, exact=True).click()
            expect(page.get_by_role("alert")).to_contain_text("is open until")
            look(page, f"emergency_{name.split()[0].lower()}")
            page.locator("a.back").click()
        page.goto("/admin/clients")
        expect(page.get_by_role("alert")).to_contain_text("is open until")
        page.get_by_role("button", name="End it now").click()
        expect(page.get_by_role("status")).to_contain_text("has ended")
        expect(page.get_by_role("alert")).to_have_count(0)
        assert page.goto("/admin/clients/noah/documents").status == 403  # type: ignore[union-attr]
    with people.page("priya", width) as page:
        page.goto("/admin/emergency?show=waiting")
        page.get_by_role("link", name=reason).click()
        expect(page.get_by_text("View · Document")).to_be_visible()
        expect(page.get_by_text("View · Clinical note")).to_be_visible()
        look(page, "emergency_access")
        page.get_by_label("What you found").fill("Justified")
        page.get_by_role("button", name="Mark as reviewed").click()
        expect(page.get_by_role("status")).to_contain_text("is reviewed")
        expect(page.get_by_text("Justified")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_refusal_is_found_in_the_trail_and_explained(
    people: People, visitors: Callable[[str], Visitor], width: int
) -> None:
    assert visitors("sam").read("/c/mia/documents/doc_mia_letter").status_code == 404
    with people.page("jo", width) as page:
        page.goto("/admin/trail")
        look(page, "trail")
        page.get_by_label("Person").fill("Sam")
        page.get_by_label("Decision").select_option("Denied")
        page.get_by_text("More filters").click()
        page.get_by_label("Number of the item").fill("doc_mia_letter")
        page.locator("main").get_by_role("button", name="Show").click()
        page.get_by_role("link", name="View · Document").first.click()
        expect(page.get_by_role("heading", name="Why, as it was then")).to_be_visible()
        expect(page.get_by_text("45 CFR 164.522(a)").first).to_be_visible()
        look(page, "trail_entry")
        page.goto("/admin/trail?person=nobodyatall")
        look(page, "trail_wrong")


@pytest.mark.parametrize("width", WIDTHS)
def test_disclosures_and_refusals_of_a_client_are_taken_away(
    people: People, visitors: Callable[[str], Visitor], width: int
) -> None:
    assert visitors("sam").read("/c/mia/documents/doc_mia_school").status_code == 200
    with people.page("jo", width) as page:
        page.goto("/admin/clients/mia/disclosures")
        expect(page.get_by_text("Co-parent").first).to_be_visible()
        look(page, "disclosures")
        with page.expect_download() as download:
            page.get_by_role("link", name="PDF").click()
        assert download.value.suggested_filename == "disclosures-mia.pdf"
        page.goto("/admin/clients/mia/refusals")
        look(page, "refusals")
        with page.expect_download() as download:
            page.get_by_role("link", name="Spreadsheet").click()
        assert download.value.suggested_filename == "refusals-mia.csv"
        page.goto("/admin/trail?client=mia")
        with page.expect_download() as download:
            page.get_by_role("link", name="JSON lines").click()
        assert download.value.suggested_filename.endswith(".jsonl")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_request_names_what_would_open_it_and_is_declined_with_a_reason(
    people: People, visitors: Callable[[str], Visitor], width: int
) -> None:
    tom = visitors("tom")
    fields = {"client": "arlo", "type": "form", "action": "view", "note": f"For the visit {width}"}
    assert tom.send("/ask", fields, "/account/requests").status_code == 303
    with people.page("jo", width) as page:
        page.goto("/admin/requests")
        card = page.locator("section", has_text=f"For the visit {width}")
        expect(card.get_by_text("The smallest change that opens it")).to_be_visible()
        look(page, "requests")
        card.get_by_role("button", name="Decline").click()
        expect(page.get_by_role("alert")).to_contain_text("Say why")
        card = page.locator("section", has_text=f"For the visit {width}")
        card.get_by_label("What you want to say to them").fill("Please call us first.")
        card.get_by_role("button", name="Decline").click()
        expect(page.get_by_role("status")).to_contain_text("The family is told.")
    assert "Please call us first." in tom.read("/account/requests").text
