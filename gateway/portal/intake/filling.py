"""Saving an open form: every save is a new version, and no save undoes another one unseen (row W3).

Each function runs in a transaction of `RecordsStore.change`. The row is claimed by an UPDATE that names the version
that was read, so that of two saves at the same moment one is repeated on top of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, delete, func, update
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from gateway.edge.errors import NotFound
from gateway.portal.intake.merging import Conflict, merge
from gateway.portal.intake.questions import Visibility
from gateway.records.store import outbox_entry
from models.tables.intake import FormAnswer
from models.tables.records import Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlmodel import Session

TRIES = 20
VERSIONS_KEPT = 200  # of the answers on the way: as far back may a page be that is still merged by itself


@dataclass(frozen=True, slots=True)
class Saved:
    """The form after a save. What is in `conflicts` was not written: the reader has to choose.

    `completed`: the form was sent meanwhile, and nothing was written.
    """

    form: Form
    conflicts: Mapping[str, Conflict]
    completed: bool = False


def save_answers(
    session: Session, opened: Form, *, seen: int, sent: Mapping[str, Any], account_id: str, now: datetime
) -> Saved:
    """Write what was sent with a page that showed version `seen` of the form that the guard let through.

    NotFound when the form became somebody else's meanwhile.
    """
    for _ in range(TRIES):
        form = session.get_one(Form, opened.id, populate_existing=True)
        if form.filler_id not in (opened.filler_id, account_id):
            raise NotFound
        if form.state == "completed":
            left = {key: Conflict(form.answers.get(key), typed) for key, typed in sent.items()}
            return Saved(form, {key: one for key, one in left.items() if one.typed != one.saved}, completed=True)
        joined = merge(_answers_at(session, form, seen, sent), form.answers, sent)
        if not joined.changes and form.state != "sent":
            return Saved(form, joined.conflicts)
        if claim(session, form):
            _write(session, form, joined.changes, account_id, now)
            return Saved(form, joined.conflicts)
    raise RuntimeError(f"form {opened.id} was changed by others {TRIES} times in a row")


def forget_history(session: Session, form_id: str) -> None:
    """Delete what the answers were on the way; a completed form keeps only what was sent."""
    session.execute(delete(FormAnswer).where(col(FormAnswer.form_id) == form_id))


def claim(session: Session, form: Form) -> bool:
    """Make the next version the transaction's own; False when somebody else was quicker, or sent the form."""
    claimed = session.execute(
        update(Form)
        .where(col(Form.id) == form.id, col(Form.version) == form.version, col(Form.state) != "completed")
        .values(version=form.version + 1)
        .execution_options(synchronize_session=False)
    )
    return isinstance(claimed, CursorResult) and claimed.rowcount == 1


def _write(session: Session, form: Form, changes: Mapping[str, Any], account_id: str, now: datetime) -> None:
    before = form.answers
    session.refresh(form)
    started = form.state == "sent"
    claims = form.filler_id is None and form.visibility != Visibility.FAMILY
    form.answers = {key: value for key, value in {**before, **changes}.items() if value is not None}
    form.state = "in_progress"
    form.ready_at = None  # Whoever signs, signs what is there now.
    if claims:
        form.filler_id = account_id
    kept: list[tuple[str, int, Any]] = []
    known = set(session.exec(select(FormAnswer.question_id).where(FormAnswer.form_id == form.id)))
    for key, value in changes.items():
        if key not in known:  # So that a page that showed the form before this save finds what it showed.
            kept.append((key, 0, before.get(key)))
        kept.append((key, form.version, value))
    session.add_all(
        FormAnswer(
            form_id=form.id,
            question_id=key,
            version=version,
            practice_id=form.practice_id,
            value=value,
            account_id=account_id,
            answered_at=now,
        )
        for key, version, value in kept
    )
    session.add(form)
    _forget_long_ago(session, form)
    if started or claims:
        session.add(outbox_entry("form", form))


def _forget_long_ago(session: Session, form: Form) -> None:
    """Of each answer keep what it was `VERSIONS_KEPT` versions ago, and nothing from before."""
    horizon, older = form.version - VERSIONS_KEPT, aliased(FormAnswer)
    if horizon <= 0:
        return
    then = select(func.max(older.version)).where(
        older.form_id == form.id, older.question_id == FormAnswer.question_id, older.version <= horizon
    )
    session.execute(
        delete(FormAnswer)
        .where(col(FormAnswer.form_id) == form.id, col(FormAnswer.version) < then.scalar_subquery())
        .execution_options(synchronize_session=False)
    )


def _answers_at(session: Session, form: Form, version: int, asked: Iterable[str]) -> dict[str, Any]:
    """The answers as a version had them; what nobody knows any more is like nothing else."""
    answers = dict(form.answers)
    if version < form.version - VERSIONS_KEPT:
        return dict.fromkeys(asked, object())
    if version >= form.version:
        return answers
    kept = session.exec(select(FormAnswer).where(FormAnswer.form_id == form.id).order_by(col(FormAnswer.version))).all()
    first = {}
    for entry in kept:
        if entry.version <= version or entry.question_id not in first:
            first[entry.question_id] = entry.value
    return answers | first
