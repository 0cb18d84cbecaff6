"""Invoices of a test's own, taken away again afterwards."""

from __future__ import annotations

import secrets
from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete
from sqlmodel import col

from models.tables.billing import PaymentAttempt
from models.tables.mail import Mail, Notice
from models.tables.records import Invoice, Outbox, Payment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.records.store import RecordsStore


@pytest.fixture
def bill(store: RecordsStore) -> Iterator[Invoice]:
    """An open invoice of mia's to dana, 45 dollars due."""
    row = Invoice(
        id=f"inv_{secrets.token_hex(4)}",
        practice_id="northgate",
        client_id="mia",
        addressee_id="dana",
        state="open",
        balance_due_cents=4500,
        number="NG-9001",
        issued=date(2026, 6, 10),
        due=date(2026, 7, 10),
        lines=[{"text": "Session", "on": "2026-06-01", "amount_cents": 4500}],
    )
    with store.session("northgate", writing=True) as session:
        session.add(row)
    yield row
    with store.session("northgate", writing=True) as session:
        for condition in (
            delete(PaymentAttempt).where(col(PaymentAttempt.invoice_id) == row.id),
            delete(Payment).where(col(Payment.invoice_id) == row.id),
            delete(Outbox).where(col(Outbox.id) == row.id),
            delete(Outbox).where(col(Outbox.type) == "payment"),
            delete(Mail).where(col(Mail.recipient) == "dana@mail.example"),
            delete(Notice).where(col(Notice.event) == "payment"),
            delete(Invoice).where(col(Invoice.id) == row.id),
        ):
            session.execute(condition)
