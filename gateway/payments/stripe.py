"""Stripe: a Checkout Session for each order, over its HTTPS API (version 2024-06-20), with a small client of our own.

Stripe's page takes the card and the bank's confirmation. What came of it is read from the session; an event only says
that it is worth looking. Documented at docs.stripe.com/api/checkout/sessions, /api/idempotent_requests, /webhooks.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx
import orjson

from gateway.payments.provider import (
    Checkout,
    NotSigned,
    Outcome,
    ProviderRefused,
    ProviderSilent,
    Standing,
    Word,
)
from models.vocabulary import PaymentReason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.payments.provider import Order

API_VERSION = "2024-06-20"
TIMEOUT_SECONDS = 10.0
ANSWER_BYTES_MAX = 1024 * 1024
TOLERANCE_SECONDS = 300  # between the signing of an event and its arrival
CURRENCY = "usd"
_EVENTS = (
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
)
_REASONS = {
    "insufficient_funds": PaymentReason.INSUFFICIENT_FUNDS,
    "expired_card": PaymentReason.EXPIRED_CARD,
    "authentication_required": PaymentReason.NOT_CONFIRMED,
    "payment_intent_authentication_failure": PaymentReason.NOT_CONFIRMED,
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class StripeProvider:
    """The adapter. `secret_key` is an API key (sk_...), `webhook_secret` that of the endpoint (whsec_...)."""

    name = "stripe"

    def __init__(self, secret_key: str, webhook_secret: str, api_url: str) -> None:
        self._webhook_secret = webhook_secret.encode()
        self._pages = ("https", "http") if urlsplit(api_url).hostname in _LOOPBACK else ("https",)
        self._http = httpx.AsyncClient(
            base_url=api_url,
            headers={"Authorization": f"Bearer {secret_key}", "Stripe-Version": API_VERSION},
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
        )

    async def start(self, order: Order) -> Checkout:
        """A Checkout Session; the idempotency key makes it the same one for the same order."""
        metadata = {"attempt": order.id, "practice": order.practice_id}
        fields = {
            "mode": "payment",
            "payment_method_types[0]": "card",
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": CURRENCY,
            "line_items[0][price_data][unit_amount]": str(order.amount_cents),
            "line_items[0][price_data][product_data][name]": order.description,
            "client_reference_id": order.id,
            "success_url": order.return_url,
            "cancel_url": order.return_url,
            "expires_at": str(int(order.until.timestamp())),
            "locale": order.language,
            **{f"metadata[{name}]": value for name, value in metadata.items()},
            **{f"payment_intent_data[metadata][{name}]": value for name, value in metadata.items()},
        }
        session = await self._ask("POST", "/v1/checkout/sessions", fields, key=f"checkout-{order.id}")
        reference, url = session.get("id"), session.get("url")
        if not isinstance(reference, str) or not isinstance(url, str) or urlsplit(url).scheme not in self._pages:
            raise ProviderSilent("Stripe answered a session without id or page")
        return Checkout(reference, url)

    async def outcome(self, reference: str) -> Outcome:
        """How a session stands, with the charge and the card's last digits when it was paid."""
        path = f"/v1/checkout/sessions/{quote(reference, safe='')}?expand[]=payment_intent.latest_charge"
        session = await self._ask("GET", path)
        status, paid = session.get("status"), session.get("payment_status")
        intent = _object(session.get("payment_intent"))
        reason = _reason(intent.get("last_payment_error"))
        if status == "expired":
            return Outcome(Standing.ENDED, reason=reason or PaymentReason.EXPIRED)
        if status == "open" or (status == "complete" and paid == "unpaid"):  # Unpaid: a slow method is still at work.
            return Outcome(Standing.OPEN, reason=reason)
        amount, currency = session.get("amount_total"), session.get("currency")
        if status != "complete" or paid != "paid" or not isinstance(amount, int) or currency != CURRENCY:
            raise ProviderSilent("Stripe answered a session that cannot be read")
        charge = _object(intent.get("latest_charge"))
        return Outcome(Standing.PAID, amount, _text(charge.get("id")) or _text(intent.get("id")), _method(charge))

    async def cancel(self, reference: str) -> None:
        """Expire a session; one that is no longer open is left as it is."""
        try:
            await self._ask("POST", f"/v1/checkout/sessions/{quote(reference, safe='')}/expire", {})
        except ProviderRefused as error:
            if await self._is_open(reference):
                raise ProviderRefused("Stripe does not close an open session") from error

    def heard(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Word | None:
        """Which attempt an event is about; NotSigned unless the endpoint's secret signed these bytes just now."""
        _check_signature(body, headers.get("stripe-signature", ""), self._webhook_secret, now)
        try:
            event = _object(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise NotSigned("the event is not JSON") from error
        if event.get("type") not in _EVENTS:
            return None
        metadata = _object(_object(_object(event.get("data")).get("object")).get("metadata"))
        attempt, practice = metadata.get("attempt"), metadata.get("practice")
        return Word(practice, attempt) if isinstance(attempt, str) and isinstance(practice, str) else None

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def _is_open(self, reference: str) -> bool:
        return (await self.outcome(reference)).standing is Standing.OPEN

    async def _ask(
        self, method: str, path: str, fields: Mapping[str, str] | None = None, *, key: str | None = None
    ) -> dict[str, Any]:
        """One call; a connection that breaks, 409, 429 and 5xx are silence, any other 4xx a refusal."""
        headers = {} if key is None else {"Idempotency-Key": key}
        try:
            async with self._http.stream(method, path, data=fields, headers=headers) as response:
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > ANSWER_BYTES_MAX:
                        raise ProviderSilent("Stripe answered at too great a length")
        except (httpx.HTTPError, OSError) as error:
            raise ProviderSilent(f"Stripe cannot be reached ({type(error).__name__})") from error
        status = response.status_code
        try:
            answer = orjson.loads(bytes(body))
        except orjson.JSONDecodeError as error:
            raise ProviderSilent(f"Stripe answered {status}, and no JSON") from error
        if status == httpx.codes.OK:
            if not isinstance(answer, dict):
                raise ProviderSilent("Stripe answered no object")
            return answer
        fault = _object(_object(answer).get("error"))
        told = f"Stripe answered {status}: {_text(fault.get('type')) or 'error'} {_text(fault.get('code')) or ''}"
        if status in (409, 429) or not 400 <= status < 500:
            raise ProviderSilent(told.strip())
        raise ProviderRefused(told.strip())


def _check_signature(body: bytes, header: str, secret: bytes, now: datetime) -> None:
    """The header is `t=<seconds>,v1=<hex>[,v1=<hex>]`; a digest is HMAC-SHA256 of `<seconds>.<body>`."""
    parts = [part.partition("=") for part in header.split(",")[:20]]
    times = [value for name, _, value in parts if name.strip() == "t"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdigit() or len(times[0]) > 12:
        raise NotSigned("the event has no time")
    expected = hmac.new(secret, times[0].encode() + b"." + body, hashlib.sha256).hexdigest().encode()
    offered = [value.strip().encode() for name, _, value in parts if name.strip() == "v1"]
    if not any([hmac.compare_digest(expected, one) for one in offered]):  # noqa: C419 - all, whichever fits.
        raise NotSigned("the event is not signed with the endpoint's secret")
    if abs(now.timestamp() - int(times[0])) > TOLERANCE_SECONDS:
        raise NotSigned("the event was signed too long ago")


def _reason(fault: Any) -> PaymentReason | None:
    if not isinstance(fault, dict):
        return None
    return next(
        (_REASONS[code] for code in (fault.get("decline_code"), fault.get("code")) if code in _REASONS),
        PaymentReason.DECLINED,
    )


def _method(charge: Mapping[str, Any]) -> str:
    card = _object(_object(charge.get("payment_method_details")).get("card"))
    brand, last = _text(card.get("brand")), _text(card.get("last4"))
    return f"{brand.replace('_', ' ').title()} ending in {last}" if brand and last else "Card"


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
