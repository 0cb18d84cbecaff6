"""Paying in the portal, with the local test provider: every card it has, and everyone who may and may not pay."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete
from sqlmodel import select

from gateway.payments import settlement
from models.tables.billing import LocalCheckout, PaymentAttempt
from models.tables.mail import Mail, Notice
from models.tables.records import Invoice, Payment
from models.vocabulary import PaymentState
from tests.gateway.portal_stack import Browser, Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

pytestmark = pytest.mark.anyio
_KEY = re.compile(r'name="key" value="([^"]+)"')


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


@pytest.fixture(scope="module")
async def still(tmp_path_factory: pytest.TempPathFactory, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    """A portal for tests that only read."""
    async with portal(tmp_path_factory.mktemp("still"), seeded_files) as running:
        yield running


class Payer:
    """Somebody who pays one invoice."""

    def __init__(self, browser: Browser, client: str, invoice: str) -> None:
        self.browser, self.page = browser, f"/c/{client}/invoices/{invoice}"

    async def key(self) -> str:
        found = _KEY.search((await self.browser.get(self.page)).text)
        assert found, "the page has no form to pay with"
        return found[1]

    async def begin(self, key: str | None = None) -> httpx.Response:
        return await self.browser.post(f"{self.page}/pay", {"key": key or await self.key()}, self.page)

    async def choose(self, checkout: str, **fields: str) -> httpx.Response:
        return await self.browser.post(checkout, fields, checkout)

    async def pay(self, card: str) -> httpx.Response:
        """The page that says what came of it."""
        checkout = (await self.begin()).headers["location"]
        return await self.browser.get((await self.choose(checkout, card=card)).headers["location"])


async def payer(site: Portal, name: str, client: str, invoice: str) -> Payer:
    return Payer(await site.as_(name), client, invoice)


async def read(site: Portal, work: Any, practice: str | None = "northgate") -> Any:
    return await site.state.records.read(practice, work)


async def invoice_of(site: Portal, invoice_id: str) -> Invoice:
    return await read(site, lambda session: session.get_one(Invoice, invoice_id))


async def mails(site: Portal, to: str = "dana@mail.example") -> list[Mail]:
    return await read(site, lambda session: list(session.exec(select(Mail).where(Mail.recipient == to))))


async def attempts(site: Portal) -> list[PaymentAttempt]:
    return await read(site, lambda session: list(session.exec(select(PaymentAttempt))))


async def test_a_card_that_pays_settles_the_invoice_and_tells_everyone(site: Portal) -> None:
    """Balance, payment, receipt, notice to the administrator and the assigned therapist, trail (rows Y9, Y26, Y27)."""
    dana = await payer(site, "dana", "mia", "inv_mia_1")
    answer = await dana.pay("pays")
    assert "Thank you, $45.00 received" in answer.text
    invoice = await invoice_of(site, "inv_mia_1")
    assert (invoice.state, invoice.balance_due_cents) == ("paid", 0)
    (mail,) = await mails(site)
    assert mail.content["subject"] == "Receipt from Northgate Family Practice"
    assert "$45.00" in mail.content["text"]
    assert "/c/mia/invoices/inv_mia_1" in mail.content["text"]
    for word in ("Mia Novak", "Play session", "therap"):
        assert word not in mail.content["text"].replace("Northgate Family Practice", "")
    notices = await read(site, lambda session: list(session.exec(select(Notice).where(Notice.event == "payment"))))
    assert {(one.subject_type, one.subject_id) for one in notices} == {("staff", "jo"), ("staff", "ken")}
    receipt = re.search(r'href="(/c/mia/payments/[^"]+/receipt)"', answer.text)
    assert receipt
    paper = await dana.browser.get(receipt[1])
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF")
    history = (await dana.browser.get("/c/mia/payments")).text
    assert "Test card" in history
    assert "Card ending in 0119" in history
    assert "/pay" not in (await dana.browser.get(dana.page)).text.partition("<main")[2].replace("/payments", "")


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("no_funds", "there is not enough money on it"),
        ("expired", "it has expired"),
        ("declined", "The card was declined"),
    ],
)
async def test_a_declined_card_says_why_and_can_be_tried_again(site: Portal, card: str, words: str) -> None:
    """Nothing is charged, the reason is told, and the next card pays."""
    gus = await payer(site, "gus", "mia", "inv_mia_3")
    answer = await gus.pay(card)
    assert "Nothing was charged" in answer.text
    assert words in answer.text
    assert (await invoice_of(site, "inv_mia_3")).balance_due_cents == 15000
    assert "Thank you, $150.00 received" in (await gus.pay("pays")).text


async def test_three_d_secure_asks_on_a_page_of_its_own(site: Portal) -> None:
    """The bank's question, refused and then confirmed."""
    dana = await payer(site, "dana", "dana", "inv_dana_1")
    for word, says in (("no", "did not get your confirmation"), ("yes", "Thank you, $80.00 received")):
        checkout = (await dana.begin()).headers["location"]
        asked = await dana.choose(checkout, card="confirm")
        assert asked.headers["location"] == checkout
        assert "Did you start this payment?" in (await dana.browser.get(checkout)).text
        after = await dana.choose(checkout, confirm=word)
        assert says in (await dana.browser.get(after.headers["location"])).text


