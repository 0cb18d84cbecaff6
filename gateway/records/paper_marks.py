"""What marks a document, changed after it was kept: its category, and who signs (rows P21, P22; conflict c17).

Signatures are never touched. Once anybody has signed, who signs stays as it is, so that a signature stays what it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.records.papers import (
    DRAFT,
    EACH,
    RELEASED,
    add_copy,
    change_state,
    locked_copies,
    locked_document,
    signatures_of,
)
from gateway.records.store import outbox_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlmodel import Session

    from models.tables.records import Document


class Marking(StrEnum):
    """What came of a change of marks."""

    DONE = "done"
    CHANGED = "changed"  # somebody else changed them first
    SIGNED = "signed"  # somebody has signed, so who signs stays


@dataclass(frozen=True, slots=True)
class Marks:
    """The category of a document and who signs it; `signers` are account ids, where the rule is `named`."""

    category: str
    signer_rule: str
    signers: tuple[str, ...] = ()

    @property
    def signing(self) -> tuple[str, tuple[str, ...]]:
        """Who signs."""
        return self.signer_rule, self.signers


def marks_of(document: Document) -> Marks:
    """The marks that a document has."""
    return Marks(document.category, document.signer_rule, tuple(sorted(document.signer_ids)))


def mark_document(
    session: Session, document_id: str, seen: Marks, wanted: Marks, signers: Mapping[str, str]
) -> Marking:
    """Give a document and its copies other marks, unless they are no longer the `seen` ones.

    `signers` (account -> name) get copies of a released document that each guardian is to sign from now on.
    """
    document = locked_document(session, document_id)
    if document is None or document.original_id is not None or marks_of(document) != seen:
        return Marking.CHANGED
    copies = locked_copies(session, document_id)
    if wanted.signing != seen.signing and signatures_of(session, [one.id for one in (document, *copies)]):
        return Marking.SIGNED
    document.signer_rule, document.signer_ids = wanted.signer_rule, list(wanted.signers)
    for one in (document, *copies):
        one.category = wanted.category
        session.add(one)
        session.add(outbox_entry("document", one))
    if document.state == RELEASED and wanted.signing != seen.signing:
        _hand_out(session, document, copies, signers)
    return Marking.DONE


def _hand_out(session: Session, document: Document, copies: list[Document], signers: Mapping[str, str]) -> None:
    """Copies for each signer where each signs; where they do not any more, the copies become drafts."""
    each, own = document.signer_rule == EACH, [copy for copy in copies if copy.signer_rule == EACH]
    for copy in own:
        change_state(session, copy, RELEASED if each else DRAFT)
    kept = {copy.copy_of for copy in own}
    for account_id, name in signers.items() if each else ():
        if account_id not in kept:
            add_copy(session, document, account_id, name)
