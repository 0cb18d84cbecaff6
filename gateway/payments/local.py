"""The local test provider: a card company on our own origin, whose cards do what their names say.

It keeps a book of its own and shares nothing with the ledger but what a real provider would tell. No money moves and
no card number is asked for. Refused in production.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import update
from sqlmodel import col, select

from gateway.payments.provider import Checkout, NotSigned, Outcome, ProviderRefused, ProviderSilent, Standing
from models.tables.billing import LocalCheckout
from models.vocabulary import PaymentReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlmodel import Session

    from gateway.payments.provider import Order, Word
    from gateway.records.store import RecordsStore

SILENT_SECONDS = 5  # how long it says nothing after the cards that time out


class Card(StrEnum):
    """The cards of the test page, by what happens with them."""

    PAYS = "pays"
    NO_FUNDS = "no_funds"
    EXPIRED = "expired"
    DECLINED = "declined"
    CONFIRM = "confirm"  # 3-D Secure: the bank asks first
    LATE_PAYS = "late_pays"  # a time-out, behind which the money was taken
    LATE_FAILS = "late_fails"


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a card does to an open checkout."""

    state: str
    reason: PaymentReason | None = None
    silent: bool = False


_TURNS: Mapping[Card, _Turn] = {
    Card.PAYS: _Turn("paid"),
    Card.NO_FUNDS: _Turn("declined", PaymentReason.INSUFFICIENT_FUNDS),
    Card.EXPIRED: _Turn("declined", PaymentReason.EXPIRED_CARD),
    Card.DECLINED: _Turn("declined", PaymentReason.DECLINED),
    Card.CONFIRM: _Turn("confirming"),
    Card.LATE_PAYS: _Turn("paid", silent=True),
    Card.LATE_FAILS: _Turn("declined", PaymentReason.DECLINED, silent=True),
}
_STANDINGS = {
    "open": Standing.OPEN,
    "confirming": Standing.OPEN,
    "paid": Standing.PAID,
    "declined": Standing.ENDED,
    "cancelled": Standing.ENDED,
}


class LocalProvider:
    """The provider of the demo and of the tests."""

    name = "test"

    def __init__(self, store: RecordsStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def start(self, order: Order) -> Checkout:
        """The checkout of an order; the same one for the same order."""

        def write(session: Session) -> Checkout:
            known = session.exec(select(LocalCheckout).where(LocalCheckout.order_id == order.id)).first()
            if known is None:
                known = LocalCheckout(
                    id=secrets.token_urlsafe(16),
                    order_id=order.id,
                    amount_cents=order.amount_cents,
                    description=order.description,
                    return_path=urlsplit(order.return_url).path,
                    state="open",
                )
                session.add(known)
            elif known.amount_cents != order.amount_cents:
                raise ProviderRefused("the same order was sent with another amount")
            return Checkout(known.id, f"/demo/checkout/{known.id}")

        return await self._store.change(None, write)

    async def outcome(self, reference: str) -> Outcome:
        """How a checkout stands."""
        kept = await self.find(reference)
        if kept is None:
            raise ProviderRefused(f"there is no checkout {reference}")
        if kept.silent_until is not None and self._clock() < kept.silent_until:
            raise ProviderSilent("the test provider says nothing for a while")
        standing = _STANDINGS[kept.state]
        if standing is not Standing.PAID:
            return Outcome(standing, reason=PaymentReason(kept.reason) if kept.reason else None)
        return Outcome(standing, kept.amount_cents * kept.charges, f"T-{kept.id[:8]}", "Test card")

    async def cancel(self, reference: str) -> None:
        """See to it that a checkout can no longer be paid."""
        await self._turn(reference, ("open", "confirming"), _Turn("cancelled", PaymentReason.CANCELLED))

    def heard(self, _body: bytes, _headers: Mapping[str, str], _now: datetime) -> Word | None:
        """It sends no messages, so whatever comes is not its own."""
        raise NotSigned("the test provider sends no messages")

    async def close(self) -> None:
        """Nothing is open."""

    # ---- its page ----

    async def find(self, reference: str) -> LocalCheckout | None:
        """A checkout, for its page."""
        return await self._store.read(None, lambda session: session.get(LocalCheckout, reference))

    async def use(self, reference: str, card: Card) -> None:
        """Somebody chose a card; only the first choice counts."""
        await self._turn(reference, ("open",), _TURNS[card])

    async def confirm(self, reference: str, *, yes: bool) -> None:
        """Somebody answered the bank's question."""
        turn = _Turn("paid") if yes else _Turn("declined", PaymentReason.NOT_CONFIRMED)
        await self._turn(reference, ("confirming",), turn)

    async def _turn(self, reference: str, states: tuple[str, ...], turn: _Turn) -> None:
        silent_until = self._clock() + timedelta(seconds=SILENT_SECONDS) if turn.silent else None

        def write(session: Session) -> None:
            session.execute(
                update(LocalCheckout)
                .where(col(LocalCheckout.id) == reference, col(LocalCheckout.state).in_(states))
                .values(
                    state=turn.state,
                    reason=turn.reason,
                    silent_until=silent_until,
                    charges=LocalCheckout.charges + int(turn.state == "paid"),
                )
            )

        await self._store.change(None, write)
