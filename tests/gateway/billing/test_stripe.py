"""The Stripe adapter against a server that plays Stripe, by itself and behind the portal's pages."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from gateway.payments import settlement
from gateway.payments.provider import NotSigned, Order, ProviderRefused, ProviderSilent, Standing, Word
from gateway.payments.stripe import StripeProvider
from gateway.settings import Settings, read_settings
from models.settings import SettingsError
from models.tables.billing import PaymentAttempt
from models.tables.records import Invoice, Payment
from models.vocabulary import PaymentReason, PaymentState
from tests.conftest import FROZEN
from tests.gateway.billing.stripe_double import KEY, WEBHOOK_SECRET, Stripe, signature
from tests.gateway.portal_stack import HOST, Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

pytestmark = pytest.mark.anyio
ORDER = Order("a1", "northgate", 4500, "Invoice NG-1044", f"{HOST}/back", FROZEN + timedelta(hours=1), "es")


@pytest.fixture
def stripe() -> Iterator[Stripe]:
    running = Stripe()
    yield running
    running.close()


@pytest.fixture
async def adapter(stripe: Stripe) -> AsyncIterator[StripeProvider]:
    made = StripeProvider(KEY, WEBHOOK_SECRET, stripe.url)
    yield made
    await made.close()


async def test_a_session_carries_the_order_and_nothing_about_the_client(
    stripe: Stripe, adapter: StripeProvider
) -> None:
    """Amount, currency, the way back, the language and our ids; headers as Stripe wants them."""
    checkout = await adapter.start(ORDER)
    assert (checkout.reference, checkout.url) == ("cs_test_1", f"{stripe.url}/c/pay/cs_test_1")
    method, path, headers, fields = stripe.asked[0]
    assert (method, path) == ("POST", "/v1/checkout/sessions")
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["stripe-version"] == "2024-06-20"
    assert headers["idempotency-key"] == "checkout-a1"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert fields == {
        "mode": "payment",
        "payment_method_types[0]": "card",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "4500",
        "line_items[0][price_data][product_data][name]": "Invoice NG-1044",
        "client_reference_id": "a1",
        "success_url": f"{HOST}/back",
        "cancel_url": f"{HOST}/back",
        "expires_at": str(int((FROZEN + timedelta(hours=1)).timestamp())),
        "locale": "es",
        "metadata[attempt]": "a1",
        "metadata[practice]": "northgate",
        "payment_intent_data[metadata][attempt]": "a1",
        "payment_intent_data[metadata][practice]": "northgate",
    }


async def test_the_same_order_is_one_session(stripe: Stripe, adapter: StripeProvider) -> None:
    """Asked twice, Stripe makes one, because of the idempotency key."""
    assert await adapter.start(ORDER) == await adapter.start(ORDER)
    assert len(stripe.sessions) == 1


async def test_a_session_says_how_it_stands(stripe: Stripe, adapter: StripeProvider) -> None:
    """Open, declined but still open, paid with brand and last digits, expired."""
    reference = (await adapter.start(ORDER)).reference
    assert (await adapter.outcome(reference)).standing is Standing.OPEN
    for code, decline, reason in (
        ("card_declined", "insufficient_funds", PaymentReason.INSUFFICIENT_FUNDS),
        ("expired_card", None, PaymentReason.EXPIRED_CARD),
        ("payment_intent_authentication_failure", None, PaymentReason.NOT_CONFIRMED),
        ("card_declined", "generic_decline", PaymentReason.DECLINED),
    ):
        stripe.decline(reference, code, decline)
        outcome = await adapter.outcome(reference)
        assert (outcome.standing, outcome.reason) == (Standing.OPEN, reason)
    stripe.pay(reference)
    paid = await adapter.outcome(reference)
    assert (paid.standing, paid.amount_cents, paid.charge, paid.method) == (
        Standing.PAID,
        4500,
        "ch_3PQ",
        "Visa ending in 4242",
    )
    await adapter.cancel(reference)  # What was paid stays paid.
    assert (await adapter.outcome(reference)).standing is Standing.PAID


async def test_a_cancelled_session_has_ended(adapter: StripeProvider) -> None:
    """Expired, it cannot be paid any more; a second time changes nothing."""
    reference = (await adapter.start(ORDER)).reference
    for _ in range(2):
        await adapter.cancel(reference)
    assert (await adapter.outcome(reference)).standing is Standing.ENDED


@pytest.mark.parametrize(
    ("instead", "error"),
    [
        ((500, b'{"error": {"type": "api_error"}}'), ProviderSilent),
        ((503, b"<html>"), ProviderSilent),
        ((409, b'{"error": {"type": "idempotency_error"}}'), ProviderSilent),
        ((429, b'{"error": {"code": "rate_limit"}}'), ProviderSilent),
        ((302, b"{}"), ProviderSilent),
        ((200, b"[]"), ProviderSilent),
        ((200, b"{"), ProviderSilent),
        ((200, b'{"id": "cs_1", "url": "javascript:alert(1)"}'), ProviderSilent),
        ((200, b'{"id": "cs_1", "url": "' + b"x" * 1_100_000 + b'"}'), ProviderSilent),
        ((400, b'{"error": {"type": "invalid_request_error", "code": "parameter_invalid_integer"}}'), ProviderRefused),
        ((401, b'{"error": {"type": "invalid_request_error"}}'), ProviderRefused),
        ((402, b'{"error": {"type": "card_error", "code": "card_declined"}}'), ProviderRefused),
    ],
)
async def test_an_answer_that_says_nothing_is_silence_and_a_no_is_a_no(
    stripe: Stripe, adapter: StripeProvider, instead: tuple[int, bytes], error: type[Exception]
) -> None:
    """Only a plain refusal means that nothing happened; the secret key is in no message."""
    stripe.instead = instead
    with pytest.raises(error) as raised:
        await adapter.start(ORDER)
    assert KEY not in str(raised.value)


async def test_a_server_that_is_not_there_is_silence() -> None:
    """No connection means that nobody knows."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    adapter = StripeProvider(KEY, WEBHOOK_SECRET, f"http://127.0.0.1:{port}")
    with pytest.raises(ProviderSilent):
        await adapter.start(ORDER)
    await adapter.close()


