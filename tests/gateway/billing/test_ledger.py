"""Whatever comes at once or late, an invoice is paid once, and money that nothing asks for is marked to go back."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import col, select

from gateway.payments import ledger
from gateway.payments.ledger import Busy, Intent, NotPayable
from gateway.payments.provider import Checkout, Outcome, Standing
from gateway.records.store import RecordsStore
from models.tables.billing import PaymentAttempt
from models.tables.mail import Mail
from models.tables.records import Invoice, Outbox, Payment
from models.vocabulary import LIVE_PAYMENTS, PaymentReason, PaymentState
from tests.conftest import FROZEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

AT_ONCE = 32
SITE = "https://portal.example"
PAID = Outcome(Standing.PAID, 4500, "ch_1", "Visa ending in 4242")


def intent(bill: Invoice, key: str, payer: str = "dana") -> Intent:
    return Intent("northgate", "mia", bill.id, payer, key, "test")


def change(store: RecordsStore, step: Callable[..., Any], *values: Any) -> Any:
    with store.session("northgate", writing=True) as session:
        return step(session, *values)


def begin(store: RecordsStore, bill: Invoice, key: str = "k", payer: str = "dana") -> PaymentAttempt:
    return change(store, ledger.begin, intent(bill, key, payer), FROZEN)


def begun(store: RecordsStore, bill: Invoice, key: str = "k") -> PaymentAttempt:
    """An attempt whose payer is on the provider's page."""
    attempt = begin(store, bill, key)
    return change(store, ledger.hand_over, attempt.id, Checkout("ref", "/demo/checkout/ref"))


def settle(store: RecordsStore, attempt: PaymentAttempt, outcome: Outcome = PAID) -> PaymentAttempt:
    return change(store, ledger.settle, attempt.id, outcome, FROZEN, SITE)


def at_once(work: Callable[[int], Any], times: int = AT_ONCE) -> list[Any]:
    """What came of each, an error of the database or of the ledger included."""

    def one(number: int) -> Any:
        try:
            return work(number)
        except (Busy, NotPayable, IntegrityError, OperationalError) as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(times)))


def found(store: RecordsStore, bill: Invoice) -> tuple[Invoice, Sequence[Payment], Sequence[PaymentAttempt]]:
    with store.session("northgate") as session:
        return (
            session.get_one(Invoice, bill.id),
            session.exec(select(Payment).where(Payment.invoice_id == bill.id)).all(),
            session.exec(select(PaymentAttempt).where(PaymentAttempt.invoice_id == bill.id)).all(),
        )


def receipts(store: RecordsStore) -> list[Mail]:
    with store.session("northgate") as session:
        return list(session.exec(select(Mail).where(Mail.recipient == "dana@mail.example")))


def test_many_tabs_at_once_begin_one_payment(store: RecordsStore, bill: Invoice) -> None:
    """32 forms with keys of their own, sent together, lead to one attempt."""
    results = at_once(lambda number: begin(store, bill, f"key-{number}"))
    assert {result.id for result in results} == {results[0].id}
    assert len(found(store, bill)[2]) == 1


def test_one_form_sent_many_times_begins_one_payment(store: RecordsStore, bill: Invoice) -> None:
    """The key of a form stands for one attempt, also after that attempt has failed."""
    results = at_once(lambda _number: begin(store, bill, "the same"))
    change(store, ledger.give_up, results[0].id, PaymentReason.CANCELLED, FROZEN)
    assert begin(store, bill, "the same").id == results[0].id
    assert begin(store, bill, "another").id != results[0].id


