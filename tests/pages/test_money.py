"""Stories of money in the browser: the pop-up, paying with each kind of card, who only pays, the practice."""

from __future__ import annotations

import re
import secrets
from datetime import date
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete
from sqlmodel import col, select

from gateway.records.store import RecordsStore, outbox_entry
from models.tables.billing import PaymentAttempt
from models.tables.records import Invoice, Outbox, Payment
from tests.pages.test_accessibility import faults, structure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.pages.conftest import People
    from tests.pages.stack import Stack


@pytest.fixture
def bill(stack: Stack) -> Iterator[Callable[[str, str], str]]:
    """Makes an open invoice of 12.34 dollars for a client and an addressee; its path. Taken away after the test."""
    store, made = RecordsStore(f"sqlite:///{stack.data_dir / 'records.db'}"), []

    def make(client: str, addressee: str) -> str:
        row = Invoice(
            id=f"inv_{secrets.token_hex(4)}",
            practice_id="northgate",
            client_id=client,
            addressee_id=addressee,
            state="open",
            balance_due_cents=1234,
            number=f"NG-9{secrets.randbelow(10**6):06}",
            issued=date(2026, 6, 10),
            due=date(2036, 7, 10),
            lines=[{"text": "Session", "on": "2026-06-01", "amount_cents": 1234}],
        )
        with store.session("northgate", writing=True) as session:
            session.add_all([row, outbox_entry("invoice", row)])
        made.append(row)
        return f"/c/{client}/invoices/{row.id}"

    make.void = lambda: _void(store, made[-1].id)  # type: ignore[attr-defined]
    yield make
    for row in made:
        with store.session("northgate", writing=True) as session:
            session.execute(delete(PaymentAttempt).where(col(PaymentAttempt.invoice_id) == row.id))
            for payment in session.exec(select(Payment).where(Payment.invoice_id == row.id)):
                session.add(Outbox(practice_id="northgate", type="payment", id=payment.id))
                session.delete(payment)
            session.execute(delete(Invoice).where(col(Invoice.id) == row.id))
            session.add(Outbox(practice_id="northgate", type="invoice", id=row.id))
    store.close()


def _void(store: RecordsStore, invoice_id: str) -> None:
    with store.session("northgate", writing=True) as session:
        session.get_one(Invoice, invoice_id).state = "void"


def pay(page: Page, card: str) -> None:
    """From the invoice over the page of the test card service, back to what came of it."""
    page.get_by_role("button", name="Pay $12.34 by card").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Test card service")
    page.get_by_label(card, exact=True).check()
    page.get_by_role("button", name="Pay $12.34").click()


@pytest.mark.parametrize("width", [390, 1280])
def test_an_invoice_opens_in_a_pop_up_and_closes_again(people: People, width: int) -> None:
    """The number opens the pop-up with all details (row C11); Escape and Close give the focus back to the link."""
    with people.page("dana", width) as page:
        page.goto("/c/mia/invoices")
        link = page.get_by_role("link", name="Invoice NG-1044")
        for close in (
            lambda: page.keyboard.press("Escape"),
            lambda: page.get_by_role("button", name="Close").click(),
        ):
            link.click()
            dialog = page.get_by_role("dialog", name="Invoice NG-1044")
            expect(dialog.get_by_role("row", name="Play session with Ken Abara, 45 minutes").first).to_be_visible()
            expect(dialog.get_by_role("button", name="Pay $45.00 by card")).to_be_visible()
            assert faults(page) == []
            close()
            expect(dialog).to_have_count(0)
            expect(link).to_be_focused()
        link.click()
        page.get_by_role("dialog").get_by_role("link", name="Open as a page").click()
        expect(page).to_have_url(re.compile("/c/mia/invoices/inv_mia_1$"))


def test_without_a_script_the_link_is_a_page_and_paying_works(people: People, bill: Callable[[str, str], str]) -> None:
    """No script is needed anywhere on the way of the money."""
    path = bill("mia", "dana")
    with people.page("dana", 390, java_script_enabled=False) as page:
        page.goto("/c/mia/invoices")
        page.locator(f'a[href="{path}"]').click()
        expect(page).to_have_url(re.compile(f"{path}$"))
        pay(page, "A card that pays")
        expect(page.get_by_role("heading", name="Thank you, $12.34 received")).to_be_visible()


def test_dana_pays_and_keeps_the_receipt(people: People, bill: Callable[[str, str], str]) -> None:
    """From the pop-up to the receipt; the button is gone, and the payment is in her history (rows W3, Y8, Y9)."""
    path = bill("mia", "dana")
    with people.page("dana") as page:
        page.goto("/c/mia/invoices")
        page.locator(f'a[href="{path}"]').click()
        with page.expect_navigation():
            page.get_by_role("dialog").get_by_role("button", name="Pay $12.34 by card").click()
        assert faults(page) + structure(page, 1280) == []
        page.get_by_label("A card that pays").check()
        page.get_by_role("button", name="Pay $12.34").click()
        expect(page.get_by_role("heading", name="Thank you, $12.34 received")).to_be_visible()
        assert faults(page) + structure(page, 1280) == []
        with page.expect_download() as download:
            page.get_by_role("link", name="Receipt (PDF)").click()
        assert download.value.suggested_filename.startswith("receipt-")
        page.get_by_role("link", name="Back to the invoice").click()
        expect(page.get_by_text("Paid", exact=True).first).to_be_visible()
        expect(page.get_by_role("button", name="by card")).to_have_count(0)
        page.goto("/c/mia/payments")
        expect(page.get_by_text("$12.34")).to_be_visible()


