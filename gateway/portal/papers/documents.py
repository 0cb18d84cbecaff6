"""Documents: the list, one to read, its file, and what families hand in (rows P5, P7, P21, Y20)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from sqlalchemy import exists
from sqlalchemy.orm import aliased
from sqlmodel import col

from gateway.edge.questions import listing, may
from gateway.portal.papers.printing import Letter, print_document
from gateway.records.files import (
    ACCEPT,
    FILE_BYTES_MAX,
    attachment,
    file_answer,
    load_file,
)
from gateway.records.papers import EACH, NOBODY, RELEASED, content_sha256, signatures_of, signed_by_id
from gateway.web.formats import day
from gateway.web.language import N_, _, language
from gateway.web.once import new_key
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.staff import staff_names
from gateway.web.today import zone_of
from gateway.web.words import Badge
from models.tables.papers import Signature
from models.tables.records import Document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.papers import StoredFile

SIZE = 50
TO_SIGN_MAX = 100
TITLE_CHARACTERS_MAX = 120
PDF = "application/pdf"
CATEGORIES: Mapping[str, str] = {
    "billing": N_("Billing"),
    "legal": N_("Legal"),
    "sensitive": N_("Sensitive"),
    "minor_consented": N_("Private"),
    "part2": N_("Protected"),
}
_PRINTERS = CapacityLimiter(2)  # at once: each takes a core while it lasts
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document in words; `body` in paragraphs."""

    id: str
    href: str
    title: str
    summary: str
    state: Badge | None
    to_sign: bool
    body: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignatureView:
    """A signature as this reader may know it: one's own with its details, another's only by its day."""

    sentence: str
    check: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a form; `field` is the id of the control."""

    field: str
    sentence: str


def describe(row: Document, *, source: str, to_sign: bool) -> DocumentView:
    """The document as this reader sees it; `source` says whom it is from."""
    parts = (day(row.dated), source, _(CATEGORIES[row.category]) if row.category in CATEGORIES else "")
    return DocumentView(
        id=row.id,
        href=f"/c/{row.client_id}/documents/{row.id}",
        title=row.title,
        summary=" · ".join(part for part in parts if part),
        state=Badge(_("Signed"), "good") if row.state == "signed" else None,
        to_sign=to_sign,
        body=paragraphs(row.body),
    )


def paragraphs(text: str) -> tuple[str, ...]:
    """The paragraphs of a text, which empty lines separate."""
    return tuple(part for part in (block.strip() for block in _BLANK_LINE.split(text)) if part)


async def documents(request: Request) -> Response:
    """The documents the reader may read, those waiting for their signature first."""
    return await show_documents(request)


async def show_documents(
    request: Request, *, title: str = "", problems: Sequence[Problem] = (), status: int = 200
) -> Response:
    """The list; with `problems`, after a file that was not taken."""
    signing = await documents_to_sign(request)
    found = await listing(
        request,
        "document",
        order_by=(col(Document.dated).desc(),),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    waiting = {view.id for view in signing}
    others = await in_words(request, [row for row in found.rows if row.id not in waiting], to_sign=False)
    pages = pages_of(request, found.total, SIZE)
    (may_upload,) = await may(request, [("upload", "document", {})])
    return await page(
        request,
        "portal/documents.html",
        status=status,
        to_sign=signing if pages.number == 1 else [],
        others=others,
        pages=pages,
        may_upload=may_upload,
        once=new_key(),
        title=title,
        problems=problems,
        accept=ACCEPT,
        megabytes=FILE_BYTES_MAX // 1024**2,
    )


async def documents_to_sign(request: Request) -> list[DocumentView]:
    """The documents that wait for the reader's signature."""
    found = await listing(
        request,
        "document",
        action="sign",
        where=unsigned_by(request.state.reader.id),
        order_by=(col(Document.dated).desc(),),
        limit=TO_SIGN_MAX,
    )
    return await in_words(request, found.rows, to_sign=True)


def unsigned_by(account_id: str) -> ColumnElement[bool]:
    """What the account has not signed; an original does not wait for whoever has a copy of their own (row P8)."""
    own = aliased(Document)
    has_copy = exists().where(col(own.original_id) == col(Document.id), col(own.copy_of) == account_id)
    has_signed = exists().where(col(Signature.document_id) == col(Document.id), col(Signature.account_id) == account_id)
    return ~has_copy & ~has_signed


async def document(request: Request) -> Response:
    """One document to read."""
    return await show_document(request)


