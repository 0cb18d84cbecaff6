"""Every page at 390 and 1280 pixels: WCAG 2.2 AA as far as axe-core can tell, and what it cannot."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_core_python
import pytest
from playwright.sync_api import expect

from gateway.web.pages import error_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Route

    from tests.pages.conftest import People

AXE = Path(axe_core_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
ALL_RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
WIDTHS = (390, 1280)
# Reader (None: nobody signed in; after the name, what the pages are about) -> the pages, with the status of each.
PAGES: dict[str | None, dict[str, int]] = {
    None: {
        "/sign-in": 200,
        "/demo/mailbox": 200,
        "/no/such/page": 404,
        "/released/northgate.wrong": 404,
        "/verify/northgate.wrong": 404,
        "/forgot": 200,
        "/sign-in/northgate": 200,
    },
    "dana": {
        "/": 200,
        "/c/mia": 200,
        "/c/mia/calendar": 200,
        "/c/mia/calendar?view=week": 200,
        "/c/mia/calendar/feed": 200,
        "/c/mia/appointments/appt_mia_3": 200,
        "/c/mia/appointments/appt_mia_3/cancel": 200,
        "/c/mia/appointments/new": 200,
        "/calendar": 200,
        "/calendar?view=month": 200,
        "/calendar?view=week": 200,
        "/c/mia/invoices": 200,
        "/c/mia/invoices/inv_mia_1": 200,
        "/c/mia/invoices/inv_mia_1/print": 200,
        "/c/mia/payments": 200,
        "/invoices": 200,
        "/c/mia/documents": 200,
        "/c/mia/documents/doc_mia_consent": 200,
        "/c/mia/documents/doc_mia_consent_dana": 200,
        "/c/mia/plan": 403,
        "/c/mia/invoices/inv_mia_2": 404,
        "/c/wren": 200,
        "/c/mia/forms": 200,
        "/c/mia/forms/form_mia_intake": 200,
        "/c/mia/forms/form_mia_intake/steps/1": 200,
        "/c/mia/forms/form_mia_intake/steps/3": 200,
        "/c/mia/forms/form_mia_intake/review": 200,
        "/c/mia/forms/form_mia_privacy/steps/1": 200,
        "/account/security": 200,
        "/account/security/app": 200,
        "/account/security/passkeys/new": 200,
        "/account/notices": 200,
        "/account/notices/mia": 200,
        "/c/mia/messages": 200,
        "/c/mia/messages/thr_dana_ken": 200,
        "/c/mia/email-owner": 200,
        "/c/mia/profile": 200,
        "/account/password": 200,
        "/account/address": 200,
    },
    "sam": {"/c/mia": 200, "/c/mia/invoices": 403, "/c/mia/profile": 200, "/account/requests": 200},
    "leo": {"/c/leo/messages/thr_leo_lea": 200},
    "rosa": {
        "/c/rosa": 200,
        "/c/rosa/plan": 200,
        "/c/rosa/forms/form_rosa_intake": 200,
        "/c/rosa/calendar?view=month&on={month}-01": 200,
    },
    "maple": {"/c/arlo": 200, "/c/arlo/invoices": 200, "/c/arlo/calendar?view=month&on=2030-02-01": 200},
    "ada": {"/c/arlo": 200, "/c/arlo/documents": 403},
    "exa": {"/": 200, "/c/mia": 403, "/calendar": 200},
    "jo": {
        "/admin": 200,
        "/admin/clients": 200,
        "/admin/clients?q=nobody": 200,
        "/admin/clients/mia": 200,
        "/admin/clients/mia/grants/g_sam_mia": 200,
        "/admin/clients/mia/documents": 200,
        "/admin/clients/mia/documents/doc_mia_consent": 200,
        "/admin/clients/mia/documents/doc_mia_school/send": 200,
        "/admin/practice": 200,
        "/admin/practice/kinds": 200,
        "/admin/practice/kinds/guardian": 200,
        "/admin/bulk": 200,
        "/admin/bulk?kind=guardian&kind=co_parent&feature=documents&state=off": 200,
        "/admin/bulk?feature=documents": 422,
        "/admin/staff": 200,
        "/admin/staff/new": 200,
        "/admin/staff/ken?q=a": 200,
        "/admin/staff/lea/end": 200,
        "/admin/check": 200,
        "/admin/check?rule=without_proof": 200,
        "/admin/check?right=1": 200,
        "/admin/forms": 200,
        "/admin/forms/northgate-consent": 200,
        "/admin/forms/northgate-consent/edit": 200,
        "/admin/forms/northgate-intake/edit/1": 200,
        "/admin/clients/mia/forms": 200,
        "/admin/clients/rosa/forms/form_rosa_intake": 200,
        "/admin/payments": 200,
        "/admin/appointments": 200,
        "/admin/availability": 200,
        "/admin/availability/ken": 200,
        "/admin/mail": 200,
        "/admin/messages": 200,
        "/admin/requests": 200,
        "/admin/banner": 200,
    },
    "jo about a client": {
        "/admin/clients/new": 200,
        "/admin/clients/mia/edit": 200,
        "/admin/clients/mia/merge": 200,
        "/admin/clients/mia/contacts/new": 200,
        "/admin/clients/mia/contacts/existing?q=novak": 200,
        "/admin/clients/mia/grants/g_sam_mia/contact": 200,
        "/admin/clients/mia/grants/g_sam_mia/proofs": 200,
        "/admin/clients/mia/grants/g_sam_mia/merge": 200,
        "/admin/clients/mia/grants/g_sam_mia/lock": 200,
        "/admin/clients/mia/grants/g_sam_mia/suspend": 200,
        "/admin/clients/mia/grants/g_sam_mia/revoke": 200,
        "/admin/clients/mia/grants/g_sam_mia/block": 200,
        "/admin/clients/mia/grants/g_sam_mia/what-if": 200,
        "/admin/clients/mia/what-if": 200,
        "/admin/clients/mia/past": 200,
        "/admin/clients/mia/calendar": 200,
        "/admin/clients/mia/plan": 200,
        "/admin/clients/mia/seen": 200,
        "/admin/clients/mia/seen/document/doc_mia_school": 200,
        "/admin/clients/mia/documents/doc_mia_school/marks": 200,
        "/admin/clients/rosa/documents/doc_rosa_draft/named": 200,
        "/admin/clients/mia/compare": 200,
        "/admin/clients/mia/disclosures": 200,
        "/admin/clients/mia/refusals": 200,
        "/admin/bulk?client=mia": 200,
        "/admin/as/dana/c/mia": 200,
        "/admin/as/sam/c/mia": 200,
    },
    "jo about the practice": {
        "/admin/sign-ups": 200,
        "/admin/practice/ways-in": 200,
        "/admin/messages/new": 200,
        "/admin/changes": 200,
        "/admin/changes?kind=nothing": 200,
        "/admin/trail": 200,
        "/admin/trail?decision=nonsense": 200,
        "/admin/emergency": 200,
        "/admin/import": 200,
    },
    "ken": {
        "/admin/clients/mia": 200,
        "/admin/practice": 403,
        "/admin/clients/noah/emergency": 200,
        "/admin/emergency": 200,
    },
    "rex": {"/admin": 200, "/account/security": 200, "/admin/trail": 200},
    "rex reading the policy": {
        "/review": 200,
        "/review/files": 200,
        "/review/files?q=plan": 200,
        "/review/files?q=xyzzy": 200,
        "/review/files/limits~item.polar": 200,
        "/review/files/invariants.yaml": 200,
        "/review/rules/item.minor_consented": 200,
        "/review/rules/payer.no_service_plan": 200,
        "/review/facts": 200,
        "/review/matrix": 200,
        "/review/matrix?subject=account&head=payer": 200,
        "/review/proofs": 200,
        "/review/diagrams?subject_type=staff": 200,
        "/review/diagrams/account/view/invoice?kind=payer&addressee=other": 200,
        "/review/diagrams/account/view/clinical_note?part=forbid": 200,
        "/review/playground": 200,
    },
}


def faults(page: Page, rules: dict[str, Any] = ALL_RULES) -> list[str]:
    """What axe-core finds wrong, one line for each element."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("runOnly => axe.run(document, {runOnly, resultTypes: ['violations']})", rules)
    return [
        f"{fault['id']}: {node['html'][:120]} ({node.get('failureSummary', '')[:200]})"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


def structure(page: Page, width: int) -> list[str]:
    """What is wrong with headings, title, landmarks, width and the form tokens of the page."""
    found: dict[str, Any] = page.evaluate(
        """() => ({
            h1: document.querySelectorAll('h1').length,
            main: document.querySelectorAll('main').length,
            lang: document.documentElement.lang,
            wide: document.documentElement.scrollWidth,
            styled: document.querySelectorAll('[style], style, script:not([src])').length,
            handlers: [...document.querySelectorAll('*')].filter(
                e => [...e.attributes].some(a => /^on/.test(a.name))).length,
            small: [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')].filter(e => {
                const box = e.getBoundingClientRect();
                return box.width > 0 && (box.width < 24 || box.height < 24) && getComputedStyle(e).display !== 'inline';
            }).map(e => e.outerHTML.slice(0, 90)),
        })"""
    )
    wrong = []
    for name, right in (("h1", 1), ("main", 1), ("lang", "en"), ("styled", 0), ("handlers", 0), ("small", [])):
        if found[name] != right:
            wrong.append(f"{name}: {found[name]}, not {right}")
    if found["wide"] > width:
        wrong.append(f"the page is {found['wide']} wide")
    if not re.fullmatch(r".+ · Kinguard", page.title()):
        wrong.append(f"title: {page.title()}")
    return wrong


def month_of_a_visit(page: Page) -> str:
    """The month of rosa's next session, as the calendar's address has it."""
    page.goto("/c/rosa/calendar")
    day = page.locator("#appt_rosa_3 time").get_attribute("datetime")
    assert day
    return day[:7]


@pytest.mark.parametrize("reader", PAGES, ids=str)
def test_every_page_passes_axe_and_fits_its_width(people: People, reader: str | None) -> None:
    """No violation of WCAG 2.2 AA, one h1, one main, a title, no sideways scrolling, no inline script or style.

    Each page is opened once, wide, made narrow, then dark, where only the colors are looked at again. Nothing on it
    comes from elsewhere.
    """
    wrong: dict[str, list[str]] = {}
    with people.page(reader and reader.partition(" ")[0], WIDTHS[-1], reduced_motion="reduce") as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        site = people.stack.site
        page.on("request", lambda request: None if request.url.startswith(site) else complaints.append(request.url))
        month = month_of_a_visit(page) if reader == "rosa" else ""
        for path, status in PAGES[reader].items():
            complaints.clear()
            answer = page.goto(path.format(month=month))
            assert answer is not None
            found = [] if answer.status == status else [f"status {answer.status}, not {status}"]
            for width in reversed(WIDTHS):
                page.set_viewport_size({"width": width, "height": 860})
                found += [f"at {width}: {fault}" for fault in faults(page) + structure(page, width)]
            page.emulate_media(color_scheme="dark")
            found += [f"in the dark: {fault}" for fault in faults(page, CONTRAST)]
            page.emulate_media(color_scheme="light")
            page.set_viewport_size({"width": WIDTHS[-1], "height": 860})
            found += [text for text in complaints if f"status of {status}" not in text]
            if found:
                wrong[path] = found
    assert not wrong, "\n".join(f"{where}: {what}" for where, found in wrong.items() for what in found)


def test_axe_finds_a_planted_fault(people: People) -> None:
    """The control: a picture without words, and a small button, are found."""
    with people.page(None) as page:
        page.goto("/sign-in")
        page.evaluate(
            """() => {
                const main = document.querySelector('main');
                main.append(Object.assign(document.createElement('img'), {src: '/static/icon.svg'}));
                const button = document.createElement('button');
                button.className = 'planted';
                main.append(button);
            }"""
        )
        found = " ".join(faults(page))
        assert "image-alt" in found
        assert "button-name" in found


def answering(status: int) -> Callable[[Route], None]:
    """A route that answers with the error page of a status."""

    def answer(route: Route) -> None:
        route.fulfill(status=status, body=bytes(error_page(None, status).body), content_type="text/html")

    return answer


def test_every_error_page_passes_axe_and_shows_nothing_of_anyone(people: People) -> None:
    """Whatever goes wrong, there is a page with one heading, a sentence and a way on, the same for everyone."""
    for width in WIDTHS:
        with people.page("dana", width) as page:
            for status in (403, 404, 429, 500, 503):
                page.route("**/broken", answering(status))
                page.goto("/broken")
                assert faults(page) + structure(page, width) == [], status
                assert "Dana" not in page.content()
                page.unroute("**/broken")


def test_open_menus_pass_too(people: People) -> None:
    """The profile switcher, the reader's menu and the rest of the navigation, opened, break no rule either."""
    for width in WIDTHS:
        with people.page("dana", width) as page:
            page.goto("/c/mia")
            menus = [menu for menu in page.locator("details.menu > summary").all() if menu.is_visible()]
            assert len(menus) == (3 if width == WIDTHS[0] else 2)  # On a phone the navigation has one too.
            for menu in menus:
                menu.click()
                assert faults(page) == []
                page.keyboard.press("Escape")


def test_the_keyboard_reaches_everything_in_order(people: People) -> None:
    """Tab comes to the skip link first, and the skip link leads to the page."""
    with people.page("rosa") as page:
        page.goto("/c/rosa/invoices")
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to the page")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_attribute("href", "/c/rosa/invoices/inv_rosa_1")
        outline = page.locator(":focus").evaluate(
            "e => getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth"
        )
        assert outline == "solid3px"


def test_a_failed_sign_in_is_told_beside_the_field_and_above_the_form(people: People) -> None:
    """The summary takes the focus and links to the field; the field is marked and keeps what was typed."""
    with people.page(None, 390) as page:
        page.goto("/sign-in")
        page.get_by_label("User name").fill("rosa")
        page.get_by_label("Password").fill("not the password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.get_by_label("User name")).to_have_value("rosa")
        expect(page.get_by_label("User name")).to_have_attribute("aria-invalid", "true")
        page.get_by_role("alert").get_by_role("link").click()
        expect(page.get_by_label("User name")).to_be_focused()
        assert page.title().startswith("Error: ")
        assert faults(page) == []


def test_paper_shows_the_invoice_and_nothing_around_it(people: People) -> None:
    """Printed, an invoice has a letterhead and no navigation."""
    with people.page("rosa") as page:
        page.goto("/c/rosa/invoices/inv_rosa_1")
        page.emulate_media(media="print")
        expect(page.locator(".letterhead")).to_be_visible()
        for around in (".top", ".sections", ".foot", ".back"):
            expect(page.locator(around)).to_be_hidden()
