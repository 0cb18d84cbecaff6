"""Whatever two tabs save, no answer is lost unseen, and however often a form is sent, it is completed once."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlmodel import Session, col, select

from gateway.edge.errors import NotFound
from gateway.portal.intake import completing, filling
from gateway.portal.intake.completing import Sending, Signing, complete, is_unchanged
from gateway.portal.intake.filling import save_answers
from gateway.portal.intake.merging import merge
from gateway.records.papers import Ink, Signer, signatures_of
from gateway.records.seals import Seals
from models.tables.intake import FormAnswer
from models.tables.mail import Notice
from models.tables.papers import StoredFile
from models.tables.records import Document, Form, Outbox, Practice
from tests.gateway.intake.conftest import give

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.records.store import RecordsStore

SEALS = Seals(b"a secret of thirty-two bytes or so")
NOW = datetime(2026, 6, 15, 19, tzinfo=UTC)
QUESTIONS = ("called", "email", "phone")
WORDS = st.sampled_from([None, "a", "b", "c"])
# What a tab does: open the page again, or write an answer and save what its page holds.
ACTS = st.lists(st.tuples(st.integers(0, 1), st.one_of(st.none(), st.tuples(st.sampled_from(QUESTIONS), WORDS))))


def save(session: Session, form: Form, sent: dict[str, Any], *, seen: int, account: str = "dana") -> filling.Saved:
    return save_answers(session, form, seen=seen, sent=sent, account_id=account, now=NOW)


@pytest.mark.usefixtures("records_url")
class TestTwoTabs:
    """Saves of two pages of one form, in any order."""

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(acts=ACTS)
    def test_each_answer_typed_is_kept_shown_to_choose_from_or_replaced_by_one_who_saw_it(
        self, store: RecordsStore, acts: list[tuple[int, tuple[str, Any] | None]]
    ) -> None:
        with store.session("northgate", writing=True) as session:
            form = give(session, "intake")
            tabs: list[tuple[int, dict[str, Any]]] = [(0, {}), (0, {})]
            for tab, act in acts:
                if act is None:
                    tabs[tab] = (form.version, dict(form.answers))
                    continue
                seen, base = tabs[tab]
                question, word = act
                page = {key: base.get(key) for key in QUESTIONS} | {question: word}
                before = dict(form.answers)
                saved = save(session, form, page, seen=seen)
                form = saved.form
                for key in QUESTIONS:
                    typed, was, now = page[key], before.get(key), form.answers.get(key)
                    if typed != base.get(key):
                        assert now == typed or saved.conflicts[key].typed == typed, "what was typed is lost"
                    if now != was:
                        assert was == base.get(key), "an answer was replaced that the page never showed"
                tabs[tab] = (saved.form.version, dict(saved.form.answers))
            session.rollback()


@given(*[st.dictionaries(st.sampled_from(QUESTIONS), WORDS) for _ in range(3)])
def test_merging_writes_or_shows_every_change_and_nothing_else(
    base: dict[str, Any], current: dict[str, Any], sent: dict[str, Any]
) -> None:
    joined = merge(base, current, sent)
    assert not joined.changes.keys() & joined.conflicts.keys()
    for key, typed in sent.items():
        changed = typed not in (base.get(key), current.get(key))
        assert changed == (key in joined.changes or key in joined.conflicts)
        assert (key in joined.conflicts) == (changed and base.get(key) != current.get(key))


def at_once(store: RecordsStore, *works: Callable[[Session], Any]) -> list[Any]:
    """What transactions that start together return, or the error that each ended with."""
    gate, results = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[Session], Any]) -> None:
        gate.wait()
        try:
            with store.session("northgate", writing=True) as session:
                results[place] = work(session)
        except Exception as error:  # noqa: BLE001 - it is what the test looks at.
            results[place] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def new_form(store: RecordsStore, template: str = "privacy") -> Form:
    with store.session("northgate", writing=True) as session:
        return give(session, template)


def remove(store: RecordsStore, form: Form) -> None:
    """Leave the database as it was found."""
    with store.session("northgate", writing=True) as session:
        for document in session.exec(select(Document).where(Document.title == form.title, Document.body == "")):
            for signature in signatures_of(session, [document.id]):
                session.delete(signature)
            session.delete(document)
            session.delete(session.get_one(StoredFile, document.file_id))
        for table in (FormAnswer, Notice, Outbox):
            for row in session.exec(select(table)):
                named = {getattr(row, name, None) for name in ("form_id", "item_id", "id")}
                if form.id in named or getattr(row, "path", "").endswith(form.id):
                    session.delete(row)
        session.delete(session.get_one(Form, form.id))


def sending(store: RecordsStore, seen: int = 0) -> Sending:
    with store.session("northgate") as session:
        practice = session.get_one(Practice, "northgate")
    return Sending(
        account_id="dana",
        account_name="Dana Novak",
        seen=seen,
        language="en",
        now=NOW,
        today=date(2026, 6, 15),
        practice=practice,
        client_name="Mia Novak",
        signing=Signing(
            Signer("dana", "Dana Novak", ("guardian",), ("pwd",)), Ink("Dana Novak", None, "I sign."), SEALS
        ),
        staff=["jo"],
    )


def documents_of(store: RecordsStore, form: Form) -> int:
    with store.session("northgate") as session:
        found = session.exec(select(Document).where(Document.title == form.title, Document.body == "")).all()
    return len(found)


def test_two_saves_at_the_same_moment_are_both_kept(store: RecordsStore) -> None:
    form = new_form(store, "intake")
    at_once(
        store,
        *(
            lambda session, key=key: save(session, form, {key: "x"}, seen=0)  # type: ignore[misc]
            for key in QUESTIONS
        ),
    )
    with store.session("northgate") as session:
        kept = session.get_one(Form, form.id)
    assert kept.answers == dict.fromkeys(QUESTIONS, "x")
    remove(store, form)


def test_what_is_kept_of_the_way_has_an_end_and_a_page_from_before_chooses(
    store: RecordsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often a form is saved; a page from before that overwrites nothing unseen, a newer one is merged."""
    monkeypatch.setattr(filling, "VERSIONS_KEPT", 5)
    form, (first, other, *_) = new_form(store, "intake"), QUESTIONS
    with store.session("northgate", writing=True) as session:
        for version in range(20):
            save(session, form, {first: f"a{version}"}, seen=version)
        kept = session.exec(select(FormAnswer).where(FormAnswer.form_id == form.id)).all()
        assert len(kept) == 6
        old = save(session, form, {first: "mine", other: "x"}, seen=3)
        assert set(old.conflicts) == {first, other}
        recent = save(session, form, {first: "b", other: "x"}, seen=18)
        assert set(recent.conflicts) == {first}
        assert recent.form.answers[other] == "x"
    remove(store, form)


