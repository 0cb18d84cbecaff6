"""Stories of a reviewer who turns the facts of a diagram, and who tries a change on a copy of the policy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.pages.test_accessibility import faults, structure

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.conftest import People

INVOICE = "/review/diagrams/account/view/invoice"
NOTHING_LEFT_OPEN = {
    "kind": "payer",
    "status": "active",
    "window": "current",
    "blocked": "false",
    "account.state": "active",
    "account.password": "settled",
    "second_factor": "true",
    "practice.contacts": "true",
    "practice.switch.invoices": "true",
    "client.switch.invoices": "true",
    "toggle.invoices": "true",
    "withheld": "false",
    "addressee": "me",
    "invoice_state": "open",
}
DENIES = '\nforbid(_: Representative, _action, _: Invoice, "item.none");\n'


def verdict(page: Page) -> Any:
    return page.locator("#answer .verdict")


def marked(page: Page) -> list[str]:
    """The lines and cut lines on the way, as test and where it leads."""
    found: list[str] = page.eval_on_selector_all(
        "#tests li.on", "all => all.map(each => `${each.dataset.from} ${each.dataset.to}`)"
    )
    return found


@pytest.mark.parametrize("width", [390, 1280])
def test_a_reviewer_finds_a_question_and_turns_its_facts_until_it_is_allowed(people: People, width: int) -> None:
    """The answer and the way move with each control, and the address names the situation."""
    with people.page("rex", width) as page:
        page.goto("/review/diagrams")
        assert faults(page) + structure(page, width) == []
        page.get_by_label("Who asks").select_option("account")
        page.get_by_label("What it is about").select_option("invoice")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name="account · view · invoice").click()
        expect(verdict(page)).to_have_text("Not decided yet")
        assert faults(page) + structure(page, width) == []
        assert marked(page) == []
        page.get_by_label("subject.kind", exact=True).select_option("payer")
        expect(page.locator("#tests tr.on")).to_have_count(1)
        page.get_by_label("resource.addressee", exact=True).select_option("other")
        expect(verdict(page)).to_have_text("Denied")
        for name, value in NOTHING_LEFT_OPEN.items():
            page.locator(f"select[name='{name}']").select_option(value)
        expect(verdict(page)).to_have_text("Allowed")
        expect(page.locator("g.end.on")).to_contain_text("Allowed")
        assert re.search(r"[?&]kind=payer&.*addressee=me", page.url)
        assert faults(page) + structure(page, width) == []
        way = marked(page)
        page.reload()
        expect(verdict(page)).to_have_text("Allowed")
        assert marked(page) == way


def test_what_the_controls_show_is_what_the_server_answers(people: People) -> None:
    """After every move, the page as it stands equals the page as the server gives it at that address."""
    with people.page("rex") as page, people.page("rex") as other:
        page.goto(INVOICE)
        for name, value in (("kind", "guardian"), ("addressee", "client"), ("kind", "self"), ("addressee", "me")):
            page.locator(f"select[name='{name}']").select_option(value)
            page.wait_for_url(re.compile(rf"{name}={value}"))
            other.goto(page.url)
            for part in ("#answer", "#drawing", "#nearest", "#tests"):
                assert page.locator(part).inner_html() == other.locator(part).inner_html(), (name, value, part)


def test_where_the_answer_does_not_arrive_the_old_one_does_not_stay(people: People) -> None:
    """A session that ends between two moves: the page asks for a new sign-in instead of showing what was."""
    with people.page("rex") as page:
        page.goto(f"{INVOICE}?kind=payer")
        page.route(
            "**/review/diagrams/**",
            lambda route: route.abort() if route.request.resource_type == "fetch" else route.continue_(),
        )
        page.get_by_label("resource.addressee", exact=True).select_option("other")
        page.wait_for_url(re.compile("addressee=other"))
        expect(verdict(page)).to_have_text("Denied")


def test_a_drawing_is_walked_zoomed_and_read_with_the_keyboard_alone(people: People) -> None:
    with people.page("rex") as page:
        page.goto(f"{INVOICE}?kind=payer")
        pane = page.locator("[data-diagram-pane]")
        pane.focus()
        before = page.locator("#drawing").bounding_box()
        page.keyboard.press("+")
        after = page.locator("#drawing").bounding_box()
        assert before is not None
        assert after is not None
        assert after["width"] == pytest.approx(before["width"] * 1.25, rel=0.01)
        expect(page.locator("[data-zoom][aria-current]")).to_have_text("125 %")
        page.keyboard.press("0")
        expect(page.locator("[data-zoom][aria-current]")).to_have_text("100 %")
        page.keyboard.press("Tab")
        expect(page.locator("#node-1")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator("#node-2")).to_be_focused()
        page.keyboard.press("Enter")
        assert page.url.endswith("#test-2")
        page.get_by_label("subject.kind", exact=True).focus()
        page.keyboard.press("s")
        page.wait_for_url(re.compile("kind=self"))
        expect(page.locator("#tests tr.on")).to_have_count(1)


@pytest.mark.parametrize("part", ["permit", "forbid"])
def test_the_parts_of_a_decision_are_drawn_when_chosen(people: People, part: str) -> None:
    with people.page("rex") as page:
        page.goto(f"{INVOICE}?kind=payer")
        page.get_by_label("What is drawn").select_option(part)
        page.wait_for_url(re.compile(f"part={part}"))
        expect(page.locator("#answer")).to_contain_text("The part that is drawn:")
        assert page.locator("select[name=kind]").input_value() == "payer"


def test_all_of_it_works_without_a_script(people: People) -> None:
    with people.page("rex", java_script_enabled=False) as page:
        page.goto(INVOICE)
        page.locator("select[name=kind]").select_option("payer")
        page.locator("select[name=addressee]").select_option("other")
        page.get_by_role("button", name="Answer this situation").click()
        expect(verdict(page)).to_have_text("Denied")
        page.get_by_role("link", name="50 %", exact=True).click()
        expect(page.locator("[data-zoom][aria-current]")).to_have_text("50 %")
        expect(verdict(page)).to_have_text("Denied")
        page.get_by_role("link", name=re.compile("^Try it")).first.click()
        expect(verdict(page)).to_have_text("Allowed")


def start_draft(page: Page) -> None:
    page.goto("/review/playground")
    page.get_by_role("button", name="Start a draft").click()
    page.wait_for_url(re.compile(r"/review/playground/\d$"))


def discard(page: Page) -> None:
    page.get_by_role("button", name="Delete this draft").click()
    expect(page.get_by_role("heading", name="Playground")).to_be_visible()


def text_of(page: Page, name: str) -> Any:
    return page.locator(f"textarea[name='file:{name}']")


@pytest.mark.parametrize(("width", "script"), [(390, True), (1280, True), (1280, False)])
def test_a_change_is_tried_and_mended_on_a_copy(people: People, width: int, script: bool) -> None:
    """A slip is named with its line, the mended change shows whom it keeps out, and the version is untouched."""
    with people.page("rex", width, java_script_enabled=script) as page:
        start_draft(page)
        if script:
            assert faults(page) + structure(page, width) == []
        page.locator("summary", has_text="limits/item.polar").click()
        area = text_of(page, "limits/item.polar")
        text = area.input_value()
        area.fill(text + DENIES.replace("Representative", "Representativ"))
        page.get_by_role("button", name="Save and check").click()
        expect(page.get_by_text("1 problem: this is no policy yet")).to_be_visible()
        expect(page.get_by_text("Representativ is no declared class")).to_be_visible()
        if script:
            page.locator("a[data-line]").first.click()
            chosen = text_of(page, "limits/item.polar").evaluate(
                "area => area.value.slice(area.selectionStart, area.selectionEnd)"
            )
            assert chosen.startswith("forbid(_: Representativ,")
        text_of(page, "limits/item.polar").fill(text + DENIES)
        page.get_by_role("button", name="Save and check").click()
        expect(page.get_by_text("Nothing is newly allowed; newly denied in 3 questions.")).to_be_visible()
        expect(page.get_by_text("invariants hold in every situation")).to_be_visible()
        if script:
            assert faults(page) + structure(page, width) == []
        with page.expect_download() as caught:
            page.get_by_role("button", name="Download (zip)").click()
        assert caught.value.suggested_filename == "policy.zip"
        discard(page)
        page.goto(f"{INVOICE}?kind=payer")
        expect(page.get_by_text("item.none")).to_have_count(0)


def test_what_was_typed_survives_a_reload_the_back_button_and_a_new_sign_in(people: People) -> None:
    with people.window("rex") as window:
        page = window.new_page()
        start_draft(page)
        page.locator("summary", has_text="main.polar").click()
        area = text_of(page, "main.polar")
        typed = "# typed and not saved\n" + area.input_value()
        area.fill(typed)
        page.wait_for_timeout(500)
        page.reload()
        expect(text_of(page, "main.polar")).to_have_value(typed)
        expect(page.get_by_text("is back in its place")).to_be_visible()
        page.goto("/review")
        page.go_back()
        expect(text_of(page, "main.polar")).to_have_value(typed)
        draft = page.url
        session: Any = window.storage_state()
        window.clear_cookies()
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_url(re.compile("/sign-in"))
        window.add_cookies(session["cookies"])
        page.goto(draft)
        expect(text_of(page, "main.polar")).to_have_value(typed)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("The draft is saved.")).to_be_visible()
        page.reload()
        expect(text_of(page, "main.polar")).to_have_value(typed)
        expect(page.get_by_text("is back in its place")).to_be_hidden()
        discard(page)
