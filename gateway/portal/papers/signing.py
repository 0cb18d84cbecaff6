"""Signing a document electronically (rows P8, P21, P22; conflict c17; 15 U.S.C. 7001)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.edge.errors import NotFound
from gateway.edge.questions import may
from gateway.portal.papers.documents import Problem, consent_sentence, show_document
from gateway.portal.papers.ink import read_ink, sealed_by, signer_of
from gateway.records.events import enter_event, event_by
from gateway.records.papers import Signing, own_copy, sign_document, signatures_of
from gateway.web.language import _
from gateway.web.pages import say, see_other

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.records import Document


async def sign(request: Request) -> Response:
    """Put the reader's signature on the document; a second click finds the first one's signature."""
    row: Document = request.state.item
    reader, state = request.state.reader, request.app.state
    place = f"/c/{row.client_id}/documents/{row.id}"
    (allowed,) = await may(request, [("sign", "document", row)])
    if not allowed:
        present = await state.records.read(row.practice_id, lambda session: signatures_of(session, [row.id]))
        if any(one.account_id == reader.id for one in present):
            return see_other(place)
        raise NotFound
    fields = await request.form()
    given = await read_ink(request, fields, consent_sentence())
    typed_name = given.ink.typed_name
    if given.problems:
        return await show_document(
            request, typed_name=typed_name, agreed=given.agreed, problems=given.problems, status=422
        )
    signer, ink = await signer_of(request), given.ink
    shown, at = str(fields.get("shown", "")), state.clock()

    def write(session: Session) -> Signing:
        outcome = sign_document(session, state.seals, row.id, signer, ink, shown=shown, at=at)
        if outcome is Signing.DONE:
            own = next(one for one in signatures_of(session, [row.id]) if one.account_id == reader.id)
            enter_event(session, event_by(reader, "document.signed", row, details=sealed_by(own)), at=at)
        return outcome

    outcome = await state.records.change(row.practice_id, write)
    if outcome is Signing.GONE:
        raise NotFound
    if outcome is Signing.CHANGED:
        changed = Problem("paper", _("The document was changed after you opened it. Read it again, then sign."))
        request.state.item = await state.records.item(type(row), row.practice_id, row.client_id, row.id)
        return await show_document(request, typed_name=typed_name, problems=[changed], status=409)
    if outcome is Signing.DONE:
        await say(request, _("Your signature was saved. You can download the signed document."))
    return see_other(place)


async def copy(request: Request) -> Response:
    """Make the reader's own copy of a document that each guardian signs, and lead there."""
    row: Document = request.state.item
    reader = request.state.reader
    made = await request.app.state.records.change(
        row.practice_id, lambda session: own_copy(session, row.id, reader.id, reader.name)
    )
    if made is None:
        raise NotFound
    return see_other(f"/c/{made.client_id}/documents/{made.id}")
