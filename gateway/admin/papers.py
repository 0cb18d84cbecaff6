"""A client's documents for the practice: add, release, withdraw, share, and see who signed (rows P8, P12, P21, Y20)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlmodel import col

from gateway.admin.paper_drafts import SIGNER_RULES, Draft, problems_of, read_draft
from gateway.admin.paper_rows import ADDABLE, network_of, paper_rows, path_of, signer_rows
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import listing, may
from gateway.notices.notify import Event, notify
from gateway.portal.papers.documents import (
    Problem,
    document_answer,
    paragraphs,
)
from gateway.records.events import enter_event, event_by
from gateway.records.files import ACCEPT, FILE_BYTES_MAX, UploadRefused, keep_file, load_file, uploaded
from gateway.records.papers import (
    COPY_KINDS,
    DRAFT,
    RELEASED,
    Standing,
    add_document,
    check_signature,
    copies_of,
    may_be_named,
    new_document_id,
    release_document,
    share_document,
    signatures_of,
    withdraw_document,
)
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.paging import page_number, pages_of
from gateway.web.today import local_today
from models.tables.records import Document
from models.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.papers import Signature

SIZE = 50
_SIGNING_KINDS = {
    "client": frozenset({Kind.SELF.value}),
    "any_guardian": frozenset({Kind.GUARDIAN.value, Kind.CASEWORKER.value, Kind.ADULT_PROXY.value}),
}


async def papers_page(request: Request) -> Response:
    """The client's documents, the newest first, and a form for a new one."""
    return await _show_all(request)


async def add_paper(request: Request) -> Response:
    """Keep a new document as a draft: a text, or a file."""
    client, reader, store = request.state.client, request.state.reader, request.app.state.records
    draft = await read_draft(request)
    network = await network_of(request)
    try:
        sent = await uploaded(request)
    except UploadRefused as refused:
        return await _show_all(request, draft=draft, problems=[Problem("file", str(refused))], status=422)
    (allowed,) = await may(request, [("upload", "document", {"category": draft.category})])
    problems = problems_of(draft, sent, network)
    if not allowed and draft.category in ADDABLE:
        raise NotFound
    if problems:
        return await _show_all(request, draft=draft, problems=problems, status=422)
    row = Document(
        id=new_document_id(),
        practice_id=client.practice_id,
        client_id=client.id,
        category=draft.category,
        state=DRAFT,
        signer_rule=draft.signer_rule,
        signer_ids=list(draft.signers) if draft.signer_rule == "named" else [],
        title=draft.title,
        author=reader.id,
        dated=local_today(request),
        body="" if sent else draft.text,
    )

    def write(session: Session) -> None:
        if sent is not None:
            row.file_id = keep_file(session, sent, practice_id=client.practice_id, client_id=client.id, by=reader.actor)
        add_document(session, row)
        _enter(request, session, "document.added", row)

    try:
        await store.change(client.practice_id, write)
    except UploadRefused as refused:
        return await _show_all(request, draft=draft, problems=[Problem("file", str(refused))], status=422)
    await say(request, _("The draft was saved. Release it when the family is to see it."))
    return see_other(path_of(row))


async def paper_page(request: Request) -> Response:
    """One document with its signatures, and what the reader may do with it."""
    row: Document = request.state.item
    store, seals = request.app.state.records, request.app.state.seals
    may_update, may_download, may_see_grants = await may(
        request, [("update", "document", row), ("download", "document", row), ("view", "grant", {})]
    )

    def read(session: Session) -> tuple[list[Document], list[tuple[Signature, Standing]]]:
        copies = copies_of(session, row.id)
        found = signatures_of(session, [row.id, *(copy.id for copy in copies)])
        return copies, [(one, check_signature(session, seals, one)) for one in found]

    copies, signatures = await store.read(row.practice_id, read)
    network = await network_of(request)
    file = None if row.file_id is None else await load_file(store, row.practice_id, row.file_id)
    (view,) = await paper_rows(request, [row], network)
    return await page(
        request,
        "admin/document.html",
        paper=view,
        document=row,
        category=_(ADDABLE.get(row.category, row.category)),
        signer_rule=_(SIGNER_RULES[row.signer_rule]),
        body=paragraphs(row.body),
        file=file,
        signers=signer_rows(request, row, copies, signatures, network),
        may_update=may_update,
        may_download=may_download,
        sees=f"/admin/clients/{row.client_id}/seen/document/{row.id}" if may_see_grants else None,
        marks=f"{path_of(row)}/marks" if may_update and row.original_id is None else None,
        can_release=row.state == DRAFT and row.original_id is None,
        can_name=may_be_named(row),
        can_withdraw=row.state == RELEASED and row.original_id is None and not signatures,
        can_share=row.uploaded_by is not None and row.copy_of is not None,
        can_send=row.state != DRAFT,
    )


