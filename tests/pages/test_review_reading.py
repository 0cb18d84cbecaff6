"""A reviewer reads the policy in the browser: files, rules and facts, the matrix, and a proof of what they claim."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.pages.test_console_trail import look

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.conftest import People

WIDTHS = (390, 1280)
CLAIM = """version: 1
invariants:
  - id: contacts_see_no_invoice
    says: No emergency contact ever sees an invoice.
    never: {subject: account, action: view, resource: invoice, when: {subject.kind: emergency_contact}}
"""


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


@pytest.mark.parametrize("width", WIDTHS)
def test_from_the_files_to_a_rule_and_the_facts_it_reads(people: People, width: int) -> None:
    with people.page("rex", width) as page:
        page.goto("/review")
        page.locator("main").get_by_role("link", name="Policy").first.click()
        heading(page, "Policy")
        look(page, "review_files")
        page.get_by_role("link", name="limits/item.polar").click()
        heading(page, "limits/item.polar")
        look(page, "review_file")
        page.get_by_role("link", name='"item.withheld"').click()
        heading(page, "item.withheld")
        expect(page.get_by_text(re.compile(r"decides in [\d,]+ of [\d,]+ situations")).first).to_be_visible()
        look(page, "review_rule")
        page.get_by_role("heading", name="resource.withheld").get_by_role("link").click()
        heading(page, "Facts")
        expect(page.locator(":target")).to_contain_text("the practice keeps")
        look(page, "review_facts")
        page.locator(":target").get_by_role("link", name=re.compile("facts.yaml:")).click()
        heading(page, "facts.yaml")
        expect(page.locator(".code-line:target")).to_contain_text("resource.withheld")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_search_leads_to_the_line(people: People, width: int) -> None:
    with people.page("rex", width) as page:
        page.goto("/review/files")
        page.get_by_label("Search rules, facts and lines").fill("psychotherapy notes")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("heading", name="Found for")).to_be_visible()
        look(page, "review_search")
        page.get_by_role("link", name="platform.psychotherapy_notes").first.click()
        heading(page, "platform.psychotherapy_notes")


def test_the_code_is_read_with_the_keyboard_and_scrolls_by_itself(people: People) -> None:
    """On a phone the box is wider inside than the screen; it takes the focus and is scrolled with the arrow keys."""
    with people.page("rex", 390) as page:
        page.goto("/review/files/limits~item.polar")
        box = page.get_by_role("region", name="Text of limits/item.polar")
        inner, outer = box.evaluate("box => [box.scrollWidth, box.clientWidth]")
        assert inner > outer
        page.get_by_text("rules in this file").focus()
        page.keyboard.press("Tab")
        expect(box).to_be_focused()
        page.keyboard.press("ArrowRight")
        scrolled = (
            "box => new Promise(done => { const l = () => box.scrollLeft ? done() : requestAnimationFrame(l); l(); })"
        )
        box.evaluate(scrolled)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("#L1$"))
        expect(page.locator(".code-line:target")).to_have_count(1)


def test_the_matrix_is_a_table_on_a_desk_and_one_column_on_a_phone(people: People) -> None:
    with people.page("rex", 1280) as page:
        page.goto("/review/matrix")
        table = page.get_by_role("table")
        expect(table.get_by_role("columnheader", name="guardian")).to_be_visible()
        look(page, "review_matrix")
        box = page.get_by_role("region", name="account by subject.kind")
        head = table.get_by_role("columnheader", name="guardian")
        box.evaluate("box => box.scrollTo(0, 600)")
        shown = head.bounding_box()
        inside = box.bounding_box()
        assert shown
        assert inside
        assert abs(shown["y"] - inside["y"]) <= 2, "the heads stay at the top of the box"
        table.get_by_role("link", name="view invoice, payer").click()
        expect(page).to_have_url(re.compile(r"/review/diagrams/account/view/invoice\?subject.kind=payer"))
    with people.page("rex", 390) as page:
        page.goto("/review/matrix")
        expect(page.get_by_role("table")).to_be_hidden()
        look(page, "review_matrix")
        page.locator("main").get_by_role("link", name="payer", exact=True).click()
        expect(page.get_by_role("heading", name="payer")).to_be_visible()
        expect(page.get_by_role("link", name="view invoice")).to_be_visible()
        look(page, "review_matrix_column")
        page.get_by_role("link", name="Staff", exact=True).click()
        expect(page.locator("main").get_by_role("link", name="reviewer", exact=True)).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_an_own_invariant_is_proven_or_told_as_a_story(people: People, width: int) -> None:
    with people.page("rex", width) as page:
        page.goto("/review/proofs")
        look(page, "review_proofs")
        page.get_by_label("Invariants").fill(CLAIM)
        page.get_by_role("button", name="Prove it").click()
        expect(page.get_by_text("and is allowed, and never may be")).to_be_visible()
        look(page, "review_story")
        page.get_by_label("Invariants").fill(CLAIM.replace("subject.kind", "subject.knd"))
        page.get_by_role("button", name="Prove it").click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("Line 5")
        expect(alert).to_be_focused()
        expect(page.get_by_label("Invariants")).to_have_value(re.compile("subject.knd"))
        look(page, "review_claim_refused")
        page.get_by_label("Invariants").fill(CLAIM.replace("invoice", "service_plan"))
        page.get_by_role("button", name="Prove it").click()
        expect(page.get_by_role("status")).to_contain_text("It holds")
        look(page, "review_proven")


def test_printing_the_matrix_shows_the_whole_table(people: People) -> None:
    with people.page("rex", 390) as page:
        page.goto("/review/matrix?subject=staff")
        page.emulate_media(media="print")
        expect(page.get_by_role("table")).to_be_visible()
        expect(page.get_by_role("button", name="Show")).to_be_hidden()