def test_a_declined_card_and_a_bank_that_asks(people: People, bill: Callable[[str, str], str]) -> None:
    """Declined with its reason, tried again with 3-D Secure, refused, and at last confirmed."""
    path = bill("mia", "gus")
    with people.page("gus", 390) as page:
        page.goto(path)
        pay(page, "A card without enough money")
        expect(page.get_by_text("there is not enough money on it")).to_be_visible()
        assert faults(page) + structure(page, 390) == []
        page.get_by_role("link", name="Try again").click()
        pay(page, "A card whose bank asks first")
        expect(page.get_by_role("heading", level=1)).to_have_text("Your bank asks")
        page.get_by_role("button", name="No, refuse").click()
        expect(page.get_by_text("did not get your confirmation")).to_be_visible()
        page.get_by_role("link", name="Try again").click()
        pay(page, "A card whose bank asks first")
        page.get_by_role("button", name="Yes, confirm").click()
        expect(page.get_by_role("heading", name="Thank you, $12.34 received")).to_be_visible()


def test_gus_pays_and_sees_nothing_else(people: People) -> None:
    """The grandfather who only pays: his invoice, no history, no other section of Mia's (issue e1, pay only)."""
    with people.page("gus", 390) as page:
        page.goto("/c/mia/invoices")
        expect(page.get_by_role("link", name=re.compile("^Invoice NG-"))).to_have_count(1)
        page.goto("/c/mia/invoices/inv_mia_3")
        expect(page.get_by_role("button", name="Pay $150.00 by card")).to_be_visible()
        for name in ("Print version", "PDF", "Payments"):
            expect(page.locator("main").get_by_role("link", name=name)).to_have_count(0)
        for place in ("payments", "documents", "calendar", "plan", "invoices/inv_mia_3/print"):
            answer = page.goto(f"/c/mia/{place}")
            assert answer is not None
            assert answer.status in (403, 404)


def test_harbor_has_the_invoices_of_all_its_clients_in_one_list(people: People) -> None:
    """Two clients, one list, the total, and the pop-up from there (rows C18, C20)."""
    with people.page("harbor") as page:
        page.goto("/c/rosa/invoices")
        page.get_by_role("link", name="Everyone's invoices").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Everyone's invoices")
        expect(page.get_by_text("Rosa Delgado ·")).to_be_visible()
        expect(page.get_by_text("Arlo Delgado ·")).to_be_visible()
        expect(page.get_by_text("$535.00")).to_be_visible()
        page.get_by_role("link", name="Invoice NG-1043").click()
        expect(page.get_by_role("dialog").get_by_role("button", name="Pay $315.00 by card")).to_be_visible()


def test_a_time_out_is_found_out_and_a_void_invoice_gives_the_money_back(
    people: People, bill: Callable[[str, str], str]
) -> None:
    """Unknown, then paid without anyone's doing; voided on the way, so the biller returns the money."""
    path = bill("mia", "dana")
    with people.page("dana") as page, people.page("bea") as office:
        page.goto(path)
        pay(page, "A time-out, and the card was charged")
        expect(page.get_by_role("heading", name="We do not know yet whether the card was charged")).to_be_visible()
        assert faults(page) + structure(page, 1280) == []
        office.goto("/admin/payments")
        expect(office.get_by_text("Not known", exact=True)).to_be_visible()
        bill.void()  # type: ignore[attr-defined]
        done = page.get_by_role("heading", name="$12.34 will be returned to you")
        for _ in range(30):
            page.get_by_role("link", name="Look again").click()
            page.wait_for_timeout(500)
            if done.count():
                break
        expect(done).to_be_visible()
        office.reload()
        expect(office.get_by_text("To be returned", exact=True)).to_be_visible()
        assert faults(office) + structure(office, 1280) == []
        office.get_by_role("button", name="Mark as returned").click()
        expect(office.get_by_role("status")).to_have_text("Marked as returned.")
        expect(office.get_by_text("Nothing to look at.")).to_be_visible()


def test_rosa_reads_and_pays_in_spanish(people: People) -> None:
    """Every word of the invoice's frame is Spanish where the browser asks for it."""
    with people.page("rosa", locale="es-US") as page:
        page.goto("/c/rosa/invoices/inv_rosa_1")
        expect(page.get_by_role("heading", level=1)).to_have_text("Factura NG-1041")
        expect(page.get_by_role("button", name=re.compile("^Pagar .* con tarjeta$"))).to_be_visible()
        expect(page.get_by_text("Saldo pendiente").first).to_be_visible()
