"""Documents as transactions: added, released, withdrawn, copied for each signer, signed (rows P8, P21; conflict c17).

Each function works in the caller's transaction (`RecordsStore.change`) and first locks the rows that it decides by, so
that of two who come at the same time the second finds what the first left. Every change goes with its facts (outbox).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlmodel import col, select

from gateway.records.seals import FIRST
from gateway.records.store import outbox_entry
from models.tables.papers import Signature, StoredFile
from models.tables.records import Document

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlmodel import Session

    from gateway.records.seals import Seals

DRAFT, RELEASED, SIGNED = "draft", "released", "signed"  # states of a document
NOBODY = "nobody"  # the signer rule by which nobody signs
EACH = "each_guardian"  # the signer rule by which everybody signs a copy of their own
COPY_KINDS = frozenset({"guardian", "co_parent", "caseworker"})  # who signs by that rule; docs/adr/0002
_CHAIN_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('signature/' || :practice))")


class Signing(StrEnum):
    """What came of a signature."""

    DONE = "done"
    BEFORE = "before"  # this person had signed it already
    CHANGED = "changed"  # it is no longer what the person was shown
    GONE = "gone"  # it was withdrawn meanwhile


class Standing(StrEnum):
    """What checking a signature found."""

    INTACT = "intact"
    CHANGED = "changed"  # the document was changed after it had been signed
    ALTERED = "altered"  # the record of the signature was edited


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: the account with its name, what it is to the client, and how it signed in (RFC 8176)."""

    account_id: str
    name: str
    kinds: tuple[str, ...]
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ink:
    """What the signer gave: the name as typed, perhaps a drawing (PNG), and the sentence that was agreed to."""

    typed_name: str
    drawn: bytes | None
    consent: str


def new_document_id() -> str:
    """An id that nobody can guess."""
    return f"doc_{secrets.token_hex(12)}"