async def paper_file(request: Request) -> Response:
    """The document as PDF or as it was handed in, with every signature."""
    return await document_answer(request, request.state.item, reader_id=None)


async def release(request: Request) -> Response:
    """Show a draft to the family, and tell those who may see or sign it."""
    row: Document = request.state.item
    network = await network_of(request)
    signers = {key: one["name"] for key, one in network.items() if one["kinds"] & COPY_KINDS}

    def write(session: Session) -> bool:
        released = release_document(session, row.id, signers)
        if released is None:
            return False
        _tell(session, row, released, network)
        _enter(request, session, "document.released", row)
        return True

    if await request.app.state.records.change(row.practice_id, write):
        await say(request, _("The document was released."))
    else:
        await say(request, _("Nothing was changed: somebody else released or withdrew it first."))
    return see_other(path_of(row))


async def withdraw(request: Request) -> Response:
    """Make a released document a draft again, unless somebody has signed it."""
    row: Document = request.state.item

    def write(session: Session) -> bool:
        done = withdraw_document(session, row.id)
        if done:
            _enter(request, session, "document.withdrawn", row)
        return done

    if await request.app.state.records.change(row.practice_id, write):
        await say(request, _("The document was withdrawn; no family member sees it any more."))
    else:
        await say(request, _("Nothing was changed: the document is signed, or was withdrawn before."))
    return see_other(path_of(row))


async def share(request: Request) -> Response:
    """Show what one person handed in to all who may see the client's documents."""
    row: Document = request.state.item

    def write(session: Session) -> bool:
        done = share_document(session, row.id)
        if done:
            _enter(request, session, "document.shared", row)
        return done

    if await request.app.state.records.change(row.practice_id, write):
        await say(
            request, _("All who may see the documents of %(name)s see it now.", name=request.state.client.preferred)
        )
    return see_other(path_of(row))


def _tell(session: Session, row: Document, released: Sequence[Document], network: Mapping[str, Any]) -> None:
    """A notice to sign for whoever is asked to, and that there is something new for all others."""
    place = f"/c/{row.client_id}/documents"
    known = {"practice_id": row.practice_id, "client_id": row.client_id}
    asked: set[str] = set()
    for one in released:
        if one.copy_of is not None:
            signers = {one.copy_of}
        elif one.signer_rule == "named":
            signers = set(one.signer_ids)
        else:
            kinds = _SIGNING_KINDS.get(one.signer_rule, frozenset())
            signers = {key for key, person in network.items() if person["kinds"] & kinds}
        if signers:
            notify(session, Event.SIGN, item=("document", one.id), path=f"{place}/{one.id}", accounts=signers, **known)
        asked |= signers
    others = set(network) - asked
    if others:
        notify(session, Event.DOCUMENT, item=("document", row.id), path=place, accounts=others, **known)


async def _show_all(
    request: Request, *, draft: Draft | None = None, problems: Sequence[Problem] = (), status: int = 200
) -> Response:
    (may_add,) = await may(request, [("upload", "document", {"category": Draft().category})])
    found = await listing(
        request,
        "document",
        where=col(Document.original_id).is_(None),
        order_by=(col(Document.dated).desc(), col(Document.title)),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    network = await network_of(request)
    return await page(
        request,
        "admin/documents.html",
        status=status,
        papers=await paper_rows(request, found.rows, network),
        pages=pages_of(request, found.total, SIZE),
        may_add=may_add,
        draft=draft or Draft(),
        categories=ADDABLE,
        signer_rules=SIGNER_RULES,
        people=sorted(network.items(), key=lambda entry: entry[1]["name"]),
        problems=problems,
        accept=ACCEPT,
        megabytes=FILE_BYTES_MAX // 1024**2,
    )


def _enter(request: Request, session: Session, action: str, row: Document) -> None:
    enter_event(session, event_by(request.state.reader, action, row), at=request.app.state.clock())


_UPDATE = Guard("update", "document")
_ALL, _ONE = "/admin/clients/{client}/documents", "/admin/clients/{client}/documents/{id}"
ROUTES = (
    Route(_ALL, papers_page, guard=Guard("view", "document")),
    Route(_ALL, add_paper, guard=Guard("upload", "document"), methods=("POST",), files=1),
    Route(_ONE, paper_page, guard=Guard("view", "document")),
    Route(f"{_ONE}/download", paper_file, guard=Guard("download", "document")),
    Route(f"{_ONE}/release", release, guard=_UPDATE, methods=("POST",)),
    Route(f"{_ONE}/withdraw", withdraw, guard=_UPDATE, methods=("POST",)),
    Route(f"{_ONE}/share", share, guard=_UPDATE, methods=("POST",)),
)