def test_the_index_stops_a_second_payment_when_the_look_does_not(
    store: RecordsStore, bill: Invoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the look for an attempt under way taken out, the database refuses every one but the first."""
    monkeypatch.setattr(ledger, "live_attempt", lambda *_: None)
    results = at_once(lambda number: begin(store, bill, f"key-{number}"), 8)
    assert sum(isinstance(result, IntegrityError) for result in results) == 7
    assert len(found(store, bill)[2]) == 1


def test_without_look_and_index_an_invoice_would_be_paid_many_times(
    tmp_path: Path, seeded_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with both protections taken out, the same clicks begin several payments."""
    shutil.copy(seeded_sqlite, tmp_path / "records.db")
    store = RecordsStore(f"sqlite:///{tmp_path / 'records.db'}")
    with store.engine.begin() as connection:
        connection.execute(text("DROP INDEX uq_payment_attempt_live"))
    monkeypatch.setattr(ledger, "live_attempt", lambda *_: None)
    with store.session("northgate") as session:
        bill = session.get_one(Invoice, "inv_mia_1")
    at_once(lambda number: begin(store, bill, f"key-{number}"), 8)
    assert len(found(store, bill)[2]) == 8
    store.close()


def test_one_payment_told_many_times_is_written_once(store: RecordsStore, bill: Invoice) -> None:
    """Return page, message and background, 32 at once: one payment, the balance lowered once, one receipt."""
    attempt = begun(store, bill)
    results = at_once(lambda _number: settle(store, attempt))
    assert {result.state for result in results} == {PaymentState.SUCCEEDED}
    invoice, payments, _ = found(store, bill)
    assert (invoice.state, invoice.balance_due_cents) == ("paid", 0)
    assert [(one.amount_cents, one.payer_id, one.method) for one in payments] == [(4500, "dana", PAID.method)]
    assert len(receipts(store)) == 1
    with store.session("northgate") as session:
        facts = {
            entry.type: entry.properties
            for entry in session.exec(select(Outbox).where(col(Outbox.id).in_([bill.id, payments[0].id])))
        }
    assert facts["invoice"] == {
        "client_id": "mia",
        "addressee_id": "dana",
        "state": "paid",
        "balance_due_cents": 0,
    }
    assert facts["payment"] == {"client_id": "mia", "payer_id": "dana"}


def test_without_the_condition_a_payment_told_twice_would_count_twice(
    store: RecordsStore, bill: Invoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: if a settled attempt could be settled again, the second telling would change what was written."""
    monkeypatch.setattr(ledger, "_PAYABLE", tuple(PaymentState))
    attempt = begun(store, bill)
    states = [settle(store, attempt).state for _ in range(2)]
    assert states == [PaymentState.SUCCEEDED, PaymentState.NEEDS_REFUND]
    assert len(receipts(store)) == 2


def test_an_invoice_voided_while_paying_stays_void_and_the_money_goes_back(store: RecordsStore, bill: Invoice) -> None:
    """The payment is not counted, the attempt waits for the practice, and the payer is told."""
    attempt = begun(store, bill)
    change(store, lambda session: setattr(session.get_one(Invoice, bill.id), "state", "void"))
    assert settle(store, attempt).state == PaymentState.NEEDS_REFUND
    invoice, payments, _ = found(store, bill)
    assert (invoice.state, invoice.balance_due_cents, list(payments)) == ("void", 4500, [])
    (mail,) = receipts(store)
    assert mail.content is not None
    assert mail.content["subject"] == "Your payment to Northgate Family Practice will be returned"


@pytest.mark.parametrize("times", range(4))
def test_voiding_and_paying_at_once_end_in_one_of_two_ways(store: RecordsStore, bill: Invoice, times: int) -> None:
    """Either the payment came first and counts, or the invoice is void and the money goes back; never both."""
    attempt = begun(store, bill)

    def void(session: Any) -> None:
        row = session.exec(select(Invoice).where(Invoice.id == bill.id).with_for_update()).one()
        if row.state == "open":
            row.state = "void"

    at_once(lambda number: settle(store, attempt) if number % 2 == times % 2 else change(store, void), 8)
    invoice, payments, (kept,) = found(store, bill)
    assert (invoice.state, len(payments), kept.state) in {
        ("paid", 1, PaymentState.SUCCEEDED),
        ("void", 0, PaymentState.NEEDS_REFUND),
    }


def test_a_late_yes_counts_after_a_no(store: RecordsStore, bill: Invoice) -> None:
    """A provider that first says declined and then paid took the money, so it is written down."""
    attempt = begun(store, bill)
    assert settle(store, attempt, Outcome(Standing.ENDED, reason=PaymentReason.EXPIRED)).state == PaymentState.FAILED
    assert settle(store, attempt).state == PaymentState.SUCCEEDED
    assert found(store, bill)[0].balance_due_cents == 0


def test_a_late_yes_to_an_invoice_paid_since_goes_back(store: RecordsStore, bill: Invoice) -> None:
    """Of two attempts that both took money the first counts, and the second is to be returned."""
    first = begun(store, bill)
    settle(store, first, Outcome(Standing.ENDED, reason=PaymentReason.EXPIRED))
    second = begun(store, bill, "again")
    assert settle(store, second).state == PaymentState.SUCCEEDED
    assert settle(store, first).state == PaymentState.NEEDS_REFUND
    assert len(found(store, bill)[1]) == 1


def test_only_an_open_invoice_with_a_balance_is_begun(store: RecordsStore, bill: Invoice) -> None:
    """The ledger looks again, whatever was decided before (row Y26)."""
    for state, balance in (("void", 4500), ("paid", 0), ("draft", 4500), ("open", 0)):
        change(
            store,
            lambda session, state=state, balance=balance: session.get_one(Invoice, bill.id).sqlmodel_update(
                {"state": state, "balance_due_cents": balance}
            ),
        )
        with pytest.raises(NotPayable):
            begin(store, bill, f"key-{state}-{balance}")


def test_two_people_do_not_pay_one_invoice_at_once(store: RecordsStore, bill: Invoice) -> None:
    """While one is on the provider's page, another has to wait; afterwards nothing is due."""
    attempt = begun(store, bill)
    with pytest.raises(Busy):
        begin(store, bill, "mine", payer="tom")
    settle(store, attempt)
    with pytest.raises(NotPayable):
        begin(store, bill, "mine", payer="tom")


STEPS = st.sampled_from(["begin", "open", "paid", "ended", "silent", "give_up", "void"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=9))
def test_in_whatever_order_things_happen_the_money_adds_up(
    steps: list[str], tmp_path_factory: pytest.TempPathFactory, seeded_sqlite: Path
) -> None:
    """What was taken is either a payment, which the balance shows, or is to be returned."""
    path = tmp_path_factory.mktemp("ledger") / "records.db"
    shutil.copy(seeded_sqlite, path)
    store = RecordsStore(f"sqlite:///{path}")
    with store.session("northgate") as session:
        bill = session.get_one(Invoice, "inv_mia_1")
        before = len(session.exec(select(Payment).where(Payment.invoice_id == bill.id)).all())
    attempts: list[PaymentAttempt] = []
    taken: set[str] = set()
    for number, step in enumerate(steps):
        if step == "begin":
            try:
                attempts.append(begun(store, bill, f"key-{number}"))
            except NotPayable:
                continue
        elif step == "void":
            change(store, lambda session: setattr(session.get_one(Invoice, bill.id), "state", "void"))
        elif attempts:
            last = attempts[-1]
            if step == "give_up":
                change(store, ledger.give_up, last.id, PaymentReason.CANCELLED, FROZEN)
            elif step == "silent":
                change(store, ledger.lose_sight, last.id, FROZEN + timedelta(seconds=number))
            else:
                settle(store, last, PAID if step == "paid" else Outcome(Standing(step)))
                taken |= {last.id} if step == "paid" else set()
    invoice, payments, kept = found(store, bill)
    returned = [one for one in kept if one.state == PaymentState.NEEDS_REFUND]
    assert (len(payments) - before) + len(returned) == len(taken)
    assert len(payments) - before <= 1
    assert 4500 - invoice.balance_due_cents == 4500 * (len(payments) - before)
    assert len([one for one in kept if one.state in LIVE_PAYMENTS]) <= 1
    store.close()
