"""Stories of the set-up check: what it finds in the cast, and how each finding is mended or called right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.pages.test_accessibility import faults, structure

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.pages.conftest import People
    from tests.pages.stack import Stack, Visitor


def section(page: Page, title: str) -> Any:
    return page.locator("section", has=page.get_by_role("heading", name=title))


@pytest.mark.parametrize("width", [390, 1280])
def test_the_check_names_what_is_probably_not_meant_with_ways_out(people: People, width: int) -> None:
    """Each rule with why it matters, names of people, and at least one way out; readable by everyone."""
    with people.page("jo", width) as page:
        page.goto("/admin/check")
        expect(page.get_by_text("things are probably not meant.")).to_be_visible()
        expect(section(page, "An agency decides alone")).to_contain_text("Cara Mendes and Pam Whitfield, for Noah")
        expect(section(page, "No proof of authority")).to_contain_text("Dana Novak, for Mia Novak")
        for rule in page.locator("section", has=page.locator(".finding")).all():
            for_all = rule.locator("> .buttons").get_by_role("link").count()
            for row in rule.locator(".finding").all():
                assert for_all + row.get_by_role("link").count() + row.get_by_role("button").count() >= 2
        assert faults(page) + structure(page, width) == []


def test_one_click_mends_what_it_names_and_the_finding_is_gone(people: People, stack: Stack) -> None:
    """Tom's service plan on Rosa can never open: switched off, and no longer found."""
    try:
        with people.page("jo") as page:
            page.goto("/admin/check")
            page.get_by_role(
                "button", name=re.compile(r"^Switch it off\s*: Tom Delgado, for Rosa Delgado: Service plan")
            ).click()
            expect(page.get_by_role("status")).to_contain_text("Done: Tom Delgado, for Rosa Delgado: Service plan.")
            expect(page.get_by_role("heading", name="Switched on, though it can never open")).to_have_count(0)
        grant = stack.backend.get("/v1/grants/g_tom_rosa").json()
        assert grant["toggles"]["service_plan"] is False
    finally:
        grant = stack.backend.get("/v1/grants/g_tom_rosa").json()
        headers = {"Kinguard-Actor": "staff/jo", "If-Match": f'"{grant["etag"]}"'}
        stack.backend.patch("/v1/grants/g_tom_rosa", json={"toggles": {"service_plan": True}}, headers=headers)


def test_a_guided_mend_leads_to_where_it_is_done(people: People) -> None:
    """Proof is put on file where proofs are kept; a permission under a closed ceiling is led to the bulk edit."""
    with people.page("jo") as page:
        page.goto("/admin/check")
        page.get_by_role("link", name=re.compile(r"^Put proof on file\s*: Dana Novak, for Mia Novak")).click()
        expect(page).to_have_url(re.compile("/admin/clients/mia/grants/g_dana_mia/proofs$"))


@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_right_is_called_right_with_a_reason_and_can_be_shown_again(
    people: People, stack: Stack, width: int
) -> None:
    """The reason is needed, kept with the name, and in the trail."""
    with people.page("jo", width) as page:
        page.goto("/admin/check")
        page.get_by_role("link", name=re.compile(r"^This is right\s*: Cara Mendes and Pam Whitfield")).click()
        page.get_by_label("Why is it right?").fill("   ")
        page.get_by_role("button", name="Do not show again").click()
        expect(page.get_by_role("alert")).to_contain_text("Say why")
        page.get_by_label("Why is it right?").fill(f"Pam comes home in July ({width})")
        page.get_by_role("button", name="Do not show again").click()
        expect(page.get_by_role("heading", name="An agency decides alone")).to_have_count(0)
        page.get_by_role("link", name="Called right: 1").click()
        expect(page.get_by_text(f"“Pam comes home in July ({width})”")).to_be_visible()
        expect(page.get_by_text("Jo Lindqvist,").first).to_be_visible()
        entries = stack.backend.get("/v1/trail?kind=change&action=finding.dismiss").json()["entries"]
        assert f"Pam comes home in July ({width})" in [entry.get("reason") for entry in entries]
        page.get_by_role("button", name="Show again").click()
        expect(page.get_by_text("Nothing was called right yet.")).to_be_visible()
        page.goto("/admin/check")
        expect(page.get_by_role("heading", name="An agency decides alone")).to_have_count(1)


def test_a_rule_with_many_findings_is_searched_by_name(people: People) -> None:
    with people.page("jo") as page:
        page.goto("/admin/check?rule=staff_without_factor")
        expect(page.locator(".finding")).not_to_have_count(0)
        page.get_by_label("Find by name").fill("ken")
        page.get_by_role("button", name="Find").click()
        expect(page.locator(".finding")).to_have_count(1)
        page.goto("/admin/check?rule=staff_without_factor&q=nobody%20at%20all")
        expect(page.get_by_text("Nothing here is about “nobody at all”.")).to_be_visible()


@pytest.mark.parametrize("name", ["ken", "bea", "sky", "rex"])
def test_only_who_runs_the_practice_sees_the_check_and_the_staff(name: str, visitors: Callable[[str], Visitor]) -> None:
    visitor = visitors(name)
    for path in ("/admin/check", "/admin/staff", "/admin/bulk", "/admin/staff/ken", "/admin/practice/kinds"):
        assert visitor.read(path).status_code == 403, path
