"""Getting in, as people and practices meet it (rows C2 to C9, W16 to W28, Y12 to Y22; c1, c3, c7 to c10, c13)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gateway.account.password_rules import faults as password_faults
from gateway.account.password_rules import words_of
from models.tables.identity import Person
from tests.gateway.account.test_password_rules import CASES
from tests.pages.conftest import sign_in
from tests.pages.test_accessibility import faults, structure
from tests.pages.test_notices import newest_mail

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from models.world import World
    from tests.pages.conftest import People

PASSWORD = "ferry boats at seven"


def add_contact(page: Page, name: str, email: str) -> None:
    """The administrator of harborview adds a guardian for Wren."""
    page.goto("/admin/clients/wren")
    page.get_by_role("link", name="+ Add contact").click()
    assert faults(page) == []
    page.get_by_label("First name").fill(name)
    page.get_by_label("Last name").fill("Lind")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("What they are to Wren").select_option("co_parent")
    page.get_by_label("Calendar").check()
    expect(page.get_by_label("Allow access to client portal")).to_be_checked()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text(f"{name} Lind was invited")


def follow(page: Page, email: str, subject: str, label: str) -> None:
    """Open the newest mail of a subject and follow the link of its button."""
    newest_mail(page, email, subject)
    expect(page.locator(".mail-text")).to_contain_text(label)
    page.goto(page.locator(".mail-text a").first.get_attribute("href") or "")


@pytest.mark.parametrize("width", [390, 1280])
def test_a_parent_is_invited_joins_forgets_the_password_and_comes_back(people: People, width: int) -> None:
    """From the administrator's form over the mail to the child's portal, and by a second mail to a new password."""
    name, email = f"Nora{width}", f"nora{width}@mail.example"
    with people.page("hal", width) as page:
        add_contact(page, name, email)
        row = page.get_by_role("listitem").filter(has_text=f"{name} Lind")
        expect(row).to_contain_text("Portal Access Pending")
        assert faults(page) == []
    with people.page(None, width) as page:
        follow(page, email, "Welcome to the Client Portal", "Log in to get started!")
        place = page.url
        expect(page.get_by_label("User name")).to_have_value(email)
        assert faults(page) + structure(page, width) == []
        page.get_by_label("New password").fill("lind")
        expect(page.locator("#password-told")).to_contain_text("at least 8 characters")
        page.get_by_label("New password").press_sequentially("sey likes tea")
        expect(page.locator("#password-told")).to_have_text("This password is fine.")
        page.get_by_label("Confirm password").fill("something else")
        page.get_by_role("button", name="Choose password").click()
        expect(page.get_by_role("alert")).to_contain_text("not the same as the new password")
        assert faults(page) == []
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("Confirm password").fill(PASSWORD)
        page.get_by_role("button", name="Choose password").click()
        page.goto("/c/wren/calendar")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Calendar")
        page.goto(place)
        expect(page.get_by_role("heading", level=1)).to_have_text("This link does not work any more")
        assert faults(page) == []
    with people.page(None, width) as page:
        page.goto("/sign-in/harborview")
        assert faults(page) + structure(page, width) == []
        page.get_by_role("link", name="Forgot your password?").click()
        page.get_by_label("User name or e-mail address").fill(email)
        assert faults(page) == []
        page.get_by_role("button", name="Mail me a link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
        follow(page, email, "Choose a new password", "Choose a new password")
        assert faults(page) + structure(page, width) == []
        page.get_by_label("New password").fill(PASSWORD + " again")
        page.get_by_label("Confirm password").fill(PASSWORD + " again")
        page.get_by_role("button", name="Save the new password").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your password is changed")
        assert faults(page) == []
        sign_in(page, email, PASSWORD + " again")
        page.goto("/c/wren/calendar")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Calendar")
    with people.page("hal", width) as page:
        page.goto("/admin/clients/wren")
        expect(page.get_by_role("listitem").filter(has_text=f"{name} Lind")).to_contain_text("Active")


def test_whoever_has_a_sign_in_adds_the_profile_and_the_practice_sees_no_difference(people: People) -> None:
    """gus signs in at another practice; the mail offers to add the profile, and staff read the name they typed."""
    with people.page("hal") as page:
        add_contact(page, "G.", "gus@mail.example")
    with people.page("gus") as page:
        follow(page, "gus@mail.example", "Welcome to the Client Portal", "Add to your profiles")
        expect(page.get_by_role("main")).to_contain_text("signed in as Gus Novak")
        assert faults(page) == []
        page.get_by_role("button", name="Add to your profiles").click()
        expect(page.get_by_role("status")).to_contain_text("Added to your profiles")
        page.goto("/c/wren/calendar")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Calendar")
    with people.page("hal") as page:
        page.goto("/admin/clients/wren")
        network = page.get_by_role("main")
        expect(network).to_contain_text("G. Lind")
        expect(network).not_to_contain_text("Gus Novak")


def test_the_page_says_of_a_password_while_typing_what_the_server_says(people: People, world: World) -> None:
    """One rule in two languages: for each case of the table the script tells the sentences of the server."""
    gus = world.accounts["gus"]
    words = words_of(Person(subject_type="account", subject_id="gus", name=gus.name, email=gus.email), "gus")
    told = "Array.from(document.querySelectorAll('#password-told span'), one => one.textContent)"
    with people.page("gus") as page:
        page.goto("/account/password")
        page.wait_for_load_state("networkidle")
        for password in [case for case, _ in CASES] + ["novak novak", "the claims of Novak"]:
            page.get_by_label("New password").fill(password)
            assert page.evaluate(told) == [fault.sentence for fault in password_faults(password, words)], password
        assert faults(page) == []


def test_without_a_script_the_server_says_what_is_wrong(people: People) -> None:
    """The window has current, new and confirm, and keeps nobody out who has no script."""
    with people.page("gus", java_script_enabled=False) as page:
        page.goto("/account/password")
        page.get_by_label("Current password").fill("not it")
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("Confirm password").fill(PASSWORD)
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_role("alert")).to_contain_text("This is not your current password")


@pytest.mark.parametrize("width", [390, 1280])
def test_a_sign_up_waits_until_the_practice_decides(people: People, width: int) -> None:
    """Somebody like a client is shown as a likely duplicate and linked, and no second client comes to be."""
    with people.page(None, width) as page:
        page.goto("/sign-up/harborview")
        assert faults(page) + structure(page, width) == []
        page.get_by_label("First name").fill("Victor")
        page.get_by_label("Last name").fill(f"Lund {width}")
        page.get_by_label("E-mail address").fill("vic@mail.example")
        page.get_by_role("button", name="Send to the practice").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sent to the practice")
        assert faults(page) == []
    with people.page("hal", width) as page:
        page.goto("/admin/sign-ups")
        assert faults(page) + structure(page, width) == []
        page.get_by_role("link", name=re.compile(f"Victor Lund {width}")).click()
        expect(page.get_by_role("main")).to_contain_text("Likely a duplicate")
        assert faults(page) + structure(page, width) == []
        page.get_by_label("Victor Lund", exact=True).check()
        page.get_by_role("button", name="It is this client").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Victor Lund")


def test_staff_pages_of_getting_in_pass_axe(people: People) -> None:
    """The search for an existing contact, its form, and the practice's ways in."""
    for width in (390, 1280):
        with people.page("jo", width) as page:
            for path in (
                "/admin/clients/mia/contacts/new",
                "/admin/clients/mia/contacts/existing?q=delgado",
                "/admin/clients/noah/contacts/existing?contact=contact_g_dana_mia",
                "/admin/clients/noah/grants/g_pam_noah",
                "/admin/practice/ways-in",
            ):
                page.goto(path)
                assert faults(page) + structure(page, width) == [], path
