"""Tables of payments: every attempt to pay an invoice, and the book of the local test provider."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Instant
from models.vocabulary import LIVE_PAYMENTS

_LIVE = text("state IN ({})".format(", ".join(f"'{state.value}'" for state in LIVE_PAYMENTS)))


class PaymentAttempt(RecordsTable, table=True):
    """One attempt to pay the whole balance of an invoice by card (row Y26).

    `form_key` is the one-time key of the form that began it; an invoice has one attempt under way at most. `reference`,
    `url` and `charge` are the provider's: its checkout, the address of its page, the money it took. `state` and
    `reason` are a `PaymentState` and a `PaymentReason`.
    """

    __tablename__ = "payment_attempt"
    __table_args__ = (
        UniqueConstraint("invoice_id", "payer_id", "form_key", name="uq_payment_attempt_form"),
        Index("uq_payment_attempt_live", "invoice_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_payment_attempt_state", "practice_id", "state"),
    )

    id: str = Field(primary_key=True)
    practice_id: str
    client_id: str
    invoice_id: str
    payer_id: str
    form_key: str
    provider: str
    state: str
    amount_cents: int
    started_at: datetime = Field(sa_type=Instant)
    asked_at: datetime = Field(sa_type=Instant)  # when the provider was last asked
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    reference: str | None = None
    url: str | None = None
    charge: str | None = None
    method: str = ""
    reason: str | None = None
    announced_at: datetime | None = Field(default=None, sa_type=Instant)  # when the staff were told
    closed_at: datetime | None = Field(default=None, sa_type=Instant)  # when the staff had dealt with it
    closed_by: str | None = None


class LocalCheckout(RecordsTable, table=True):
    """A checkout of the local test provider: what a card company would keep. It knows nothing of clients."""

    __tablename__ = "local_checkout"

    id: str = Field(primary_key=True)
    order_id: str = Field(unique=True)
    amount_cents: int
    description: str
    return_path: str
    state: str  # open, confirming, paid, declined, cancelled
    reason: str | None = None
    silent_until: datetime | None = Field(default=None, sa_type=Instant)  # until then it does not answer
    charges: int = 0  # how often money was taken; more than once would be wrong
