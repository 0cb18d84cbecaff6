"""The office manager sees what a family sees, keeps one item from somebody, and reads why: stories in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.pages.test_accessibility import WIDTHS, faults, structure

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.conftest import People

SEEN = "/admin/clients/mia/seen/document/doc_mia_school"
PAPER = "/c/mia/documents/doc_mia_school"


def wrong(page: Page, width: int) -> list[str]:
    return faults(page) + structure(page, width)


def status(page: Page, path: str) -> int:
    return page.request.get(path).status


@pytest.mark.parametrize("width", WIDTHS)
def test_jo_keeps_a_letter_from_sam_alone_and_reads_why(people: People, width: int) -> None:
    """From the document to who sees it: first what will happen, then who kept it and why, and the way to undo it."""
    with people.page("jo", width) as jo, people.page("sam") as sam, people.page("dana") as dana:
        jo.goto("/admin/clients/mia/documents/doc_mia_school")
        jo.get_by_role("link", name="Who sees it, and why").click()
        row = jo.locator("#sam")
        expect(row).to_contain_text("Sees it")
        row.get_by_role("link", name="Keep it from them").click()
        expect(jo.get_by_text("Sam Ortega finds no trace of it")).to_be_visible()
        jo.get_by_label("Reason").fill("custody order of 3 May")
        jo.get_by_role("button", name="Keep it from them").click()
        expect(jo.get_by_role("status")).to_contain_text("Now kept from Sam Ortega")
        expect(row).to_contain_text("Kept from Sam Ortega alone. By Jo ")
        expect(row).to_contain_text("Reason: custody order of 3 May")
        assert (status(sam, PAPER), status(dana, PAPER)) == (404, 200)
        row.locator("summary").click()
        expect(row.locator(".chain .no")).to_contain_text("Kept from Sam Ortega alone")
        expect(row.locator(".chain li")).to_have_count(5)
        assert not wrong(jo, width)
        row.get_by_role("link", name="Show it again").click()
        jo.get_by_role("button", name="Show it again").click()
        assert status(sam, PAPER) == 200


@pytest.mark.parametrize("width", WIDTHS)
def test_a_document_is_off_for_everyone_who_represents_mia(people: People, width: int) -> None:
    """The page names who loses it and says what happens with newcomers; shown to all again, they have it back (P12)."""
    with people.page("jo", width) as jo, people.page("sam") as sam, people.page("dana") as dana:
        jo.goto(SEEN)
        jo.get_by_role("link", name="Keep from everyone who represents Mia").click()
        expect(jo.get_by_text("Whoever is given access to Mia later does not get it either.")).to_be_visible()
        assert not wrong(jo, width)
        jo.get_by_role("button", name="Keep it from all of them").click()
        expect(jo.get_by_text("Kept from everyone who represents Mia, now and later.")).to_be_visible()
        assert (status(sam, PAPER), status(dana, PAPER)) == (404, 404)
        jo.get_by_role("link", name="Show it to all again").click()
        jo.get_by_role("button", name="Show it again").click()
        assert (status(sam, PAPER), status(dana, PAPER)) == (200, 200)


@pytest.mark.parametrize("width", WIDTHS)
def test_jo_walks_through_the_portal_with_danas_eyes(people: People, width: int) -> None:
    """Home, documents, messages: a banner on each, links that stay inside, a closed conversation, and the way back."""
    with people.page("jo", width) as jo:
        jo.goto("/admin/clients/mia/grants/g_dana_mia")
        jo.get_by_role("link", name="See what they see").click()
        banner = jo.get_by_role("region", name="You are looking as someone else")
        expect(banner).to_contain_text("You see this as Dana Novak sees it.")
        for section in ("Calendar", "Messages", "Documents"):
            jo.get_by_role("link", name=section, exact=True).first.click()
            expect(banner).to_be_visible()
            assert "/admin/as/dana/c/mia/" in jo.url
            assert not wrong(jo, width)
        jo.goto("/admin/as/dana/c/mia/messages")
        expect(jo.get_by_text("Dana Novak sees a conversation here that you may not read.")).to_be_visible()
        expect(jo.get_by_text("No messages yet.")).to_be_hidden()
        jo.goto("/admin/as/dana/c/mia/profile")
        assert jo.locator("form[method=post]").count() == 0
        banner.get_by_role("link", name="Back to your own pages").click()
        assert jo.url.endswith("/admin/clients/mia/grants/g_dana_mia")


@pytest.mark.parametrize("width", WIDTHS)
def test_dana_and_sam_side_by_side(people: People, width: int) -> None:
    """Differences stand out by a word; only the differences are left when asked."""
    with people.page("jo", width) as jo:
        jo.goto("/admin/clients/mia")
        jo.get_by_role("link", name="Compare two people").click()
        jo.get_by_label("First person").select_option("dana")
        jo.get_by_label("Second person").select_option("sam")
        jo.get_by_label("Only the differences").check()
        jo.get_by_role("button", name="Compare").click()
        letter = jo.locator("tr", has_text="Letter about the change of address")
        expect(letter).to_contain_text("differs")
        expect(jo.get_by_text("same", exact=True)).to_have_count(0)
        assert not wrong(jo, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_safety_block_is_put_with_a_reason_and_lifted(people: People, width: int) -> None:
    """Sam reads the page of an address that is none; the reason stands on Jo's page alone."""
    with people.page("jo", width) as jo, people.page("sam") as sam:
        jo.goto("/admin/clients/mia/grants/g_sam_mia")
        jo.get_by_role("link", name="Safety block").click()
        jo.get_by_label("Reason").fill("a threat at the door on 3 May, told by Dana")
        assert not wrong(jo, width)
        jo.get_by_role("button", name="Put the block").click()
        expect(jo.get_by_text("The block stands.")).to_be_visible()
        expect(jo.get_by_text("a threat at the door on 3 May")).to_be_visible()
        sam.goto("/c/mia/documents")
        expect(sam.get_by_role("heading", level=1)).to_have_text("There is no such page")
        assert "threat" not in sam.content()
        jo.get_by_role("button", name="Lift the block").click()
        assert status(sam, "/c/mia/documents") == 200


@pytest.mark.parametrize("width", WIDTHS)
def test_a_category_is_changed_with_its_effect_seen_before(people: People, width: int) -> None:
    """Made private, the page says who loses it; nothing is changed until it is saved."""
    with people.page("jo", width) as jo, people.page("dana") as dana:
        jo.goto("/admin/clients/mia/documents/doc_mia_school")
        jo.get_by_role("link", name="Change the category and who signs").click()
        jo.get_by_label("Category").select_option("minor_consented")
        jo.get_by_role("button", name="See what it changes").click()
        expect(jo.get_by_text("Dana Novak no longer sees it.")).to_be_visible()
        assert not wrong(jo, width)
        assert status(dana, PAPER) == 200
        jo.get_by_role("button", name="Save", exact=True).click()
        assert status(dana, PAPER) == 404
        jo.get_by_role("link", name="Change the category and who signs").click()
        jo.get_by_label("Category").select_option("general")
        jo.get_by_role("button", name="See what it changes").click()
        jo.get_by_role("button", name="Save", exact=True).click()
        assert status(dana, PAPER) == 200
