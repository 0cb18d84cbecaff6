"""The mail a payer gets: what was paid and how, with no client's name and no clinical word."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.mail.post import letter, post
from gateway.payments.methods import paid_with
from gateway.web.formats import day, money
from gateway.web.language import speaking
from models.tables.identity import Person
from models.vocabulary import PaymentState, SubjectType

if TYPE_CHECKING:
    from sqlmodel import Session

    from models.tables.billing import PaymentAttempt
    from models.tables.records import Invoice, Practice


def post_receipt(
    session: Session, attempt: PaymentAttempt, invoice: Invoice, practice: Practice, site_url: str
) -> None:
    """Tell the payer, in the transaction in which the money was written down."""
    payer = session.get(Person, (SubjectType.ACCOUNT.value, attempt.payer_id))
    if payer is None or not payer.email or attempt.settled_at is None:
        return
    name = "payment_receipt" if attempt.state == PaymentState.SUCCEEDED else "payment_to_return"
    with speaking(payer.language):
        values = {
            "practice": practice.name,
            "name": payer.name,
            "number": invoice.number,
            "amount": money(attempt.amount_cents),
            "day": day(attempt.settled_at.astimezone(ZoneInfo(practice.zone)).date()),
            "method": paid_with(attempt.method),
            "reference": attempt.charge or attempt.id,
            "url": f"{site_url}/c/{invoice.client_id}/invoices/{invoice.id}",
        }
    post(session, letter(name, payer.email, payer.language, **values), practice_id=attempt.practice_id)
