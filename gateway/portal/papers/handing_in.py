"""What families hand in (rows P5, Y16)."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from gateway.edge.care_team import care_team
from gateway.notices.notify import Event, notify_staff
from gateway.portal.papers.documents import TITLE_CHARACTERS_MAX, Problem, show_documents
from gateway.records.files import UploadRefused, keep_file, uploaded
from gateway.records.papers import RELEASED, add_document, new_document_id
from gateway.web.language import _
from gateway.web.once import is_key
from gateway.web.pages import say, see_other
from gateway.web.today import local_today
from models.tables.records import Document

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.records.files import Upload


async def upload(request: Request) -> Response:
    """Keep a file from the family, for the practice and whoever handed it in, until the practice shares it."""
    client, reader, state = request.state.client, request.state.reader, request.app.state
    title = " ".join(str((await request.form()).get("title", "")).split())[:TITLE_CHARACTERS_MAX]
    try:
        sent = await _chosen(request)
        row = _uploaded_document(request, sent, title, await _document_id(request))
        team = await care_team(state.authz, client.practice_id, client.id)

        def write(session: Session) -> None:
            file_id = keep_file(session, sent, practice_id=client.practice_id, client_id=client.id, by=reader.actor)
            row.file_id = file_id
            add_document(session, row)
            notify_staff(
                session,
                Event.DOCUMENT,
                practice_id=client.practice_id,
                client_id=client.id,
                staff=team.in_charge,
                path=f"/admin/clients/{client.id}/documents",
            )

        # The same form, sent twice: the first one kept the file.
        with suppress(IntegrityError):
            await state.records.change(client.practice_id, write)
    except UploadRefused as refused:
        return await show_documents(request, title=title, problems=[Problem("file", str(refused))], status=422)
    await say(request, _("Your file was sent to the practice."))
    return see_other(f"/c/{client.id}/documents")


async def _chosen(request: Request) -> Upload:
    sent = await uploaded(request)
    if sent is None:
        raise UploadRefused(_("Choose a file first."))
    return sent


async def _document_id(request: Request) -> str:
    """One id for one form of one reader."""
    once, client = str((await request.form()).get("once", "")), request.state.client
    if not is_key(once):
        return new_document_id()
    return "doc_" + hashlib.sha256(f"{client.id} {request.state.reader.actor} {once}".encode()).hexdigest()[:32]


def _uploaded_document(request: Request, sent: Upload, title: str, document_id: str) -> Document:
    client, reader = request.state.client, request.state.reader
    return Document(
        id=document_id,
        practice_id=client.practice_id,
        client_id=client.id,
        category="general",
        state=RELEASED,
        signer_rule="nobody",
        signer_ids=[],
        copy_of=reader.id,
        title=title or sent.name.rpartition(".")[0],
        author="",
        dated=local_today(request),
        body="",
        uploaded_by=reader.id,
    )
