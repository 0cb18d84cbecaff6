"""Second factors and sessions in a real browser: an app, a passkey, recovery codes, and two tabs (P17, P23, P24)."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from playwright.sync_api import expect

from tests.pages.conftest import PASSWORD, sign_in
from tests.pages.test_accessibility import ALL_RULES, CONTRAST, faults, structure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Page

    from tests.pages.conftest import People
    from tests.pages.stack import Stack

SECURITY = "/account/security"


class App:
    """An authenticator app that was given the key on the page; it never shows a code twice."""

    def __init__(self, page: Page) -> None:
        self.totp = pyotp.TOTP(page.locator(".secret").inner_text().replace(" ", ""))
        self.last = 0

    def code(self) -> str:
        self.last = max(int(time.time()) // 30, self.last + 1)
        return self.totp.generate_otp(self.last)


@contextmanager
def named_window(people: People, width: int = 1280, **options: Any) -> Iterator[BrowserContext]:
    """A window at an address with a name: browsers make no passkeys for a number."""
    site = people.stack.site.replace("127.0.0.1", "localhost")
    context = people.browser.new_context(base_url=site, viewport={"width": width, "height": 860}, **options)
    try:
        yield context
    finally:
        context.close()


def give_authenticator(page: Page) -> None:
    """A virtual security key, which says yes by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def leave(page: Page) -> None:
    page.locator("header summary").last.click()
    page.get_by_role("button", name="Sign out").click()


def clear(page: Page, kind: str) -> None:
    """Remove the factor, and see that it takes the password."""
    page.goto(SECURITY)
    page.get_by_role("link", name=f"Remove {kind}").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_contain_text("Removed")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_an_app_is_set_up_and_asked_for_at_the_next_sign_in(people: People, scripts: bool) -> None:
    """The whole way, with and without JavaScript: set up, sign out, code, recovery code, removed."""
    with people.page(None, 390, java_script_enabled=scripts) as page:
        sign_in(page, "uma")
        page.goto(SECURITY)
        page.get_by_role("link", name="Set up an authenticator app").click()
        assert page.get_by_role("img", name="QR code").bounding_box()
        app = App(page)
        page.get_by_label("Code", exact=True).fill("000000")
        page.get_by_label("Your password").fill("wrong")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("This is not your password")
        page.get_by_label("Code", exact=True).fill(app.code())
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
        codes = page.locator(".recovery-codes code").all_inner_texts()
        page.get_by_role("link", name="I have kept them").click()
        leave(page)
        sign_in(page, "uma")
        expect(page.get_by_role("heading", level=1)).to_have_text("One more step")
        page.get_by_label("Code", exact=True).fill("000000")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("alert")).to_contain_text("This code is not right")
        page.get_by_label("Code", exact=True).fill(app.code())
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text("One more step")
        leave(page)
        sign_in(page, "uma")
        page.get_by_label("Code", exact=True).fill(codes[0])
        page.get_by_role("button", name="Go on").click()
        page.goto(SECURITY)
        expect(page.get_by_text("9 left")).to_be_visible()
        clear(page, "the authenticator app")


def test_a_passkey_is_made_and_shown_as_the_second_factor(people: People) -> None:
    with named_window(people) as window:
        page = window.new_page()
        give_authenticator(page)
        sign_in(page, "vic")
        page.goto(SECURITY)
        page.get_by_role("link", name="Add a passkey").click()
        page.get_by_label("What to call it").fill("My key")
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Make a passkey").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
        page.get_by_role("link", name="I have kept them").click()
        expect(page.get_by_role("link", name="Remove My key")).to_be_visible()
        leave(page)
        sign_in(page, "vic")
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text("One more step")
        clear(page, "My key")
        leave(page)
        sign_in(page, "vic")
        page.goto(SECURITY)
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign-in and security")


@pytest.mark.parametrize("how", ["no passkeys", "no scripts", "no name"])
def test_where_no_passkey_can_be_made_the_page_says_so(people: People, how: str) -> None:
    window = people.window(None) if how == "no name" else named_window(people, java_script_enabled=how != "no scripts")
    with window as context:
        page = context.new_page()
        if how == "no passkeys":
            page.add_init_script("delete window.PublicKeyCredential")
        sign_in(page, "vic")
        page.goto(f"{SECURITY}/passkeys/new")
        if how == "no name":
            expect(page.get_by_text("Passkeys need a site with a name")).to_be_visible()
            return
        expect(page.get_by_text("This browser cannot use passkeys")).to_be_visible()
        expect(page.get_by_role("button", name="Make a passkey")).to_be_disabled()


