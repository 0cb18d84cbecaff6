"""Sending a form: signed or not, completed once, and laid among the client's general documents (rows Y16, Y20, c16).

A signature is that of a document (gateway.records.papers): it is put on the paper that the form becomes. The form keeps
the fingerprint of its questions and answers as they were at that moment, so that a later change is seen there, too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.edge.errors import NotFound
from gateway.notices.notify import Event, notify_staff
from gateway.portal.intake.filling import claim, forget_history
from gateway.portal.intake.paper import write_paper
from gateway.portal.intake.questions import Visibility, in_language, read_questions, shown
from gateway.records.files import Upload, keep_file
from gateway.records.papers import new_document_id, seal_signature
from gateway.records.store import outbox_entry
from gateway.web.language import N_
from models.tables.records import Document, Form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from typing import Any

    from sqlmodel import Session

    from gateway.records.papers import Ink, Signer
    from gateway.records.seals import Seals
    from models.tables.papers import Signature
    from models.tables.records import Practice

CONSENT = N_(
    "I agree to sign this form electronically. My electronic signature counts like one by hand. "
    "I can ask the practice for a paper copy, or to sign on paper instead, at any time before I sign."
)


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs, what they gave, and what closes it."""

    signer: Signer
    ink: Ink
    seals: Seals


@dataclass(frozen=True, slots=True)
class Sending:
    """Who sends the form, when, and whom the practice tells. `seen` is the version that was reviewed."""

    account_id: str
    account_name: str
    seen: int
    language: str
    now: datetime
    today: date
    practice: Practice
    client_name: str
    signing: Signing | None
    staff: Sequence[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The form afterwards. `sent` is false when it was changed after the review, so that nothing was done.

    `signature` is the one that was put on it just now.
    """

    form: Form
    sent: bool
    signature: Signature | None = None


def complete(session: Session, opened: Form, sending: Sending) -> Outcome:
    """Complete the form, once; NotFound when it became somebody else's. Runs in `RecordsStore.change`.

    UploadRefused when the client's documents have no room for it.
    """
    form = session.get_one(Form, opened.id, populate_existing=True)
    if form.filler_id not in (opened.filler_id, sending.account_id):
        raise NotFound
    if form.state == "completed":
        return Outcome(form, sent=True)
    if form.version != sending.seen or not claim(session, form):
        session.refresh(form)
        return Outcome(form, sent=form.state == "completed")
    session.refresh(form)
    if form.filler_id is None and form.visibility != Visibility.FAMILY:
        form.filler_id = sending.account_id
    form.state, form.completed_on, form.completed_by = "completed", sending.today, sending.account_id
    form.language, form.ready_at = sending.language, None
    asked = {question.id for question in shown(read_questions(form.questions), form.answers)}
    form.answers = {key: answer for key, answer in form.answers.items() if key in asked}
    document = _document(session, form, sending)
    form.document_id = document.id
    session.add(document)
    signature = None
    if sending.signing is not None:
        signing = sending.signing
        signature = seal_signature(session, signing.seals, document, signing.signer, signing.ink, at=sending.now)
        form.signature = _signature(form, signature)
    session.add_all([form, outbox_entry("form", form), outbox_entry("document", document)])
    forget_history(session, form.id)
    notify_staff(
        session,
        Event.FORM,
        practice_id=form.practice_id,
        client_id=form.client_id,
        staff=sending.staff,
        path=f"/admin/clients/{form.client_id}/forms/{form.id}",
    )
    return Outcome(form, sent=True, signature=signature)


def hand_over(session: Session, opened: Form, *, seen: int, now: datetime) -> Outcome:
    """Say that the form waits for the signature of somebody else; not sent when it was changed after the review."""
    form = session.get_one(Form, opened.id, populate_existing=True)
    if form.state == "completed" or form.version != seen or not claim(session, form):
        return Outcome(form, sent=False)
    session.refresh(form)
    form.state, form.ready_at = "in_progress", now
    session.add_all([form, outbox_entry("form", form)])
    return Outcome(form, sent=True)


def fingerprint(form: Form) -> str:
    """SHA-256, in hexadecimal, of what the form asks and what it was answered with."""
    content: Mapping[str, Any] = {
        "form": form.id,
        "client": form.client_id,
        "questions": form.questions,
        "answers": form.answers,
        "language": form.language,
    }
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


def is_unchanged(form: Form) -> bool:
    """Whether a signed form is still what was signed."""
    return form.signature is None or form.signature.get("sha256") == fingerprint(form)


def _signature(form: Form, signature: Signature) -> dict[str, Any]:
    """What the form's own page says of its signature; `id` is what it is checked by."""
    return {
        "id": signature.id,
        "name": signature.typed_name,
        "consent": signature.consent,
        "signer_id": signature.account_id,
        "signer_name": signature.name,
        "signed_at": signature.signed_at.isoformat(timespec="seconds"),
        "method": "typed" if signature.drawn is None else "drawn",
        "sha256": fingerprint(form),
    }


def _document(session: Session, form: Form, sending: Sending) -> Document:
    title = in_language(form.titles or {"en": form.title}, form.language)
    content = write_paper(form, sending.practice, sending.client_name, sending.account_name)
    file_id = keep_file(
        session,
        Upload(f"{title}.pdf", "application/pdf", content),
        practice_id=form.practice_id,
        client_id=form.client_id,
        by=f"account/{sending.account_id}",
    )
    return Document(
        id=new_document_id(),
        practice_id=form.practice_id,
        client_id=form.client_id,
        category="general",
        # A draft is never shown at home: the practice may release it.
        state="draft" if form.visibility == Visibility.PRACTICE else "released",
        signer_rule="nobody",
        copy_of=sending.account_id if form.visibility == Visibility.FILLER else None,
        title=title,
        author="",
        dated=sending.today,
        body="",
        file_id=file_id,
    )