@pytest.mark.parametrize(("card", "state"), [("late_pays", "succeeded"), ("late_fails", "failed")])
async def test_a_time_out_is_unknown_until_the_provider_says(site: Portal, card: str, state: str) -> None:
    """The payer is asked not to pay twice, the practice sees it, and the background finds out."""
    dana = await payer(site, "dana", "mia", "inv_mia_1")
    answer = await dana.pay(card)
    assert "We do not know yet whether the card was charged" in answer.text
    assert "You have begun to pay this invoice." in (await dana.browser.get(dana.page)).text
    bea = await site.as_("bea")
    assert "Not known" in (await bea.get("/admin/payments")).text
    assert await settlement.reconcile(site.state) == 1
    assert (await attempts(site))[0].state == PaymentState.UNKNOWN
    site.clock.advance(seconds=10)
    await settlement.reconcile(site.state)
    assert (await attempts(site))[0].state == state
    assert "Nothing to look at." in (await bea.get("/admin/payments")).text
    assert len(await mails(site)) == (state == "succeeded")


async def test_a_payer_who_never_comes_back_has_paid_all_the_same(site: Portal) -> None:
    """The window was closed on the provider's page: the background asks after two minutes."""
    dana = await payer(site, "dana", "mia", "inv_mia_1")
    checkout = (await dana.begin()).headers["location"]
    await dana.choose(checkout, card="pays")
    assert await settlement.reconcile(site.state) == 0
    site.clock.advance(minutes=3)
    assert await settlement.reconcile(site.state) == 1
    assert (await invoice_of(site, "inv_mia_1")).state == "paid"


async def test_a_payment_that_nobody_finished_ends_by_itself(site: Portal) -> None:
    """After an hour the provider's page is closed, and the invoice can be paid anew."""
    dana = await payer(site, "dana", "mia", "inv_mia_1")
    checkout = (await dana.begin()).headers["location"]
    site.clock.advance(hours=2)
    await settlement.reconcile(site.state)
    assert (await attempts(site))[0].state == PaymentState.FAILED
    again = await payer(site, "dana", "mia", "inv_mia_1")  # The session has ended, too.
    assert (await again.browser.get(checkout)).status_code == 303
    assert "Thank you" in (await again.pay("pays")).text


async def test_staff_hear_of_a_payment_that_could_not_be_told_at_once(site: Portal) -> None:
    """With the service out of reach the money is written down, and the notices follow."""
    dana = await payer(site, "dana", "mia", "inv_mia_1")
    checkout = (await dana.begin()).headers["location"]
    await dana.choose(checkout, card="pays")
    site.clock.advance(minutes=3)
    site.line.cut = True
    await settlement.reconcile(site.state)
    assert (await invoice_of(site, "inv_mia_1")).state == "paid"
    assert await read(site, lambda session: list(session.exec(select(Notice)))) == []
    site.line.cut = False
    await settlement.reconcile(site.state)
    await settlement.reconcile(site.state)
    assert len(await read(site, lambda session: list(session.exec(select(Notice))))) == 2


