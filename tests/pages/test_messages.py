"""Messages and mail to the owner in a browser, each story from the page on that a person starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gateway.web.pages import error_page
from tests.pages.test_accessibility import WIDTHS, faults, structure

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.pages.conftest import People

ROSA, KEN = "/c/rosa/messages/thr_rosa_ken", "/admin/clients/rosa/messages/thr_rosa_ken"


def test_rosa_and_ken_write_to_each_other(people: People) -> None:
    """Rosa writes, Ken finds it marked new and answers with a file, Rosa finds the answer marked new and reads it."""
    with people.page("rosa", 390) as page:
        page.goto("/c/rosa/messages")
        page.get_by_role("link", name="Wednesday, and the letter to work").click()
        expect(page.get_by_text("Your own portal")).to_be_visible()
        page.get_by_label("Message to Ken Abara").fill("One more thing:\nI read the draft. 🙂")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("status")).to_have_text("Your message was sent.")
        expect(page.locator(".said-text").last).to_have_text("One more thing:\nI read the draft. 🙂")
    with people.page("ken") as page:
        page.goto("/admin")
        page.get_by_role("link", name="Messages").first.click()
        row = page.get_by_role("link", name="Wednesday, and the letter to work")
        expect(row).to_contain_text("new")
        row.click()
        expect(page.locator(".talk-news")).to_have_count(1)
        page.get_by_label("Message to Rosa Delgado").fill("Good. Here it is again.")
        page.get_by_label("Attach a file").set_input_files(
            {"name": "draft.txt", "mimeType": "text/plain", "buffer": b"Dear employer"}
        )
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".said-file").last).to_contain_text("draft.txt")
        page.goto("/admin/messages")
        expect(page.get_by_role("link", name="Wednesday, and the letter to work")).not_to_contain_text("1 new")
    with people.page("rosa") as page:
        page.goto("/c/rosa/messages")
        expect(page.locator(".row.unread")).to_contain_text("1 new")
        page.locator(".row.unread").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="draft.txt").click()
        assert download.value.suggested_filename == "draft.txt"
        page.goto("/c/rosa/messages")
        expect(page.locator(".row.unread")).to_have_count(0)


def test_leo_reads_what_he_cannot_answer_and_is_told_why(people: People) -> None:
    """Lea has no subscription: the page says what is missing and who can change it, and offers the rest of the team."""
    with people.page("leo", 390) as page:
        page.goto("/c/leo/messages/thr_leo_lea")
        expect(page.get_by_text("It was ok. History is the one I am scared of.")).to_be_visible()
        expect(page.get_by_text("Lea Fontaine cannot receive messages here at the moment")).to_be_visible()
        expect(page.get_by_role("button", name="Send")).to_have_count(0)
        page.get_by_role("link", name="Write to someone else of the care team").click()
        assert page.get_by_label("To").locator("option").all_inner_texts() == ["Jo Lindqvist, Practice administrator"]


def test_dana_emails_the_owner_from_a_template(people: People) -> None:
    """Subject and opening are there, Dana adds her message, it is sent, and a copy is shown below."""
    with people.page("dana", 390, java_script_enabled=False) as page:
        page.goto("/c/mia/email-owner")
        expect(page.get_by_text("Mia Novak's portal")).to_be_visible()
        box = page.get_by_label("Your message")
        expect(page.get_by_label("Subject")).to_have_value("A question about Mia, from Dana Novak")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("alert")).to_contain_text("Please add your message below the opening lines.")
        box.fill(box.input_value() + "\nCould we talk about the waiting room?")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("status")).to_have_text("Your e-mail was sent to Priya Raman.")
        expect(page.get_by_text("Could we talk about the waiting room?")).to_be_visible()


def test_a_draft_that_is_too_long_stays_and_the_way_out_is_told(people: People) -> None:
    """At 10,001 characters the page says so plainly, beside the field and above the form, in the reader's language."""
    with people.page("dana", locale="es-US") as page:
        page.goto("/c/mia/messages/new")
        page.get_by_label("¿De qué se trata?").fill("Una pregunta")
        page.locator("#text").fill("x" * 10_001)
        page.get_by_role("button", name="Enviar").click()
        expect(page.get_by_role("alert")).to_contain_text("Este mensaje tiene 10,001 caracteres. Acórtelo a 10,000")
        assert page.locator("#text").input_value() == "x" * 10_001
        expect(page.locator("#subject")).to_have_value("Una pregunta")


