"""From the click to the ledger: asks the provider, and has the answer written down. No step is lost by a crash.

Whatever is still open is asked about again by `reconcile`, so a payer who closes the window, a provider that does not
answer and a message that never comes end alike: in the ledger, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import and_, or_, update
from sqlmodel import col, select

from gateway.edge.care_team import care_team
from gateway.edge.errors import CannotDecide, Rejected
from gateway.notices.notify import Event, notify_staff
from gateway.payments import ledger
from gateway.payments.provider import Order, ProviderRefused, ProviderSilent
from gateway.records.events import enter_event
from models.tables.billing import PaymentAttempt
from models.tables.records import Practice
from models.vocabulary import LIVE_PAYMENTS, PaymentReason, PaymentState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from gateway.payments.ledger import Intent
    from gateway.payments.provider import PaymentProvider

CHECKOUT_LIFE = timedelta(hours=1)  # how long the provider's page may be used
START_LIFE = timedelta(minutes=20)  # how long the provider may be asked for its page again
ASK_AGAIN = timedelta(minutes=2)  # about an attempt whose payer has not come back
RECONCILED_MAX = 50  # attempts of one practice and one beat
_SETTLED = (PaymentState.SUCCEEDED, PaymentState.NEEDS_REFUND)
log: Any = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sheet:
    """How the order reads to the payer."""

    description: str
    language: str


async def start(state: Any, intent: Intent, sheet: Sheet) -> PaymentAttempt:
    """Begin an attempt, or find the one under way, and have the provider make its page.

    Raises ledger.NotPayable, ledger.Busy, and ProviderSilent, after which the same form may be sent again.
    """
    provider: PaymentProvider = state.payments
    attempt: PaymentAttempt = await _change(state, intent.practice_id, ledger.begin, intent, state.clock())
    if attempt.state != PaymentState.STARTED or attempt.provider != provider.name:
        return attempt
    order = Order(
        id=attempt.id,
        practice_id=attempt.practice_id,
        amount_cents=attempt.amount_cents,
        description=sheet.description,
        return_url=f"{state.settings.public_url}{result_path(attempt)}",
        until=attempt.started_at + CHECKOUT_LIFE,
        language=sheet.language,
    )
    try:
        checkout = await provider.start(order)
    except ProviderRefused as error:
        log.warning("payment_refused", attempt=attempt.id, reason=str(error))
        return await _change(
            state, attempt.practice_id, ledger.give_up, attempt.id, PaymentReason.REFUSED, state.clock()
        )
    return await _change(state, attempt.practice_id, ledger.hand_over, attempt.id, checkout)


async def look(state: Any, attempt: PaymentAttempt) -> PaymentAttempt:
    """Ask the provider what became of an attempt and write it down; unknown when it does not say."""
    provider: PaymentProvider = state.payments
    if attempt.state in _SETTLED or attempt.reference is None or attempt.provider != provider.name:
        return attempt
    try:
        outcome = await provider.outcome(attempt.reference)
    except (ProviderSilent, ProviderRefused) as error:
        log.warning("payment_outcome_unknown", attempt=attempt.id, reason=str(error))
        return await _change(state, attempt.practice_id, ledger.lose_sight, attempt.id, state.clock())
    site_url = state.settings.public_url
    known: PaymentAttempt = await _change(
        state, attempt.practice_id, ledger.settle, attempt.id, outcome, state.clock(), site_url
    )
    await announce(state, known)
    return known


async def cancel(state: Any, attempt: PaymentAttempt) -> PaymentAttempt:
    """The payer changed their mind: close the provider's page, and write down what it then says."""
    provider: PaymentProvider = state.payments
    if attempt.state == PaymentState.STARTED:  # Its page, if there is one, was never handed out.
        return await _change(
            state, attempt.practice_id, ledger.give_up, attempt.id, PaymentReason.CANCELLED, state.clock()
        )
    if attempt.reference is not None and attempt.provider == provider.name:
        try:
            await provider.cancel(attempt.reference)
        except (ProviderSilent, ProviderRefused) as error:
            log.warning("payment_not_cancelled", attempt=attempt.id, reason=str(error))
    return await look(state, attempt)


