"""A bundle as it is handed in: a ZIP file of its folder, or its files."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from starlette.datastructures import UploadFile

from gateway.web.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.datastructures import FormData

FILES_MAX = 200
BYTES_MAX = 768 * 1024  # of all files together: what the service takes
_NOT_UNPACKED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
)
_JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db")


class BundleUnreadableError(Exception):
    """What was handed in is no bundle; the text says why, in the reader's language."""


async def read_upload(form: FormData, kept: Iterable[str]) -> dict[str, str]:
    """The text of each file by its name.

    A file without its folder takes the place of the one file of that name among `kept`, the names of what serves.
    Raises BundleUnreadableError.
    """
    sent = [each for each in form.getlist("files") if isinstance(each, UploadFile) and each.filename]
    if not sent:
        raise BundleUnreadableError(_("Choose the ZIP file of the bundle, or its files."))
    found: dict[str, bytes] = {}
    for each in sent:
        content = await each.read(BYTES_MAX + 1)
        name = str(each.filename)
        if name.lower().endswith(".zip"):
            found |= _unpacked(name, content)
        else:
            found[name.replace("\\", "/").lstrip("/")] = content
        if sum(map(len, found.values())) > BYTES_MAX:
            raise BundleUnreadableError(_("A bundle has at most %(size)s KB of text.", size=BYTES_MAX // 1024))
    files = _without_outer(found)
    return {_placed(name, kept): _text(name, content) for name, content in files.items()}


def _unpacked(name: str, content: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [each for each in archive.infolist() if not each.is_dir() and not _is_junk(each.filename)]
            if len(members) > FILES_MAX:
                raise BundleUnreadableError(_("%(name)s holds more than %(most)s files.", name=name, most=FILES_MAX))
            for member in members:
                with archive.open(member) as file:  # What it says of its size need not be true.
                    found[member.filename.replace("\\", "/").lstrip("/")] = file.read(BYTES_MAX + 1)
                if sum(map(len, found.values())) > BYTES_MAX:
                    break
    except _NOT_UNPACKED as error:
        raise BundleUnreadableError(_("%(name)s cannot be unpacked.", name=name)) from error
    return found


def _is_junk(name: str) -> bool:
    return any(part in _JUNK for part in PurePosixPath(name).parts)


def _without_outer(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Without the folder that everything is in."""
    outer = {name.partition("/")[0] for name in files}
    if len(outer) == 1 and all("/" in name for name in files):
        return {name.partition("/")[2]: content for name, content in files.items()}
    return files


def _placed(name: str, kept: Iterable[str]) -> str:
    if "/" in name:
        return name
    same = [each for each in kept if PurePosixPath(each).name == name]
    return same[0] if len(same) == 1 else name


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BundleUnreadableError(_("%(name)s is no text in UTF-8.", name=name)) from error
