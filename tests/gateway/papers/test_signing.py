"""Signing under concurrency and the seals, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select

from gateway.records import papers
from gateway.records.papers import (
    Ink,
    Signer,
    Signing,
    Standing,
    check_signature,
    content_sha256,
    first_fault,
    sign_document,
    withdraw_document,
)
from gateway.records.seals import Seals
from models.tables.papers import Signature
from models.tables.records import Document, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.records.store import RecordsStore

SEALS = Seals(b"a secret of thirty-two bytes or so")
AT = datetime(2026, 6, 15, 19, 0, 0, 123456, tzinfo=UTC)
PAUSE_SECONDS = 5
CLICKS = 6


@pytest.fixture
def paper(store: RecordsStore) -> Iterator[Document]:
    """A released document that any guardian of mia may sign; it leaves no trace in the database."""
    document = Document(
        id=papers.new_document_id(),
        practice_id="northgate",
        client_id="mia",
        category="general",
        state="released",
        signer_rule="any_guardian",
        signer_ids=[],
        title="Camp",
        author="ken",
        dated=AT.date(),
        body="One.\n\nTwo.",
    )
    with change(store) as session:
        session.add(document)
    yield document
    with change(store) as session:
        session.execute(delete(Signature).where(col(Signature.practice_id) == "northgate"))
        session.execute(delete(Outbox).where(col(Outbox.id) == document.id))
        session.execute(delete(Document).where(col(Document.id) == document.id))


def change(store: RecordsStore, *, writing: bool = True) -> Any:
    return store.session("northgate", writing=writing)


def sign(store: RecordsStore, document: Document, account: str = "dana", *, writing: bool = True) -> Signing:
    signer = Signer(account, account.title(), ("guardian",), ("pwd",))
    shown = document_digest(document)
    with change(store, writing=writing) as session:
        return sign_document(session, SEALS, document.id, signer, Ink("Dana", None, "I agree."), shown=shown, at=AT)


def document_digest(document: Document) -> str:
    return _DIGEST(document, None)


_DIGEST = content_sha256  # Tests hold the other one up.


def withdraw(store: RecordsStore, document: Document, *, writing: bool = True) -> bool:
    with change(store, writing=writing) as session:
        return withdraw_document(session, document.id)


def kept(store: RecordsStore, document: Document) -> tuple[str, int]:
    """The state of the document, and how many signatures it has."""
    with change(store) as session:
        found = session.exec(select(Signature).where(Signature.document_id == document.id)).all()
        return session.get_one(Document, document.id).state, len(found)


@contextmanager
def held_before_writing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Hold the signer between reading and writing, until the other has had time to come in between."""
    reached, going_on = threading.Event(), threading.Event()

    def slow(*args: Any) -> str:
        reached.set()
        going_on.wait(PAUSE_SECONDS)
        return _DIGEST(*args)

    with monkeypatch.context() as patched:
        patched.setattr(papers, "content_sha256", slow)
        yield lambda: (reached.wait(PAUSE_SECONDS), threading.Timer(0.3, going_on.set).start())[1]


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the protection out: rows are read and not held."""
    monkeypatch.setattr(papers, "locked_document", lambda session, key: session.get(Document, key))


def test_of_many_clicks_one_signs(store: RecordsStore, paper: Document) -> None:
    """However often the button is clicked at once: one signature, and every click is answered."""
    with ThreadPoolExecutor(CLICKS) as pool:
        outcomes = list(pool.map(lambda _: sign(store, paper), range(CLICKS)))
    assert sorted(outcomes) == [Signing.BEFORE] * (CLICKS - 1) + [Signing.DONE]
    assert kept(store, paper) == ("signed", 1)


def test_a_signature_and_a_withdrawal_never_both_count(
    store: RecordsStore, paper: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A withdrawal that comes while somebody signs waits, and then finds the document signed."""
    with ThreadPoolExecutor(2) as pool, held_before_writing(monkeypatch) as let_go:
        signing = pool.submit(sign, store, paper)
        let_go()
        withdrawal = pool.submit(withdraw, store, paper)
        assert (signing.result(), withdrawal.result()) == (Signing.DONE, False)
    assert kept(store, paper) == ("signed", 1)


def test_whoever_signs_what_was_withdrawn_is_told(store: RecordsStore, paper: Document) -> None:
    """The other order: after the withdrawal nothing is signed."""
    assert withdraw(store, paper)
    assert sign(store, paper) is Signing.GONE
    assert kept(store, paper) == ("draft", 0)


