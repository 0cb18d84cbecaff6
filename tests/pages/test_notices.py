"""Notices by mail, as families and practices meet them (rows P4, P19, W22, W27, conflict c15, e2.8)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gateway.notices.notify import Event, notify
from gateway.records.store import RecordsStore
from tests.pages.test_accessibility import faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.conftest import People
    from tests.pages.stack import Stack


def newest_mail(page: Page, to: str, subject: str) -> None:
    """Open a mail of the demo's mailbox, which comes within seconds."""
    row = page.get_by_role("link", name=subject).first
    for _ in range(20):
        page.goto(f"/demo/mailbox?to={to}")
        if row.count():
            break
        page.wait_for_timeout(1000)
    row.click()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_parent_chooses_labels_and_what_to_hear_about(people: People, width: int) -> None:
    """From the own menu: a child gets a nickname, its invoices come at once, and a name that is unsafe is refused."""
    nickname = f"Bird {width}"
    with people.page("dana", width) as page:
        page.goto("/")
        page.locator("details.menu summary").last.click()
        page.get_by_role("link", name="Notices").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Notices by mail")
        page.get_by_role("link", name="Mia Novak").click()
        page.get_by_label("What mails call this person").fill("Mia Novak")
        page.get_by_label("Invoices").select_option("At once")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.get_by_label("Invoices")).to_have_value("at_once")
        page.get_by_label("What mails call this person").fill(nickname)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("saved")
        expect(page.get_by_role("link", name="Mia Novak")).to_contain_text(f"In mails: {nickname}")
        page.get_by_role("link", name="Mia Novak").click()
        page.get_by_label("What mails call this person").fill("")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("link", name="Mia Novak")).to_contain_text("In mails: M.")


def test_a_notice_says_whom_it_is_about_by_label_and_can_be_stopped_from_the_mail(people: People, stack: Stack) -> None:
    """A new message about mia: the mail calls her by her initial, and its link ends the notices without a sign-in."""
    store = RecordsStore(f"sqlite:///{stack.data_dir / 'records.db'}")
    with store.session("northgate", writing=True) as session:
        values = {"practice_id": "northgate", "client_id": "mia", "path": "/c/mia", "accounts": ["dana"]}
        notify(session, Event.MESSAGE, item=("thread", "thr_dana_ken"), **values)  # type: ignore[arg-type]
    store.close()
    with people.page(None, 390) as page:
        newest_mail(page, "dana", "M.: A new message")
        assert faults(page) == []
        page.locator(".mail-text a").last.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Stop notices by mail?")
        assert faults(page) == []
        page.get_by_role("button", name="Stop them").click()
        expect(page.get_by_role("status")).to_contain_text("No more notices")
        assert faults(page) == []
    with people.page("dana") as page:
        page.goto("/account/notices")
        expect(page.get_by_label("Send me notices by mail")).not_to_be_checked()
        page.get_by_label("Send me notices by mail").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label("Send me notices by mail")).to_be_checked()


def test_the_demo_shows_the_mails_that_it_would_have_sent(people: People) -> None:
    """From the sign-in page, without signing in: the open invitation of the cast, as text with its link."""
    with people.page(None, 390) as page:
        page.goto("/sign-in")
        page.get_by_role("link", name="Read the mails of the demo").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Mailbox of the demo")
        newest_mail(page, "pam", "Welcome to the Client Portal")
        expect(page.get_by_role("heading", level=1)).to_have_text("Welcome to the Client Portal")
        expect(page.locator(".mail-text")).to_contain_text("Log in to get started!")
        expect(page.locator(".mail-text a")).to_have_attribute("href", re.compile(r"^http://127\.0\.0\.1:\d+/"))


def test_a_practice_finds_its_undelivered_mails(people: People) -> None:
    with people.page("jo") as page:
        page.goto("/admin/practice")
        page.get_by_role("link", name="Mails that did not arrive").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Mails that did not arrive")
        expect(page.get_by_text("Every mail arrived.")).to_be_visible()


def test_staff_choose_too_and_without_a_script(people: People) -> None:
    with people.page("ken", 390, java_script_enabled=False) as page:
        page.goto("/account/notices")
        page.get_by_label("Completed forms").select_option("Once a day")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label("Completed forms")).to_have_value("daily")
        page.get_by_label("Completed forms").select_option("At once")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label("Completed forms")).to_have_value("at_once")


def test_a_wrong_link_to_stop_notices_tells_nothing(people: People) -> None:
    with people.page(None) as page:
        page.goto("/notices/stop/" + "A" * 43)
        expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