async def show_document(
    request: Request,
    *,
    typed_name: str = "",
    agreed: bool = False,
    problems: Sequence[Problem] = (),
    status: int = 200,
) -> Response:
    """The document with all that the reader may do with it; with `problems`, after a signature that did not count."""
    row: Document = request.state.item
    reader, state = request.state.reader, request.app.state
    may_download, may_sign = await may(request, [("download", "document", row), ("sign", "document", row)])
    own = await _own_copy(request, row)
    signatures: list[Signature] = await state.records.read(
        row.practice_id, lambda session: signatures_of(session, signed_by_id(row))
    )
    has_signed = any(one.account_id == reader.id for one in signatures)
    signs_copy = row.signer_rule == EACH and row.copy_of is None
    to_sign = may_sign and not has_signed and own is None
    (paper,) = await in_words(request, [row], to_sign=to_sign)
    file = None if row.file_id is None else await load_file(state.records, row.practice_id, row.file_id)
    return await page(
        request,
        "portal/document.html",
        status=status,
        paper=paper,
        file=file,
        may_download=may_download,
        signatures=[_signature_view(request, one) for one in signatures],
        own=own,
        is_named=row.copy_of is not None and row.original_id is not None and row.signer_rule == NOBODY,
        may_copy=to_sign and signs_copy,
        may_sign=to_sign and not signs_copy,
        waits_for_others=has_signed and row.state == RELEASED,
        shown=content_sha256(row, file) if to_sign else "",
        consent=consent_sentence(),
        typed_name=typed_name,
        agreed=agreed,
        problems=problems,
    )


def consent_sentence() -> str:
    """What a signer agrees to, in the reader's language (15 U.S.C. 7001(c))."""
    return _(
        "I agree to sign this document electronically. My electronic signature counts like one by hand. "
        "I can ask the practice for a paper copy, or to sign on paper instead, at any time before I sign."
    )


async def _own_copy(request: Request, row: Document) -> DocumentView | None:
    """The reader's own copy of an original, when it may be read."""
    if row.copy_of is not None or row.signer_rule != EACH:
        return None
    mine = (col(Document.original_id) == row.id) & (col(Document.copy_of) == request.state.reader.id)
    found = await listing(request, "document", where=mine, limit=1)
    views = await in_words(request, found.rows, to_sign=False)
    return views[0] if views else None


def _signature_view(request: Request, signature: Signature) -> SignatureView:
    signed = signature.signed_at.astimezone(zone_of(request))
    if signature.account_id != request.state.reader.id:  # Another's name and proof are the other's (row P8).
        return SignatureView(_("Signed by another person on %(day)s.", day=day(signed.date())), "")
    sentence = _("You signed this as %(name)s on %(day)s.", name=signature.typed_name, day=day(signed.date()))
    return SignatureView(sentence, f"/verify/{signature.practice_id}.{signature.id}")


async def document_file(request: Request) -> Response:
    """The document to keep: as PDF, with a page for the signatures; what was handed in as it is."""
    row: Document = request.state.item
    return await document_answer(request, row, reader_id=request.state.reader.id)


async def document_answer(request: Request, row: Document, *, reader_id: str | None, notice: str = "") -> Response:
    """The file of a document for a reader; staff (None) get every signature, families the details of their own.

    `notice` is what must go with it.
    """
    state, client = request.app.state, request.state.client
    file: StoredFile | None = (
        None if row.file_id is None else await load_file(state.records, row.practice_id, row.file_id)
    )
    signatures: list[Signature] = await state.records.read(
        row.practice_id, lambda session: signatures_of(session, signed_by_id(row))
    )
    if file is not None and (not (signatures or notice) or file.media_type != PDF):
        return file_answer(file)
    practice = await state.records.practice(row.practice_id)
    (paper,) = await in_words(request, [row], to_sign=False)
    letter = Letter(
        practice_name=client.practice_name,
        letterhead=practice.letterhead,
        about=client.name,
        title=row.title,
        summary=paper.summary,
        body=paper.body,
        zone=client.zone,
        site=state.settings.public_url,
        language=language(),
        notice=notice,
    )
    printing = partial(print_document, letter, file, signatures, reader_id=reader_id)
    content = await to_thread.run_sync(printing, limiter=_PRINTERS)
    return attachment(f"{file_stem(row.title)}.pdf", PDF, content)


async def in_words(request: Request, rows: Sequence[Document], *, to_sign: bool) -> list[DocumentView]:
    """The documents with the names of their authors."""
    authors = await staff_names(request, [row.author for row in rows if row.author])
    reader_id = "" if request.state.reader is None else request.state.reader.id
    return [describe(row, source=_source(row, authors, reader_id), to_sign=to_sign) for row in rows]


def _source(row: Document, authors: Mapping[str, str], reader_id: str) -> str:
    if row.uploaded_by is not None:
        return _("handed in by you") if row.uploaded_by == reader_id else _("handed in by the family")
    author = authors.get(row.author)
    return _("from %(name)s", name=author) if author else ""


def file_stem(title: str) -> str:
    """A title as the stem of a file's name."""
    return " ".join(re.sub(r"[^\w .()-]+", " ", title).split()).strip(" .")[:80] or "document"