async def test_the_same_form_and_another_tab_lead_to_the_same_page(site: Portal) -> None:
    """32 submits of two tabs, all at once: one checkout, and its card is charged once."""
    dana = await payer(site, "dana", "mia", "inv_mia_1")
    keys, token = [await dana.key(), await dana.key()], await dana.browser.token(dana.page)
    answers = await asyncio.gather(
        *(dana.browser.http.post(f"{dana.page}/pay", data={"key": keys[n % 2], "csrf": token}) for n in range(32))
    )
    (checkout,) = {answer.headers["location"] for answer in answers}
    token = await dana.browser.token(checkout)
    chosen = await asyncio.gather(
        *(dana.browser.http.post(checkout, data={"card": "pays", "csrf": token}) for _ in range(8))
    )
    (back,) = {answer.headers["location"] for answer in chosen}
    await asyncio.gather(*(dana.browser.get(back) for _ in range(8)))
    (kept,) = await read(site, lambda session: list(session.exec(select(LocalCheckout))), None)
    assert kept.charges == 1
    payments = await read(
        site, lambda session: list(session.exec(select(Payment).where(Payment.invoice_id == "inv_mia_1")))
    )
    assert sum(one.amount_cents for one in payments) == 9000


async def test_a_void_invoice_takes_no_money(site: Portal) -> None:
    """Voided on the way: the payer is told that it comes back, the practice that it has to, and the biller ends it."""
    dana = await payer(site, "dana", "mia", "inv_mia_1")
    checkout = (await dana.begin()).headers["location"]
    await site.state.records.change(
        "northgate", lambda session: setattr(session.get_one(Invoice, "inv_mia_1"), "state", "void")
    )
    after = await dana.choose(checkout, card="pays")
    assert "$45.00 will be returned to you" in (await dana.browser.get(after.headers["location"])).text
    notices = await read(site, lambda session: list(session.exec(select(Notice))))
    assert {(one.subject_id, one.path) for one in notices} == {("jo", "/admin/payments"), ("ken", "/admin/payments")}
    bea, ken, lea = await site.as_("bea"), await site.as_("ken"), await site.as_("lea")
    assert "To be returned" in (await ken.get("/admin/payments")).text
    assert "Mark as returned" not in (await ken.get("/admin/payments")).text
    assert "Nothing to look at." in (await lea.get("/admin/payments")).text
    assert (await (await site.as_("sky")).get("/admin/payments")).status_code == 403
    (attempt,) = await attempts(site)
    close = f"/admin/payments/{attempt.id}/close"
    assert (await ken.post(close, {}, "/admin/payments")).status_code == 403
    hal = await site.as_("hal")
    assert (await hal.post(close, {}, "/admin/practice")).status_code == 404
    assert (await bea.post(close, {}, "/admin/payments")).status_code == 303
    assert "Marked as returned." in (await bea.get("/admin/payments")).text
    assert (await attempts(site))[0].closed_by == "bea"


async def test_a_void_invoice_cannot_be_begun(site: Portal) -> None:
    """The button is gone, and a form kept from before finds no page."""
    dana = await payer(site, "dana", "mia", "inv_mia_1")
    key = await dana.key()
    await site.state.records.change(
        "northgate", lambda session: setattr(session.get_one(Invoice, "inv_mia_1"), "state", "void")
    )
    assert "by card" not in (await dana.browser.get(dana.page)).text
    answer = await dana.browser.post(f"{dana.page}/pay", {"key": key}, "/c/mia/invoices")
    assert answer.status_code == 404
    assert await attempts(site) == []


async def test_a_balance_that_changed_is_what_is_paid(site: Portal) -> None:
    """The practice wrote down cash while the card page was open: the old page is closed, the new one asks the rest."""
    dana = await payer(site, "dana", "mia", "inv_mia_1")
    first = (await dana.begin()).headers["location"]
    await site.state.records.change(
        "northgate", lambda session: setattr(session.get_one(Invoice, "inv_mia_1"), "balance_due_cents", 2000)
    )
    second = (await dana.begin("k" * 20)).headers["location"]
    assert second != first
    assert "$20.00" in (await dana.browser.get(second)).text
    assert (await dana.browser.get(first)).status_code == 303


async def test_only_who_may_pay_is_offered_to(still: Portal) -> None:
    """The pay-only guarantor pays and has no history; a community only reads (row W20)."""
    gus, maple = await still.as_("gus"), await still.as_("maple")
    page = (await gus.get("/c/mia/invoices/inv_mia_3")).text
    assert "Pay $150.00 by card" in page
    assert "/print" not in page
    for path in ("/c/mia/payments", "/c/mia/calendar", "/c/mia/documents", "/c/mia/plan"):
        assert (await gus.get(path)).status_code == 403
    for path in ("invoices/inv_mia_1", "invoices/inv_mia_2", "invoices/inv_mia_3/pdf", "invoices/inv_mia_3/print"):
        assert (await gus.get(f"/c/mia/{path}")).status_code in (403, 404)
    listed = (await gus.get("/c/mia/invoices")).text
    assert "NG-1046" in listed
    assert "NG-1044" not in listed
    assert "NG-1045" not in listed
    assert "/c/mia/payments" not in listed
    assert (await maple.get("/c/arlo/payments")).status_code == 403


