"""The ledger: what becomes of an invoice when somebody pays, each step in one transaction.

An attempt begins while the invoice is locked, and a partial unique index allows one under way per invoice. It ends by
one conditional update, so whoever comes second (another tab, the provider's message, the background) changes nothing.
The balance, the payment, the facts for the authz service and the receipt are written in that same transaction.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import case, update
from sqlmodel import col, select

from gateway.payments.provider import Standing
from gateway.payments.receipts import post_receipt
from gateway.records.store import outbox_entry
from models.tables.billing import PaymentAttempt
from models.tables.records import Invoice, Payment, Practice
from models.vocabulary import LIVE_PAYMENTS, PaymentReason, PaymentState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from gateway.payments.provider import Checkout, Outcome

# What a provider may still say "paid" about: a late yes counts even after a no.
_PAYABLE = (*LIVE_PAYMENTS, PaymentState.FAILED)


class NotPayable(Exception):  # noqa: N818 - read as a sentence where it is raised.
    """The invoice is not open, or nothing is due on it any more."""


class Busy(Exception):  # noqa: N818 - read as a sentence where it is raised.
    """Somebody else is paying this invoice right now."""


@dataclass(frozen=True, slots=True)
class Intent:
    """Who wants to pay what. `form_key` is the one-time key of the form."""

    practice_id: str
    client_id: str
    invoice_id: str
    payer_id: str
    form_key: str
    provider: str


def begin(session: Session, intent: Intent, now: datetime) -> PaymentAttempt:
    """The attempt of this form: a new one, or the one under way; Busy when that is another person's."""
    sent_before = session.exec(
        select(PaymentAttempt).where(
            PaymentAttempt.invoice_id == intent.invoice_id,
            PaymentAttempt.payer_id == intent.payer_id,
            PaymentAttempt.form_key == intent.form_key,
        )
    ).first()
    if sent_before is not None:
        return sent_before
    # Locked on PostgreSQL; on SQLite the whole transaction is alone.
    invoice = session.exec(select(Invoice).where(Invoice.id == intent.invoice_id).with_for_update()).first()
    if invoice is None or invoice.state != "open" or invoice.balance_due_cents <= 0:
        raise NotPayable
    under_way = live_attempt(session, intent.invoice_id)
    if under_way is not None:
        if under_way.payer_id != intent.payer_id:
            raise Busy
        return under_way
    attempt = PaymentAttempt(
        id=secrets.token_hex(12),
        practice_id=intent.practice_id,
        client_id=intent.client_id,
        invoice_id=intent.invoice_id,
        payer_id=intent.payer_id,
        form_key=intent.form_key,
        provider=intent.provider,
        state=PaymentState.STARTED,
        amount_cents=invoice.balance_due_cents,
        started_at=now,
        asked_at=now,
    )
    session.add(attempt)
    session.flush()
    return attempt


def live_attempt(session: Session, invoice_id: str) -> PaymentAttempt | None:
    """The attempt under way for an invoice."""
    chosen = select(PaymentAttempt).where(
        PaymentAttempt.invoice_id == invoice_id, col(PaymentAttempt.state).in_(LIVE_PAYMENTS)
    )
    return session.exec(chosen).first()


def hand_over(session: Session, attempt_id: str, checkout: Checkout) -> PaymentAttempt:
    """The provider has made its page: the payer goes on there."""
    session.execute(
        update(PaymentAttempt)
        .where(col(PaymentAttempt.id) == attempt_id, col(PaymentAttempt.state) == PaymentState.STARTED)
        .values(state=PaymentState.NEEDS_ACTION, reference=checkout.reference, url=checkout.url)
    )
    return _fresh(session, attempt_id)