def test_a_form_sent_several_times_at_once_is_completed_once(store: RecordsStore) -> None:
    form = new_form(store)
    given_ = sending(store)
    outcomes = at_once(store, *[lambda session: complete(session, form, given_)] * 4)
    assert [outcome.sent for outcome in outcomes] == [True] * 4
    assert documents_of(store, form) == 1
    with store.session("northgate") as session:
        kept = session.get_one(Form, form.id)
        registered = {(row.type, row.id) for row in session.exec(select(Outbox))}
        told = [row.subject_id for row in session.exec(select(Notice)) if row.path.endswith(form.id)]
    assert is_unchanged(kept)
    assert {("form", form.id), ("document", kept.document_id)} <= registered
    assert sorted(told) == ["dana", "jo"], "the filler when it was sent to them, the practice once when it came back"
    remove(store, form)


def test_without_the_claim_it_would_be_completed_twice(store: RecordsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    form = new_form(store)
    given_ = sending(store)

    def take(session: Session, row: Form) -> bool:
        session.execute(update(Form).where(col(Form.id) == row.id).values(version=Form.version + 1))
        return True

    monkeypatch.setattr(completing, "claim", take)
    monkeypatch.setattr(Session, "get_one", _as_first_read(form, Session.get_one))
    for _ in range(2):
        with store.session("northgate", writing=True) as session:
            complete(session, form, given_)
    monkeypatch.undo()
    assert documents_of(store, form) == 2
    remove(store, form)


def _as_first_read(form: Form, get_one: Callable[..., Any]) -> Callable[..., Any]:
    """Read the form as a transaction that began before the other one ended would."""

    def read(self: Session, table: Any, key: Any, **kwargs: Any) -> Any:
        row = get_one(self, table, key, **kwargs)
        if table is Form and key == form.id:
            self.execute(update(Form).where(col(Form.id) == key).values(state="sent", version=0))
            self.refresh(row)
        return row

    return read


def test_a_form_that_became_somebody_elses_takes_no_answer(store: RecordsStore) -> None:
    form = new_form(store)
    with store.session("northgate", writing=True) as session:
        session.get_one(Form, form.id).filler_id = "sam"
    with store.session("northgate", writing=True) as session, pytest.raises(NotFound):
        save(session, form, {"received": True}, seen=0)
    with store.session("northgate", writing=True) as session, pytest.raises(NotFound):
        complete(session, form, sending(store))
    remove(store, form)


def test_an_answer_changed_after_the_signature_is_noticed(store: RecordsStore) -> None:
    form = new_form(store)
    with store.session("northgate", writing=True) as session:
        complete(session, form, sending(store))
    with store.session("northgate", writing=True) as session:
        kept = session.get_one(Form, form.id)
        assert is_unchanged(kept)
        kept.answers = {"received": False}
        assert not is_unchanged(kept)
    remove(store, form)
