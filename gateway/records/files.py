"""Files that people hand in: what may be one, how it is kept, and how it is given back (rows P5, Y16).

A file is told by its first bytes and by the ending of its name, and both must agree. Pictures are written anew, so that
the place and the device that a camera notes in them are gone. A file is always given back as an attachment.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from PIL import Image, ImageOps
from sqlalchemy import func
from sqlmodel import select
from starlette.datastructures import UploadFile
from starlette.responses import Response

from gateway.web.language import _
from models.tables.papers import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlmodel import Session
    from starlette.requests import Request

    from gateway.records.store import RecordsStore

FILE_BYTES_MAX = 10 * 1024 * 1024
CLIENT_BYTES_MAX = 250 * 1024 * 1024  # of all files of one client
NAME_CHARACTERS_MAX = 120
PIXELS_MAX = 50_000_000
UNPACKED_BYTES_MAX = 100 * 1024 * 1024  # of a Word document, which is a packed one
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_ENDINGS = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "txt": "text/plain",
    "docx": _WORD,
}
ACCEPT = ",".join(f".{ending}" for ending in _ENDINGS)  # for `<input type="file">`; phones then send JPEG for HEIC
# At once: a picture of that many pixels takes some hundred megabytes while it is written anew.
_READING = CapacityLimiter(2)
_SANDBOX = "default-src 'none'; sandbox"


class UploadRefused(Exception):  # noqa: N818 - it is an answer to a person, not a fault.
    """This file is not taken; the text says why and what to do, in the reader's language."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that may be kept. `name` is safe to show and to save under; `content` is without a camera's notes."""

    name: str
    media_type: str
    content: bytes


async def uploaded(request: Request, field: str = "file") -> Upload | None:
    """The file of a form field, None when none was chosen; UploadRefused for one that is not taken.

    The route needs `files=1`.
    """
    sent = (await request.form()).get(field)
    if not isinstance(sent, UploadFile) or not sent.filename:
        return None
    if (sent.size or 0) > FILE_BYTES_MAX:
        raise UploadRefused(
            _("This file is larger than %(limit)s MB. Please choose a smaller one.", limit=FILE_BYTES_MAX // 1024**2)
        )
    content = await sent.read(FILE_BYTES_MAX + 1)
    return await to_thread.run_sync(read_upload, sent.filename, content, limiter=_READING)


def read_upload(name: str, content: bytes) -> Upload:
    """What was handed in under this name; UploadRefused for what is not taken."""
    if not content:
        raise UploadRefused(_("This file is empty. Please choose another one."))
    if len(content) > FILE_BYTES_MAX:
        raise UploadRefused(
            _("This file is larger than %(limit)s MB. Please choose a smaller one.", limit=FILE_BYTES_MAX // 1024**2)
        )
    stem, ending = _plain_name(name)
    media_type = _ENDINGS.get(ending)
    if media_type is None:
        raise UploadRefused(_("Files of this kind are not taken. Please choose a PDF, JPEG, PNG, text or Word file."))
    cleaned = _READERS[media_type](content)
    if cleaned is None:
        raise UploadRefused(
            _("This file cannot be read as .%(ending)s. Please check it, or save it again.", ending=ending)
        )
    return Upload(f"{stem}.{ending}", media_type, cleaned)


def keep_file(session: Session, upload: Upload, *, practice_id: str, client_id: str, by: str) -> str:
    """Keep a file in the caller's transaction and return its id; UploadRefused when the client's space is used up.

    `by` is who handed it in, as in the trail ("account/dana").
    """
    sizes = select(func.coalesce(func.sum(StoredFile.size), 0)).where(StoredFile.client_id == client_id)
    if session.exec(sizes).one() + len(upload.content) > CLIENT_BYTES_MAX:
        raise UploadRefused(_("There is no room for more files here. Please ask the practice to remove some."))
    stored = StoredFile(
        id=secrets.token_hex(16),
        practice_id=practice_id,
        client_id=client_id,
        name=upload.name,
        media_type=upload.media_type,
        size=len(upload.content),
        sha256=hashlib.sha256(upload.content).hexdigest(),
        content=upload.content,
        kept_by=by,
        kept_at=datetime.now(UTC),
    )
    session.add(stored)
    return stored.id


async def load_file(store: RecordsStore, practice_id: str, file_id: str) -> StoredFile | None:
    """A kept file with its content; the caller has decided that it may be seen, and of which client it must be."""

    def read(session: Session) -> StoredFile | None:
        found = session.get(StoredFile, file_id)
        return found if found is not None and found.practice_id == practice_id else None

    return await store.read(practice_id, read)


def file_answer(stored: StoredFile) -> Response:
    """The file, to be saved; a browser that opens it all the same runs nothing of it."""
    return attachment(stored.name, stored.media_type, stored.content)


def attachment(name: str, media_type: str, content: bytes) -> Response:
    """An answer that browsers save under a name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r'["\\\x00-\x1f]', "", plain)
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Security-Policy": _SANDBOX,
        },
    )


def _plain_name(name: str) -> tuple[str, str]:
    """The stem and the ending of a file's name, without folders, signs that steer, and what only looks like letters."""
    last = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    stem, _dot, ending = last.rpartition(".")
    kept = "".join(sign if sign.isalnum() or sign in " -_.()" else " " for sign in stem)
    stem = " ".join(kept.split()).strip(" .")[:NAME_CHARACTERS_MAX].strip(" .")
    return stem or "file", ending.strip().lower()


def _read_pdf(content: bytes) -> bytes | None:
    return content if content.startswith(b"%PDF-") and b"%%EOF" in content[-2048:] else None


def _read_text(content: bytes) -> bytes | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if any(sign < " " and sign not in "\t\n\r\f" for sign in text) else text.encode()


def _read_word(content: bytes) -> bytes | None:
    if not content.startswith(b"PK\x03\x04"):
        return None
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            entries = packed.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    names = {entry.filename.lower() for entry in entries}
    too_large = sum(entry.file_size for entry in entries) > UNPACKED_BYTES_MAX
    has_macros = any(name.endswith("vbaproject.bin") for name in names)
    return None if too_large or has_macros or "word/document.xml" not in names else content


def _read_picture(signature: bytes, kind: str) -> Callable[[bytes], bytes | None]:
    def read(content: bytes) -> bytes | None:
        if not content.startswith(signature):
            return None
        try:
            with Image.open(BytesIO(content), formats=[kind]) as picture:
                if picture.width * picture.height > PIXELS_MAX:
                    return None
                upright = ImageOps.exif_transpose(picture)
                upright.info = {}
                written = BytesIO()
                upright.save(written, kind, **({"quality": 90} if kind == "JPEG" else {"optimize": False}))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None
        return written.getvalue()

    return read


_READERS: dict[str, Callable[[bytes], bytes | None]] = {
    "application/pdf": _read_pdf,
    "image/png": _read_picture(b"\x89PNG\r\n\x1a\n", "PNG"),
    "image/jpeg": _read_picture(b"\xff\xd8\xff", "JPEG"),
    "text/plain": _read_text,
    _WORD: _read_word,
}
