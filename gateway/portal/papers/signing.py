"""Signing a document electronically (rows P8, P21, P22; conflict c17; 15 U.S.C. 7001)."""

from __future__ import annotations

import base64
import binascii
from io import BytesIO
from typing import TYPE_CHECKING

from anyio import to_thread
from PIL import Image

from gateway.edge.errors import NotFound
from gateway.edge.questions import may, own_grants
from gateway.portal.papers.documents import Problem, consent_sentence, show_document
from gateway.records.papers import Ink, Signer, Signing, own_copy, sign_document, signatures_of
from gateway.web.language import _
from gateway.web.pages import say, see_other
from models.vocabulary import GrantStatus

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.records import Document

NAME_CHARACTERS_MAX = 100
DRAWN_BYTES_MAX = 300_000
_DRAWN_SIZE_MAX = (1600, 800)  # pixels
_DATA_URL = "data:image/png;base64,"


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
    typed_name = " ".join(str(fields.get("typed_name", "")).split())
    agreed, sent = fields.get("agreed") == "yes", str(fields.get("drawn", ""))
    drawn = await to_thread.run_sync(read_drawing, sent) if sent else None
    problems = _problems(typed_name, agreed=agreed, drawing_unread=bool(sent) and drawn is None)
    if problems:
        return await show_document(request, typed_name=typed_name, agreed=agreed, problems=problems, status=422)
    signer = Signer(reader.id, reader.name, await _kinds(request), reader.amr)
    ink = Ink(typed_name, drawn, consent_sentence())
    shown, at = str(fields.get("shown", "")), state.clock()

    def write(session: Session) -> Signing:
        return sign_document(session, state.seals, row.id, signer, ink, shown=shown, at=at)

    outcome = await state.records.change(row.practice_id, write)
    if outcome is Signing.GONE:
        raise NotFound
    if outcome is Signing.CHANGED:
        changed = Problem("paper", _("The document was changed after you opened it. Read it again, then sign."))
        request.state.item = await state.records.item(type(row), row.practice_id, row.client_id, row.id)
        return await show_document(request, typed_name=typed_name, problems=[changed], status=409)
    if outcome is Signing.DONE:
        await _record(request, row)
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


def read_drawing(sent: str) -> bytes | None:
    """The drawn signature of a data URL as a PNG of black lines; None for anything else."""
    if not sent.startswith(_DATA_URL) or len(sent) > DRAWN_BYTES_MAX:
        return None
    try:
        content = base64.b64decode(sent.removeprefix(_DATA_URL), validate=True)
        with Image.open(BytesIO(content), formats=["PNG"]) as picture:
            if picture.width > _DRAWN_SIZE_MAX[0] or picture.height > _DRAWN_SIZE_MAX[1]:
                return None
            lines = picture.convert("RGBA").getchannel("A")
    except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    box = lines.getbbox()
    if box is None:
        return None
    paper = Image.new("L", lines.size, 255)
    paper.paste(0, (0, 0), lines)
    written = BytesIO()
    paper.crop(box).save(written, "PNG")
    return written.getvalue()


def _problems(typed_name: str, *, agreed: bool, drawing_unread: bool) -> list[Problem]:
    problems = []
    if not typed_name:
        problems.append(Problem("typed_name", _("Type your full name; it is your signature.")))
    elif len(typed_name) > NAME_CHARACTERS_MAX:
        problems.append(Problem("typed_name", _("Shorten the name to %(limit)s letters.", limit=NAME_CHARACTERS_MAX)))
    if not agreed:
        problems.append(Problem("agreed", _("Tick the box to agree to sign electronically.")))
    if drawing_unread:
        problems.append(Problem("typed_name", _("The drawing could not be read. Draw again, or sign by name alone.")))
    return problems


async def _kinds(request: Request) -> tuple[str, ...]:
    """What the reader is to the client, by the grants that are active."""
    client_id = request.state.client.id
    grants = await own_grants(request)
    active = GrantStatus.ACTIVE.value
    return tuple(one["kind"] for one in grants if one["client_id"] == client_id and one["status"] == active)


async def _record(request: Request, row: Document) -> None:
    """Tell the trail, with the seal: so the record of the signature is bound outside the gateway's database too."""
    reader, state = request.state.reader, request.app.state
    present = await state.records.read(row.practice_id, lambda session: signatures_of(session, [row.id]))
    own = next(one for one in present if one.account_id == reader.id)
    await state.authz.record(
        {
            "action": "document.signed",
            "actor": reader.actor,
            "account_id": reader.id,
            "client_id": row.client_id,
            "practice_id": row.practice_id,
            "resource": {"type": "document", "id": row.id},
            "details": {"content_sha256": own.content_sha256, "seal": own.seal, "number": own.number},
        }
    )