@pytest.mark.parametrize("records_url", ["postgresql"], indirect=True)
def test_without_the_lock_both_would_count(
    store: RecordsStore, paper: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: rows that are not held let the document be withdrawn and signed."""
    without_locks(monkeypatch)
    with ThreadPoolExecutor(2) as pool, held_before_writing(monkeypatch) as let_go:
        signing = pool.submit(sign, store, paper, writing=False)
        let_go()
        withdrawal = pool.submit(withdraw, store, paper, writing=False)
        assert (signing.result(), withdrawal.result()) == (Signing.DONE, True)
    assert kept(store, paper)[1] == 1


@pytest.mark.parametrize("records_url", ["postgresql"], indirect=True)
def test_without_the_lock_a_second_click_fails(
    store: RecordsStore, paper: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the clicks: then only the table itself keeps a second signature out, with an error."""
    without_locks(monkeypatch)
    gate = threading.Barrier(2, timeout=PAUSE_SECONDS)

    def together(*args: Any) -> str:
        gate.wait()
        return _DIGEST(*args)

    monkeypatch.setattr(papers, "content_sha256", together)
    with ThreadPoolExecutor(2) as pool:
        clicks = [pool.submit(sign, store, paper) for _ in range(2)]
        failures = [click.exception() for click in clicks]
    assert sorted(type(failure) for failure in failures if failure) == [IntegrityError]


def test_signatures_of_a_practice_form_one_chain(store: RecordsStore, paper: Document) -> None:
    """Numbers without a gap, each bound to the one before; also when several sign at the same time."""
    others = [Document(**{**paper.model_dump(), "id": papers.new_document_id()}) for _ in range(4)]
    with change(store) as session:
        session.add_all(others)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda one: sign(store, one), others)) == [Signing.DONE] * 4
    try:
        with change(store) as session:
            assert first_fault(session, SEALS, "northgate") is None
            assert first_fault(session, Seals(b"another"), "northgate") == 1
    finally:
        with change(store) as session:
            ids = [one.id for one in others]
            session.execute(delete(Outbox).where(col(Outbox.id).in_(ids)))
            session.execute(delete(Document).where(col(Document.id).in_(ids)))


EDITS = {
    "typed_name": "Sam",
    "name": "Sam",
    "account_id": "sam",
    "client_id": "leo",
    "document_id": "doc_mia_school",
    "content_sha256": "0" * 64,
    "consent": "I agree to more.",
    "signed_at": AT.replace(year=2025),
    "kinds": ["self"],
    "amr": ["pwd", "otp"],
    "drawn": b"png",
    "number": 7,
    "previous": "1" * 64,
    "seal": "2" * 64,
}


@pytest.mark.parametrize("column", EDITS)
def test_an_edit_of_any_column_is_found(seeded_store: RecordsStore, column: str) -> None:
    """Whatever is changed in the record of a signature breaks its seal; put back, it is intact again."""
    document = Document(**{**_PLAIN, "id": "doc_sealed"})
    with change(seeded_store) as session:
        session.merge(document)
    with change(seeded_store) as session:
        if not session.exec(select(Signature)).all():
            signer = Signer("dana", "Dana Novak", ("guardian",), ("pwd",))
            shown = document_digest(session.get_one(Document, "doc_sealed"))
            ink = Ink("Dana", None, "I agree.")
            assert sign_document(session, SEALS, "doc_sealed", signer, ink, shown=shown, at=AT) is Signing.DONE
    session = Session(seeded_store.engine)
    try:
        signature = session.exec(select(Signature)).one()
        assert check_signature(session, SEALS, signature) is Standing.INTACT
        setattr(signature, column, EDITS[column])
        session.flush()
        session.refresh(signature)
        assert check_signature(session, SEALS, signature) is Standing.ALTERED
    finally:
        session.rollback()
        session.close()


def test_a_signature_that_was_cut_out_is_missed(store: RecordsStore, paper: Document) -> None:
    """Deleting a signature in the middle or at the start breaks the chain at that number."""
    copies = [Document(**{**paper.model_dump(), "id": papers.new_document_id()}) for _ in range(3)]
    with change(store) as session:
        session.add_all(copies)
    for one in copies:
        sign(store, one)
    with change(store) as session:
        assert first_fault(session, SEALS, "northgate") is None
        session.execute(delete(Signature).where(col(Signature.document_id) == copies[1].id))
        assert first_fault(session, SEALS, "northgate") == 2
        ids = [one.id for one in copies]
        session.execute(delete(Outbox).where(col(Outbox.id).in_(ids)))
        session.execute(delete(Document).where(col(Document.id).in_(ids)))


_PLAIN: dict[str, Any] = {
    "practice_id": "northgate",
    "client_id": "mia",
    "category": "general",
    "state": "released",
    "signer_rule": "any_guardian",
    "signer_ids": [],
    "title": "Camp",
    "author": "ken",
    "dated": AT.date(),
    "body": "One.",
}


@pytest.fixture(scope="module")
def seeded_store(seeded_sqlite: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordsStore]:
    """One database for all edits, which are rolled back."""
    import shutil

    from gateway.records.store import RecordsStore

    path = tmp_path_factory.mktemp("seals") / "records.db"
    shutil.copy(seeded_sqlite, path)
    records = RecordsStore(f"sqlite:///{path}")
    yield records
    records.close()