async def announce(state: Any, attempt: PaymentAttempt) -> None:
    """Tell the administrators and the assigned therapist (row Y27), and the trail; `reconcile` does what failed."""
    if attempt.state not in _SETTLED or attempt.announced_at is not None:
        return
    try:
        team = await care_team(state.authz, attempt.practice_id, attempt.client_id)
    except (CannotDecide, Rejected) as error:
        log.warning("payment_not_announced", attempt=attempt.id, reason=str(error))
        return
    needs_refund = attempt.state == PaymentState.NEEDS_REFUND
    path = "/admin/payments" if needs_refund else f"/admin/clients/{attempt.client_id}"

    def write(session: Session) -> None:
        claimed = session.execute(
            update(PaymentAttempt)
            .where(col(PaymentAttempt.id) == attempt.id, col(PaymentAttempt.announced_at).is_(None))
            .values(announced_at=state.clock())
        )
        if claimed.rowcount:  # type: ignore[attr-defined]
            enter_event(session, _event(attempt), at=state.clock())
            notify_staff(
                session,
                Event.PAYMENT,
                practice_id=attempt.practice_id,
                client_id=attempt.client_id,
                staff=team.in_charge,
                path=path,
            )

    await state.records.change(attempt.practice_id, write)


async def reconcile(state: Any) -> int:
    """Ask about every attempt that nobody has heard of for a while; returns how many were looked at."""
    if state.payments is None:
        return 0
    looked = 0
    for practice_id in await state.records.read(None, lambda session: list(session.exec(select(Practice.id)))):
        overdue = await state.records.read(practice_id, partial(_overdue, practice_id=practice_id, now=state.clock()))
        for attempt in overdue:
            await _reconcile_one(state, attempt)
        looked += len(overdue)
    return looked


async def _reconcile_one(state: Any, attempt: PaymentAttempt) -> None:
    age = state.clock() - attempt.started_at
    if attempt.state in _SETTLED:
        await announce(state, attempt)
    elif attempt.state == PaymentState.STARTED:
        await _change(state, attempt.practice_id, ledger.give_up, attempt.id, PaymentReason.EXPIRED, state.clock())
    elif age > CHECKOUT_LIFE:
        await cancel(state, attempt)
    else:
        await look(state, attempt)


def _overdue(session: Session, practice_id: str, now: datetime) -> list[PaymentAttempt]:
    is_in = col(PaymentAttempt.state)
    waiting = or_(
        is_in == PaymentState.UNKNOWN,
        and_(is_in == PaymentState.NEEDS_ACTION, col(PaymentAttempt.asked_at) < now - ASK_AGAIN),
        and_(is_in == PaymentState.STARTED, col(PaymentAttempt.started_at) < now - START_LIFE),
        and_(is_in.in_(_SETTLED), col(PaymentAttempt.announced_at).is_(None)),
    )
    chosen = select(PaymentAttempt).where(PaymentAttempt.practice_id == practice_id, waiting)
    return list(session.exec(chosen.order_by(col(PaymentAttempt.asked_at)).limit(RECONCILED_MAX)))


def is_live(attempt: PaymentAttempt) -> bool:
    """Whether the attempt may still come to something."""
    return attempt.state in LIVE_PAYMENTS


def result_path(attempt: PaymentAttempt) -> str:
    """The page that says what became of an attempt; the payer comes back to it."""
    return f"/c/{attempt.client_id}/invoices/{attempt.invoice_id}/payment/{attempt.id}"


def _event(attempt: PaymentAttempt) -> dict[str, Any]:
    return {
        "action": "payment.received" if attempt.state == PaymentState.SUCCEEDED else "payment.needs_refund",
        "actor": f"account/{attempt.payer_id}",
        "account_id": attempt.payer_id,
        "client_id": attempt.client_id,
        "practice_id": attempt.practice_id,
        "resource": {"type": "invoice", "id": attempt.invoice_id},
        "details": {"amount_cents": attempt.amount_cents, "attempt": attempt.id},
    }


async def _change(state: Any, practice_id: str, step: Any, *values: Any) -> PaymentAttempt:
    """One step of the ledger, in a transaction of its own."""
    changed: PaymentAttempt = await state.records.change(practice_id, lambda session: step(session, *values))
    return changed