@pytest.mark.parametrize("off", ["cards", "practice", "client", "toggle"])
async def test_whoever_switches_payments_off_takes_the_button_away(site: Portal, off: str) -> None:
    """Card processing, practice switch, client switch and toggle: each alone is enough (rows Y7, W20, Y26)."""
    dana, authz = await payer(site, "dana", "mia", "inv_mia_1"), site.state.authz
    key = await dana.key()
    if off == "cards":
        await authz.update_practice("northgate", {"card_processing": False}, actor="staff/jo")
    elif off == "practice":
        await authz.set_practice_switch("northgate", "payments", on=False, actor="staff/jo")
    elif off == "client":
        await authz.set_client_switch("mia", "payments", on=False, actor="staff/jo")
    else:
        grant = await authz.grant("g_dana_mia")
        await authz.update_grant("g_dana_mia", {"toggles": {"payments": False}}, etag=grant["etag"], actor="staff/jo")
    answer = await dana.browser.get(dana.page)
    assert answer.status_code == 200
    assert "by card" not in answer.text
    token = await dana.browser.token("/c/mia/invoices")
    answer = await dana.browser.http.post(f"{dana.page}/pay", data={"key": key, "csrf": token})
    assert answer.status_code == 403
    assert await attempts(site) == []


async def test_nobody_reaches_anothers_invoice_payment_or_attempt(site: Portal) -> None:
    """Between the parents, the grandfather and a stranger: the same 404 as for nothing (rows P8, c12)."""
    gus, dana = await payer(site, "gus", "mia", "inv_mia_3"), await site.as_("dana")
    checkout = (await gus.begin()).headers["location"]
    (attempt,) = await attempts(site)
    nowhere = "/c/mia/invoices/inv_nothing/payment/nothing"
    missing = (await dana.get(nowhere)).text.replace(nowhere, "")
    for path in (
        f"/c/mia/invoices/inv_mia_3/payment/{attempt.id}",
        f"/c/mia/invoices/inv_mia_1/payment/{attempt.id}",
        "/c/mia/invoices/inv_mia_1/payment/nothing",
        "/c/mia/invoices/inv_mia_2/pdf",
        "/c/mia/payments/pay_rosa_1/receipt",
    ):
        answer = await dana.get(path)
        assert (answer.status_code, answer.text.replace(path, "")) == (404, missing), path
    for invoice in ("inv_mia_2", "inv_mia_3"):
        answer = await dana.post(f"/c/mia/invoices/{invoice}/pay", {"key": "k" * 20}, "/c/mia/invoices")
        assert answer.status_code == 404
    await gus.choose(checkout, card="pays")
    site.clock.advance(minutes=3)
    await settlement.reconcile(site.state)
    history = (await dana.get("/c/mia/payments")).text
    assert "$45.00" in history
    assert "$150.00" not in history
    assert "NG-1046" not in history


async def test_two_who_share_an_invoice_do_not_learn_of_each_others_payments(site: Portal) -> None:
    """While one is at the card service, the other reads only that it does not work now."""
    rosa, tom = await payer(site, "rosa", "rosa", "inv_rosa_1"), await payer(site, "tom", "rosa", "inv_rosa_1")
    key = await tom.key()
    await rosa.begin()
    answer = await tom.begin(key)
    assert answer.status_code == 409
    assert "This invoice cannot be paid at the moment." in answer.text
    assert "Rosa Delgado has" not in answer.text
    assert "You have begun" not in (await tom.browser.get(tom.page)).text