async def test_only_a_fresh_event_signed_by_the_endpoints_secret_is_heard(
    stripe: Stripe, adapter: StripeProvider
) -> None:
    """Every byte and the time count; several signatures may stand side by side while a secret is rolled."""
    reference = (await adapter.start(ORDER)).reference
    now = FROZEN.timestamp()
    for kind in ("checkout.session.completed", "payment_intent.succeeded", "payment_intent.payment_failed"):
        body = stripe.event(kind, reference)
        assert adapter.heard(body, {"stripe-signature": signature(body, now)}, FROZEN) == Word("northgate", "a1")
    other = stripe.event("customer.created", reference)
    assert adapter.heard(other, {"stripe-signature": signature(other, now)}, FROZEN) is None
    rolled = f"{signature(body, now, 'whsec_old')},{signature(body, now).split(',')[1]}"
    assert adapter.heard(body, {"stripe-signature": rolled}, FROZEN) == Word("northgate", "a1")
    right = signature(body, now)
    for wrong, what in (
        ("", body),
        (right, body + b" "),
        (signature(body, now, "whsec_other"), body),
        (signature(body, now - 301), body),
        (signature(body, now + 301), body),
        (right.replace("v1=", "v0="), body),
        (right.replace("t=", "t=1"), body),
        (f"t={int(now)},{right}", body),
        ("t=é,v1=é", body),
        (signature(b"{", now), b"{"),
    ):
        with pytest.raises(NotSigned):
            adapter.heard(what, {"stripe-signature": wrong}, FROZEN)


# ---- behind the pages ----


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles, stripe: Stripe) -> AsyncIterator[Portal]:
    settings = {
        "payments": "stripe",
        "stripe_secret_key": KEY,
        "stripe_webhook_secret": WEBHOOK_SECRET,
        "stripe_api_url": stripe.url,
    }
    async with portal(tmp_path, seeded_files, **settings) as running:
        yield running


async def begin(site: Portal) -> str:
    """Dana clicks; the path of the page of her payment."""
    dana = await site.as_("dana")
    page = "/c/mia/invoices/inv_mia_1"
    answer = await dana.post(f"{page}/pay", {"key": "k" * 20}, page)
    return answer.headers["location"].removesuffix("?go=1")


async def send(site: Portal, body: bytes, header: str) -> httpx.Response:
    return await site.browser().http.post(
        "/payments/stripe", content=body, headers={"stripe-signature": header, "content-type": "application/json"}
    )


async def attempt_of(site: Portal) -> PaymentAttempt:
    return await site.state.records.read("northgate", lambda session: session.exec(select(PaymentAttempt)).one())


async def test_the_payer_goes_to_stripe_and_the_event_settles_the_invoice(site: Portal, stripe: Stripe) -> None:
    """A page of our own leads on (CSP binds redirects of forms); the event counts once, however often it comes."""
    place = await begin(site)
    dana = await site.as_("dana")
    leaving = (await dana.get(f"{place}?go=1")).text
    assert f'content="0; url={stripe.url}/c/pay/cs_test_1"' in leaving
    assert 'http-equiv="refresh"' not in (await dana.get(place)).text
    stripe.pay("cs_test_1")
    for kind in ("payment_intent.succeeded", "checkout.session.completed", "checkout.session.completed"):
        body = stripe.event(kind, "cs_test_1")
        assert (await send(site, body, signature(body, FROZEN.timestamp()))).status_code == 200
    invoice, payments = await site.state.records.read(
        "northgate",
        lambda session: (
            session.get_one(Invoice, "inv_mia_1"),
            session.exec(select(Payment).where(Payment.reference == "ch_3PQ")).all(),
        ),
    )
    assert (invoice.state, invoice.balance_due_cents) == ("paid", 0)
    assert [one.method for one in payments] == ["Visa ending in 4242"]
    assert "Visa ending in 4242" in (await dana.get(place)).text