def test_staff_whose_practice_asks_set_one_up_before_they_get_in(people: People, stack: Stack) -> None:
    """The owner signs in with the password, is led to the app, gets in, and can work and change things."""
    stack.backend.patch("/v1/practices/solo", **_asking(True)).raise_for_status()
    try:
        with people.page(None) as page:
            sign_in(page, "sol")
            expect(page.get_by_role("heading", level=1)).to_have_text("Set up a second factor")
            app = App(page)
            page.get_by_label("Code", exact=True).fill(app.code())
            page.get_by_role("button", name="Save and go on").click()
            page.get_by_role("link", name="I have kept them").click()
            expect(page).to_have_url(re.compile("/admin$"))
            page.get_by_role("link", name="Clients").first.click()
            expect(page.get_by_role("link", name=re.compile("Uma"))).to_be_visible()
            leave(page)
            sign_in(page, "sol")
            page.get_by_label("Code", exact=True).fill(app.code())
            page.get_by_role("button", name="Go on").click()
            page.goto(f"{SECURITY}/app/remove")
            expect(page.get_by_text("your practice asks for one")).to_be_visible()
            stack.backend.patch("/v1/practices/solo", **_asking(False)).raise_for_status()
            clear(page, "the authenticator app")
    finally:
        stack.backend.patch("/v1/practices/solo", **_asking(False))


def _asking(asks: bool) -> dict[str, Any]:
    headers = {"Kinguard-Actor": "staff/sol", "Kinguard-Actor-Amr": "pwd otp mfa", "If-Match": "*"}
    return {
        "json": {"staff_second_factor": asks},
        "headers": headers | {"Content-Type": "application/merge-patch+json"},
    }


def test_after_signing_out_in_one_tab_no_other_tab_goes_on(people: People) -> None:
    """P23: the other tab's next click lands on the sign-in page, and going back shows nothing private."""
    with people.window(None) as window:
        first, second = window.new_page(), window.new_page()
        sign_in(first, "cara")
        second.goto("/c/noah")
        name = second.get_by_role("heading", level=1).inner_text()
        second.goto("/c/noah/calendar")
        leave(first)
        expect(first.get_by_role("status")).to_contain_text("signed out, in every tab")
        second.get_by_role("link", name="Home").first.click()
        expect(second).to_have_url(re.compile("/sign-in"))
        expect(second.get_by_role("status")).to_be_visible()
        for tab in (first, second):
            tab.go_back()
            expect(tab).to_have_url(re.compile("/sign-in"))
            assert "Noah" not in tab.content()
            assert name not in tab.content()


def test_a_form_left_open_by_somebody_else_changes_nothing(people: People) -> None:
    """Another person signed in meanwhile: the page says who, and the form was not used."""
    with people.window(None) as window:
        first, second = window.new_page(), window.new_page()
        sign_in(first, "hal")
        second.goto(f"{SECURITY}")
        leave(first)
        sign_in(first, "vic")
        second.get_by_role("button", name="Log out everywhere").click()
        expect(second.get_by_role("heading", level=1)).to_have_text("Nothing was changed")
        expect(second.get_by_text("You are now signed in as Vic")).to_be_visible()
        first.goto(SECURITY)
        expect(first.get_by_role("heading", level=1)).to_have_text("Sign-in and security")


def test_log_out_everywhere_ends_the_other_browser_too(people: People) -> None:
    with people.page(None) as here, people.page(None, 390) as there:
        for page in (here, there):
            sign_in(page, "vic")
            page.goto(SECURITY)
        expect(here.get_by_text("This one")).to_have_count(1)
        expect(here.get_by_text("on Linux").first).to_be_visible()
        here.get_by_role("button", name="Log out everywhere").click()
        expect(here).to_have_url(re.compile("/sign-in$"))
        there.reload()
        expect(there).to_have_url(re.compile("/sign-in"))


def test_the_pages_of_the_second_step_read_well(people: People) -> None:
    """Axe finds nothing on the pages that only somebody halfway in sees, on a phone and in the dark."""
    with named_window(people, reduced_motion="reduce") as window:
        page = window.new_page()
        give_authenticator(page)
        sign_in(page, "vic")
        page.goto(f"{SECURITY}/app")
        app = App(page)
        page.get_by_label("Code", exact=True).fill(app.code())
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Save").click()
        look(page)
        page.goto(f"{SECURITY}/passkeys/new")
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Make a passkey").click()
        expect(page.get_by_role("status")).to_contain_text("Saved")
        for path in (SECURITY, f"{SECURITY}/app/remove", f"{SECURITY}/recovery-codes"):
            page.goto(path)
            look(page)
        leave(page)
        look(page)
        sign_in(page, "vic")
        look(page)
        page.get_by_label("Code", exact=True).fill("x")
        page.get_by_role("button", name="Go on").click()
        look(page)
        page.get_by_label("Code", exact=True).fill(app.code())
        page.get_by_role("button", name="Go on").click()
        clear(page, "the authenticator app")
        clear(page, "Passkey")


def look(page: Page) -> None:
    for width, scheme, rules in ((390, "light", ALL_RULES), (1280, "dark", CONTRAST)):
        page.set_viewport_size({"width": width, "height": 860})
        page.emulate_media(color_scheme=scheme)
        assert faults(page, rules) + structure(page, width) == [], page.url