@pytest.mark.parametrize(
    ("name", "numbers", "due"),
    [
        ("harbor", {"NG-1042", "NG-1043"}, "$535.00"),
        ("dana", {"NG-1044", "NG-1047", "HV-3302"}, "$185.00"),
        ("gus", {"NG-1046"}, "$150.00"),
        ("maple", {"NG-1029"}, ""),
        ("tom", {"NG-1041"}, "$90.00"),
        ("sam", set(), ""),
        ("exa", set(), ""),
    ],
)
async def test_one_list_holds_the_invoices_of_all_profiles(
    still: Portal, name: str, numbers: set[str], due: str
) -> None:
    """What the clients' own lists show, over all practices, and nothing else (rows C18, C20)."""
    main = (await (await still.as_(name)).get("/invoices")).text.partition("<main")[2]
    assert set(re.findall(r"\b[A-Z]{2}-\d+\b", main)) == numbers
    assert ("Due in all" in main) is bool(due)
    assert due in main


async def test_staff_have_no_list_of_all_profiles(still: Portal) -> None:
    """The list is a family's page."""
    assert (await (await still.as_("jo")).get("/invoices")).status_code == 404


async def test_an_invoice_is_a_page_a_pop_up_and_a_paper(still: Portal) -> None:
    """The three show the same invoice; the pop-up has no frame (rows C11, Y9)."""
    dana = await still.as_("dana")
    whole = (await dana.get("/c/mia/invoices/inv_mia_1")).text
    part = (await dana.get("/c/mia/invoices/inv_mia_1", headers={"X-Part": "dialog"})).text
    assert "<html" in whole
    assert "<html" not in part
    for text in ("NG-1044", "$45.00", "Play session with Ken Abara"):
        assert text in whole
        assert text in part
    assert (await dana.get("/c/mia/invoices/inv_mia_2", headers={"X-Part": "dialog"})).status_code == 404
    paper = await dana.get("/c/mia/invoices/inv_mia_1/pdf")
    assert paper.headers["content-disposition"] == 'attachment; filename="invoice-NG-1044.pdf"'
    assert paper.content.startswith(b"%PDF")


async def test_without_a_provider_nobody_is_offered_to_pay(tmp_path: Path, seeded_files: SeededFiles) -> None:
    """No provider: no button, and no page behind it."""
    async with portal(tmp_path, seeded_files, payments="none") as site:
        dana = await site.as_("dana")
        assert "by card" not in (await dana.get("/c/mia/invoices/inv_mia_1")).text
        answer = await dana.post("/c/mia/invoices/inv_mia_1/pay", {"key": "k" * 20}, "/c/mia/invoices")
        assert answer.status_code == 404
        assert (await dana.get("/demo/checkout/anything")).status_code == 404


async def test_the_card_page_needs_a_choice(site: Portal) -> None:
    """Sent without a card it says so; a checkout that does not exist is a missing page; no field takes a number."""
    dana = await payer(site, "dana", "mia", "inv_mia_1")
    checkout = (await dana.begin()).headers["location"]
    answer = await dana.choose(checkout)
    assert answer.status_code == 422
    assert "Choose a card." in answer.text
    assert not re.search(r'type="(text|tel|number|password)"', answer.text)
    assert (await dana.browser.get("/demo/checkout/nothing")).status_code == 404


async def test_a_payment_can_be_stopped_before_the_card_is_used(site: Portal) -> None:
    """The page of the card service is closed, and the invoice can be paid anew."""
    dana = await payer(site, "dana", "mia", "inv_mia_1")
    checkout = (await dana.begin()).headers["location"]
    (attempt,) = await attempts(site)
    place = f"{dana.page}/payment/{attempt.id}"
    assert "This payment is not finished" in (await dana.browser.get(place)).text
    assert (await dana.browser.post(f"{place}/stop", {}, place)).headers["location"] == place
    assert "You stopped this payment." in (await dana.browser.get(place)).text
    assert (await dana.browser.get(checkout)).status_code == 303
    assert "Thank you" in (await dana.pay("pays")).text


async def test_the_whole_way_works_on_both_databases(
    tmp_path: Path, seeded_files: SeededFiles, records_url: str, bill: Invoice
) -> None:
    """From the click over the card page to the history, also where row security hides other practices."""
    async with portal(tmp_path, seeded_files, records_database_url=records_url) as site:
        dana = await payer(site, "dana", "mia", bill.id)
        assert "Thank you, $45.00 received" in (await dana.pay("pays")).text
        assert bill.number in (await dana.browser.get("/c/mia/payments")).text
        assert await settlement.reconcile(site.state) == 0
        await site.state.records.change(None, lambda session: session.execute(delete(LocalCheckout)))