async def test_a_forged_event_changes_nothing(site: Portal, stripe: Stripe) -> None:
    """Not even one that tells the truth."""
    await begin(site)
    stripe.pay("cs_test_1")
    body = stripe.event("checkout.session.completed", "cs_test_1")
    answer = await send(site, body, signature(body, FROZEN.timestamp(), "whsec_guessed"))
    assert (answer.status_code, answer.text) == (400, "not signed")
    assert (await attempt_of(site)).state == PaymentState.NEEDS_ACTION


async def test_an_event_about_something_else_is_heard_and_forgotten(site: Portal, stripe: Stripe) -> None:
    """Another account's payment, or one of an attempt that nobody knows, is no error to repeat."""
    for body in (b'{"type": "checkout.session.completed", "data": {"object": {}}}', b'{"type": "payout.paid"}'):
        assert (await send(site, body, signature(body, FROZEN.timestamp()))).status_code == 200


async def test_while_stripe_is_silent_events_are_sent_again_and_nothing_is_charged(
    site: Portal, stripe: Stripe
) -> None:
    """503 makes Stripe repeat the event; the attempt is unknown until an answer comes."""
    await begin(site)
    stripe.pay("cs_test_1")
    stripe.instead = (500, b"{}")
    body = stripe.event("checkout.session.completed", "cs_test_1")
    header = signature(body, FROZEN.timestamp())
    assert (await send(site, body, header)).status_code == 503
    assert (await attempt_of(site)).state == PaymentState.UNKNOWN
    stripe.instead = None
    assert (await send(site, body, header)).status_code == 200
    assert (await attempt_of(site)).state == PaymentState.SUCCEEDED


async def test_a_stripe_that_cannot_be_reached_can_be_tried_again(site: Portal, stripe: Stripe) -> None:
    """The page says that nothing was charged; the same form, sent again, begins the same payment."""
    stripe.instead = (500, b"{}")
    dana, page = await site.as_("dana"), "/c/mia/invoices/inv_mia_1"
    answer = await dana.post(f"{page}/pay", {"key": "k" * 20}, page)
    assert answer.status_code == 503
    assert "The card service does not answer." in answer.text
    stripe.instead = None
    assert (await dana.post(f"{page}/pay", {"key": "j" * 20}, page)).headers["location"].endswith("?go=1")
    assert {headers["idempotency-key"] for _, _, headers, _ in stripe.asked} == {
        f"checkout-{(await attempt_of(site)).id}"
    }


async def test_an_unfinished_session_is_closed_after_an_hour(site: Portal, stripe: Stripe) -> None:
    """Stripe is told to expire it, and the attempt has failed."""
    await begin(site)
    site.clock.advance(minutes=61)
    await settlement.reconcile(site.state)
    assert stripe.sessions["cs_test_1"]["status"] == "expired"
    assert (await attempt_of(site)).state == PaymentState.FAILED


# ---- settings ----


def test_stripe_needs_its_secrets_and_they_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each missing one is named; neither shows in the settings' text."""
    monkeypatch.setenv("KINGUARD_PAYMENTS", "stripe")
    with pytest.raises(SettingsError, match=r"KINGUARD_STRIPE_SECRET_KEY.*KINGUARD_STRIPE_WEBHOOK_SECRET"):
        read_settings()
    monkeypatch.setenv("KINGUARD_STRIPE_SECRET_KEY", "sk_hush")
    monkeypatch.setenv("KINGUARD_STRIPE_WEBHOOK_SECRET", "whsec_hush")
    assert "hush" not in repr(read_settings())
    monkeypatch.setenv("KINGUARD_STRIPE_API_URL", "http://stripe.example")
    with pytest.raises(SettingsError, match="KINGUARD_STRIPE_API_URL must be an https:// URL"):
        read_settings()


def test_the_demo_pays_with_the_test_provider_and_production_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In production nobody pays unless a real provider is named."""
    assert Settings().payments == "test"
    monkeypatch.setenv("KINGUARD_PROFILE", "production")
    monkeypatch.setenv("KINGUARD_PAYMENTS", "test")
    with pytest.raises(SettingsError, match="KINGUARD_PAYMENTS: the test provider takes no money"):
        read_settings()