def content_of(document: Document, file: StoredFile | None) -> bytes:
    """Exactly what a reader is shown of a document, as bytes; the file counts by its content, not by what is noted."""
    shown = {
        "document": document.id,
        "client": document.client_id,
        "title": document.title,
        "author": document.author,
        "dated": document.dated.isoformat(),
        "body": document.body,
        "file": None if file is None else hashlib.sha256(file.content).hexdigest(),
    }
    return json.dumps(shown, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()


def content_sha256(document: Document, file: StoredFile | None) -> str:
    """The SHA-256 of what is shown, in hexadecimal."""
    return hashlib.sha256(content_of(document, file)).hexdigest()


def file_of(session: Session, document: Document) -> StoredFile | None:
    """The file of a document, None for one that is text."""
    return None if document.file_id is None else session.get_one(StoredFile, document.file_id)


def signed_by_id(document: Document) -> list[str]:
    """The documents whose signatures go with this one: its own, and of a copy that was shared those of the original."""
    shared = document.original_id is not None and document.signer_rule == NOBODY
    return [document.id, str(document.original_id)] if shared else [document.id]


def signatures_of(session: Session, document_ids: Sequence[str]) -> list[Signature]:
    """The signatures on some documents, the oldest first."""
    chosen = select(Signature).where(col(Signature.document_id).in_(document_ids)).order_by(col(Signature.number))
    return list(session.exec(chosen))


def check_signature(session: Session, seals: Seals, signature: Signature) -> Standing:
    """Whether the record is as it was closed and the document as it was signed."""
    if not seals.fits(signature):
        return Standing.ALTERED
    document = session.get(Document, signature.document_id)
    if document is None or content_sha256(document, file_of(session, document)) != signature.content_sha256:
        return Standing.CHANGED
    return Standing.INTACT


def first_fault(session: Session, seals: Seals, practice_id: str) -> int | None:
    """The number of the first signature of a practice that was edited or dropped; None when all are in order."""
    chosen = select(Signature).where(Signature.practice_id == practice_id).order_by(col(Signature.number))
    return seals.first_fault(list(session.exec(chosen)))


def add_document(session: Session, document: Document) -> None:
    """Keep a new document."""
    session.add(document)
    session.add(outbox_entry("document", document))


def release_document(session: Session, document_id: str, signers: Mapping[str, str]) -> list[Document] | None:
    """Show a draft to the family; None when it is no draft any more.

    Where each guardian signs, each of `signers` (account -> name) gets a copy, and the copies are returned; otherwise
    the document is.
    """
    document = locked_document(session, document_id)
    if document is None or document.state != DRAFT or document.original_id is not None:
        return None
    change_state(session, document, RELEASED)
    if document.signer_rule != EACH:
        for named in locked_copies(session, document_id):  # Everybody sees the document itself from now on.
            change_state(session, named, DRAFT)
        return [document]
    kept = {copy.copy_of: copy for copy in locked_copies(session, document_id)}
    for copy in kept.values():
        change_state(session, copy, RELEASED)
    made = [add_copy(session, document, account, name) for account, name in signers.items() if account not in kept]
    return [*kept.values(), *made]


def withdraw_document(session: Session, document_id: str) -> bool:
    """Make a released document a draft again, its copies with it; False once anybody has signed it or a copy."""
    document = locked_document(session, document_id)
    if document is None or document.state != RELEASED or document.original_id is not None:
        return False
    group = [document, *locked_copies(session, document_id)]
    if signatures_of(session, [one.id for one in group]):
        return False
    for one in group:
        change_state(session, one, DRAFT)
    return True


def share_document(session: Session, document_id: str) -> bool:
    """Show what one person handed in to all who may see the client's documents; False when it is shared already."""
    document = locked_document(session, document_id)
    if document is None or document.uploaded_by is None or document.copy_of is None:
        return False
    document.copy_of = None
    session.add(document)
    session.add(outbox_entry("document", document))
    return True


def may_be_named(document: Document) -> bool:
    """Whether a document can be shared with named people: a draft of the practice that nobody has to sign."""
    return document.state == DRAFT and document.signer_rule == NOBODY and document.copy_of is None


def share_by_name(session: Session, document_id: str, accounts: Collection[str]) -> list[Document] | None:
    """Give each of the accounts a copy of a draft that only they see, and take those of all others back (c16).

    The copies that stand now; None when the draft cannot be shared like this any more.
    """
    document = locked_document(session, document_id)
    if document is None or not may_be_named(document):
        return None
    kept = {str(copy.copy_of): copy for copy in locked_copies(session, document_id)}
    for account, copy in kept.items():
        state = RELEASED if account in accounts else DRAFT
        if copy.state != state:
            change_state(session, copy, state)
    made = [add_copy(session, document, account) for account in sorted(accounts) if account not in kept]
    return [*(copy for account, copy in kept.items() if account in accounts), *made]


def copies_of(session: Session, original_id: str) -> list[Document]:
    """The signers' own copies of a document."""
    return list(session.exec(select(Document).where(Document.original_id == original_id).order_by(col(Document.id))))


def locked_copies(session: Session, original_id: str) -> list[Document]:
    """The copies as they are now, held until the transaction ends."""
    chosen = select(Document).where(Document.original_id == original_id).order_by(col(Document.id))
    return list(session.exec(chosen.with_for_update().execution_options(populate_existing=True)))


def own_copy(session: Session, original_id: str, account_id: str, name: str) -> Document | None:
    """The signer's own copy of a released document that each guardian signs, made now if there is none yet."""
    original = locked_document(session, original_id)
    if original is None or original.state != RELEASED or original.signer_rule != EACH or original.copy_of is not None:
        return None
    kept = {copy.copy_of: copy for copy in locked_copies(session, original_id)}
    return kept.get(account_id) or add_copy(session, original, account_id, name)


def sign_document(
    session: Session, seals: Seals, document_id: str, signer: Signer, ink: Ink, *, shown: str, at: datetime
) -> Signing:
    """Put a signature on a document, once for each person, and close the document when nobody is missing.

    `shown` is the SHA-256 of what the person was shown. Who may sign was decided before.
    """
    document = locked_document(session, document_id)
    if document is None:
        return Signing.GONE
    present = signatures_of(session, [document_id])
    if any(one.account_id == signer.account_id for one in present):
        return Signing.BEFORE
    # What each guardian signs is a copy of their own: a signature on the original would close it for the others (P8).
    if document.state != RELEASED or (document.signer_rule == EACH and document.copy_of is None):
        return Signing.GONE
    digest = content_sha256(document, file_of(session, document))
    if digest != shown:
        return Signing.CHANGED
    session.add(_closed(session, seals, document, signer, ink, digest=digest, at=at))
    signed = {signer.account_id, *(one.account_id for one in present)}
    if document.signer_rule != "named" or signed.issuperset(document.signer_ids):
        change_state(session, document, SIGNED)
    return Signing.DONE


def seal_signature(
    session: Session, seals: Seals, document: Document, signer: Signer, ink: Ink, *, at: datetime
) -> Signature:
    """Put the first signature on a new document that was made to be signed; one that is released is closed by it."""
    session.flush()
    digest = content_sha256(document, file_of(session, document))
    signature = _closed(session, seals, document, signer, ink, digest=digest, at=at)
    session.add(signature)
    if document.state == RELEASED:
        document.state = SIGNED
    return signature


def _closed(
    session: Session, seals: Seals, document: Document, signer: Signer, ink: Ink, *, digest: str, at: datetime
) -> Signature:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_CHAIN_LOCK, {"practice": document.practice_id})
    newest = select(Signature).where(Signature.practice_id == document.practice_id)
    last = session.exec(newest.order_by(col(Signature.number).desc()).limit(1)).first()
    signature = Signature(
        id=secrets.token_urlsafe(18),
        practice_id=document.practice_id,
        number=1 if last is None else last.number + 1,
        client_id=document.client_id,
        document_id=document.id,
        account_id=signer.account_id,
        name=signer.name,
        typed_name=ink.typed_name,
        drawn=ink.drawn,
        kinds=list(signer.kinds),
        amr=list(signer.amr),
        consent=ink.consent,
        signed_at=at.replace(microsecond=0),
        content_sha256=digest,
        previous=FIRST if last is None else last.seal,
        seal="",
    )
    signature.seal = seals.close(signature)
    return signature


def locked_document(session: Session, document_id: str) -> Document | None:
    """The document as it is now, held until the transaction ends (on SQLite the whole database is)."""
    found = select(Document).where(Document.id == document_id)
    return session.exec(found.with_for_update().execution_options(populate_existing=True)).first()


def change_state(session: Session, document: Document, state: str) -> None:
    """Draft, released or signed; the facts go with it."""
    document.state = state
    session.add(document)
    session.add(outbox_entry("document", document))


def add_copy(session: Session, original: Document, account_id: str, name: str = "") -> Document:
    """A person's own copy of a document."""
    copy = Document(
        id=new_document_id(),
        practice_id=original.practice_id,
        client_id=original.client_id,
        category=original.category,
        state=RELEASED,
        signer_rule=original.signer_rule,
        signer_ids=[],
        copy_of=account_id,
        title=f"{original.title} ({name})" if name else original.title,
        author=original.author,
        dated=original.dated,
        body=original.body,
        file_id=original.file_id,
        original_id=original.id,
    )
    add_document(session, copy)
    return copy
