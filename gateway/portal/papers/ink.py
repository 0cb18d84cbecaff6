"""The signature that somebody gives on a page: the full name as typed, perhaps a drawing, and the agreement.

Documents and forms are signed with the same fields (`portal/signature_fields.html`), which this reads.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from anyio import to_thread
from PIL import Image
from sqlmodel import col, select

from gateway.edge.own_grants import is_own, own_grants
from gateway.portal.papers.documents import Problem
from gateway.portal.papers.full_names import is_full_name
from gateway.records.papers import Ink, Signer
from gateway.web.language import _
from models.tables.getting_in import Contact
from models.vocabulary import GrantStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session
    from starlette.datastructures import FormData
    from starlette.requests import Request

    from models.tables.papers import Signature

NAME_CHARACTERS_MAX = 100
DRAWN_BYTES_MAX = 300_000
_DRAWN_SIZE_MAX = (1600, 800)  # pixels
_DATA_URL = "data:image/png;base64,"


@dataclass(frozen=True, slots=True)
class Given:
    """What was sent: `ink` counts only without problems; the rest is shown again."""

    ink: Ink
    agreed: bool
    problems: Sequence[Problem]


async def read_ink(request: Request, fields: FormData, consent: str) -> Given:
    """The signature of a form, with what is wrong with it. `consent` is the sentence that was shown beside it."""
    typed_name = " ".join(str(fields.get("typed_name", "")).split())
    agreed, sent = fields.get("agreed") == "yes", str(fields.get("drawn", ""))
    drawn = await to_thread.run_sync(read_drawing, sent) if sent else None
    problems = []
    if not typed_name:
        problems.append(Problem("typed_name", _("Type your full name; it is your signature.")))
    elif len(typed_name) > NAME_CHARACTERS_MAX:
        problems.append(Problem("typed_name", _("Shorten the name to %(limit)s letters.", limit=NAME_CHARACTERS_MAX)))
    elif not is_full_name(typed_name, await _known_names(request)):
        problems.append(
            Problem("typed_name", _("Type your first and last name: %(name)s.", name=request.state.reader.name))
        )
    if not agreed:
        problems.append(Problem("agreed", _("Tick the box to agree to sign electronically.")))
    if sent and drawn is None:
        problems.append(Problem("typed_name", _("The drawing could not be read. Draw again, or sign by name alone.")))
    return Given(Ink(typed_name, drawn, consent), agreed, problems)


async def signer_of(request: Request) -> Signer:
    """The reader as a signer: with what they are to the client, by the grants that are active."""
    reader, client_id, active = request.state.reader, request.state.client.id, GrantStatus.ACTIVE.value
    grants = await own_grants(request)
    kinds = tuple(one["kind"] for one in grants if one["client_id"] == client_id and one["status"] == active)
    return Signer(reader.id, reader.name, kinds, reader.amr)


async def _known_names(request: Request) -> list[str]:
    """The reader's name as they gave it themselves, and as the practice's contact book has it."""
    reader, client = request.state.reader, request.state.client

    def read(session: Session) -> list[str]:
        kept = select(Contact.name).where(
            Contact.account_id == reader.id, col(Contact.practice_id) == client.practice_id
        )
        return list(session.exec(kept))

    contacts: list[str] = await request.app.state.records.read(client.practice_id, read)
    own = [client.name] if await is_own(request, client.id) else []
    return [reader.name, *own, *contacts]


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


def sealed_by(signature: Signature) -> dict[str, str | int | bool | None]:
    """What the trail keeps of a signature: so its record is bound outside the gateway's database, too."""
    return {"content_sha256": signature.content_sha256, "seal": signature.seal, "number": signature.number}