def lose_sight(session: Session, attempt_id: str, now: datetime) -> PaymentAttempt:
    """The provider did not say what became of it."""
    session.execute(
        update(PaymentAttempt)
        .where(
            col(PaymentAttempt.id) == attempt_id,
            col(PaymentAttempt.state).in_((PaymentState.NEEDS_ACTION, PaymentState.UNKNOWN)),
        )
        .values(state=PaymentState.UNKNOWN, asked_at=now)
    )
    return _fresh(session, attempt_id)


def give_up(session: Session, attempt_id: str, reason: PaymentReason, now: datetime) -> PaymentAttempt:
    """The attempt came to nothing: no checkout of it was ever handed out, or it can no longer be paid."""
    _end(session, attempt_id, reason, now)
    return _fresh(session, attempt_id)


def settle(session: Session, attempt_id: str, outcome: Outcome, now: datetime, site_url: str) -> PaymentAttempt:
    """Write down what the provider says; the second time, and later, nothing happens."""
    if outcome.standing is Standing.PAID:
        _take(session, attempt_id, outcome, now, site_url)
    elif outcome.standing is Standing.ENDED:
        _end(session, attempt_id, outcome.reason or PaymentReason.DECLINED, now)
    else:
        session.execute(
            update(PaymentAttempt)
            .where(col(PaymentAttempt.id) == attempt_id, col(PaymentAttempt.state).in_(LIVE_PAYMENTS))
            .values(state=PaymentState.NEEDS_ACTION, asked_at=now)
        )
    return _fresh(session, attempt_id)


def _end(session: Session, attempt_id: str, reason: PaymentReason, now: datetime) -> None:
    session.execute(
        update(PaymentAttempt)
        .where(col(PaymentAttempt.id) == attempt_id, col(PaymentAttempt.state).in_(LIVE_PAYMENTS))
        .values(state=PaymentState.FAILED, reason=reason, asked_at=now, settled_at=now)
    )


def _take(session: Session, attempt_id: str, outcome: Outcome, now: datetime, site_url: str) -> None:
    """Money was taken: it lowers the balance, or, where nothing asks for it any more, has to go back."""
    ended = session.execute(
        update(PaymentAttempt)
        .where(col(PaymentAttempt.id) == attempt_id, col(PaymentAttempt.state).in_(_PAYABLE))
        .values(
            state=PaymentState.SUCCEEDED,
            charge=outcome.charge,
            method=outcome.method,
            reason=None,
            asked_at=now,
            settled_at=now,
        )
    )
    if ended.rowcount == 0:  # type: ignore[attr-defined]
        return
    attempt = _fresh(session, attempt_id)
    amount = outcome.amount_cents
    lowered = session.execute(
        update(Invoice)
        .where(
            col(Invoice.id) == attempt.invoice_id,
            col(Invoice.state) == "open",
            col(Invoice.balance_due_cents) >= amount,
        )
        .values(
            balance_due_cents=Invoice.balance_due_cents - amount,
            state=case((col(Invoice.balance_due_cents) == amount, "paid"), else_="open"),
        )
    )
    practice = session.get_one(Practice, attempt.practice_id)
    invoice = session.get_one(Invoice, attempt.invoice_id, populate_existing=True)
    attempt.amount_cents = amount
    if lowered.rowcount == 0:  # type: ignore[attr-defined]
        attempt.state = PaymentState.NEEDS_REFUND
    else:
        payment = Payment(
            id=f"pay_{attempt.id}",
            practice_id=attempt.practice_id,
            client_id=attempt.client_id,
            payer_id=attempt.payer_id,
            invoice_id=attempt.invoice_id,
            paid_on=now.astimezone(ZoneInfo(practice.zone)).date(),
            amount_cents=amount,
            method=outcome.method,
            reference=outcome.charge or attempt.id,
        )
        session.add_all([payment, outbox_entry("invoice", invoice), outbox_entry("payment", payment)])
    session.add(attempt)
    post_receipt(session, attempt, invoice, practice, site_url)


def _fresh(session: Session, attempt_id: str) -> PaymentAttempt:
    return session.get_one(PaymentAttempt, attempt_id, populate_existing=True)