def test_a_message_whose_answer_was_lost_is_still_there_and_counts_once(people: People) -> None:
    """The draft comes back in the same tab; sent again, it is one message, since the first had arrived."""
    with people.page("rosa") as page:
        page.goto(ROSA)
        page.get_by_label("Message to Ken Abara").fill("Did this get lost?")
        outage = bytes(error_page(None, 503).body)

        def lose(route: Route) -> None:
            if route.request.method == "POST":
                route.fetch(max_redirects=0)  # It arrives; only the answer is lost.
                route.fulfill(status=503, body=outage, content_type="text/html")
            else:
                route.continue_()

        page.route(f"**{ROSA}", lose)
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("This cannot be decided right now")
        page.unroute(f"**{ROSA}")
        page.goto("/c/rosa/invoices")
        page.goto(ROSA)
        expect(page.get_by_text("This is what you wrote before.")).to_be_visible()
        expect(page.get_by_label("Message to Ken Abara")).to_have_value("Did this get lost?")
        assert faults(page) == []
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("status")).to_have_text("Your message was sent.")
        expect(page.locator(".said-text").filter(has_text="Did this get lost?")).to_have_count(1)
        expect(page.get_by_label("Message to Ken Abara")).to_have_value("")


def test_a_draft_is_not_shown_to_who_signs_in_next(people: People) -> None:
    """Rosa's mail met an outage; Tom, next in the same tab and on the same page, is not shown what she wrote."""
    path, text = "/c/rosa/email-owner", "For nobody else to read"
    with people.page("rosa") as page:

        def lose(route: Route) -> None:
            if route.request.method == "POST":
                route.fulfill(status=503, body=bytes(error_page(None, 503).body), content_type="text/html")
            else:
                route.continue_()

        page.goto(path)
        page.locator("#text").fill(text)
        page.route(f"**{path}", lose)
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("This cannot be decided right now")
        page.goto(path)
        expect(page.locator("#text")).to_have_value(text)
        for name in ("tom", "rosa"):  # Nor is it kept behind his back.
            with people.window(name) as other:
                cookies = other.cookies()
            page.context.clear_cookies()
            page.context.add_cookies(cookies)
            page.goto(path)
            expect(page.get_by_role("heading", level=1)).to_have_text("E-mail to the owner")
            expect(page.locator("#text")).not_to_have_value(text)


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_of_messages_pass_axe_with_errors_and_without(people: People, width: int) -> None:
    """Lists, threads, forms and forms with something wrong: no violation, one heading, nothing wider than the page."""
    pages = {
        "rosa": ["/c/rosa/messages", ROSA, "/c/rosa/messages/new", "/c/rosa/email-owner"],
        "tom": ["/c/rosa/messages"],
        "leo": ["/c/leo/messages/thr_leo_lea"],
        "ken": ["/admin/messages", KEN, "/admin/messages/new", "/admin/clients/rosa/messages/new"],
    }
    wrong: dict[str, list[str]] = {}
    for name, paths in pages.items():
        with people.page(name, width, reduced_motion="reduce") as page:
            for path in paths:
                page.goto(path)
                found = faults(page) + structure(page, width)
                if page.locator("textarea[name=text]").count():
                    page.locator("textarea[name=text]").fill("")
                    page.get_by_role("button", name="Send").click()
                    expect(page.get_by_role("alert")).to_be_visible()
                    found += faults(page) + structure(page, width)
                if found:
                    wrong[f"{name} {path}"] = found
    assert not wrong, "\n".join(f"{where}: {what}" for where, found in wrong.items() for what in found)
