"""Which paths are answered at all: those that can be read in one way only.

The path that is routed and decided is the one the server decoded once. A path that some other reader could decode
into another (encoded slashes, dot segments, backslashes, a second level of encoding) is refused before it is routed.
"""

from __future__ import annotations

import re

PATH_BYTES_MAX = 2048
CHANGE_PASSWORD = "/account/password"  # noqa: S105 - a page: the only one, while a change of password is due.
_SHAPE = re.compile(rb"/(?!/)(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2}|/(?!/))*")
_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")
_NEVER_ENCODED = frozenset(b"/\\%;?#") | frozenset(range(0x20)) | {0x7F}


def is_plain(raw_path: bytes, path: str) -> bool:
    """Whether a raw path has one reading, and that reading is `path`."""
    if len(raw_path) > PATH_BYTES_MAX or not _SHAPE.fullmatch(raw_path):
        return False
    if any(int(code, 16) in _NEVER_ENCODED for code in _ENCODED.findall(raw_path)):
        return False
    try:
        decoded = _ENCODED.sub(lambda found: bytes([int(found[1], 16)]), raw_path).decode()
    except UnicodeDecodeError:
        return False
    return decoded == path and not {".", ".."} & set(decoded.split("/"))


def is_local(target: str) -> bool:
    """Whether a redirect target is a path of this site: plain, and no other host's."""
    path, _, query = target.partition("?")
    try:
        raw = path.encode("ascii")
    except UnicodeEncodeError:
        return False
    return "%" not in path and is_plain(raw, path) and query.isascii() and query.isprintable() and "#" not in query
