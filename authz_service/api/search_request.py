"""AuthZEN 1.0 searches as they are sent: what is sought, from where on, and page tokens that fit one search only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from authz_service.api.authzen import MalformedError, read_asked
from authz_service.tokens.signatures import TokenError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from authz_service.api.authzen import Asked
    from authz_service.tokens.signatures import PrivateKey
    from authz_service.tokens.verification import Caller

RESULTS_MAX = 1000  # of a page, whatever limit is asked for
_NONCE_BYTES = 12
_BOUND = ("subject", "action", "resource", "context")
_UNKNOWN = "page.token was not given for this search: send the very search that it came from, without other changes"
# It stands where the standard asks for nothing, or says that what is there does not count.
_ANYTHING = "anything"


class Sought(StrEnum):
    """What a search lists."""

    SUBJECT = "subject"
    RESOURCE = "resource"
    ACTION = "action"


# What a search asks for is put in here, one candidate after the other.
FIELDS = {Sought.SUBJECT: "subject_id", Sought.RESOURCE: "resource_id", Sought.ACTION: "action"}


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the results is asked for: at most `limit` (None: all) of those behind `after`."""

    stated: bool  # in the request
    limit: int | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """One search on behalf of a caller. `asked` holds a placeholder for what is sought."""

    caller: Caller
    asked: Asked
    sought: Sought
    page: Page
    now: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """One page: what is allowed, and behind which candidate to go on."""

    names: list[str]
    complete: bool
    last: str | None


class PageTokens:
    """Writes and reads page tokens.

    A token is encrypted, because it may carry the id of an item that the search passed over, and authenticated
    together with the search that it belongs to.
    """

    def __init__(self, key: PrivateKey) -> None:
        secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, b"kinguard search pages").derive(secret))

    def write(self, limit: int | None, after: str | None, search: bytes) -> str:
        """The token for the page behind `after`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return encode(nonce + self._cipher.encrypt(nonce, orjson.dumps([limit, after]), search))

    def read(self, token: str, search: bytes) -> tuple[int | None, str | None]:
        """Limit and place; MalformedError for a token of another search, or none of ours."""
        try:
            sealed = decode(token)
            limit, after = orjson.loads(self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], search))
        except (TokenError, InvalidTag, ValueError) as error:
            raise MalformedError(_UNKNOWN) from error
        return limit, after


def read_search(document: Mapping[str, Any], sought: Sought) -> Asked:
    """The question with a placeholder for what is sought; MalformedError names the field that is wrong."""
    part = document.get(sought)
    if sought is Sought.ACTION:
        document = {**document, sought: {"name": _ANYTHING}}
    elif type(part) is dict:
        document = {**document, sought: {**part, "id": _ANYTHING}}
    return read_asked(document)


def what_stays(document: Mapping[str, Any], sought: Sought, caller_id: str) -> bytes:
    """What has to stay the same from page to page, as text."""
    bound = {name: document.get(name) for name in _BOUND if name != sought}
    if sought is not Sought.ACTION:
        bound[sought.value] = {name: value for name, value in document[sought].items() if name != "id"}
    return orjson.dumps([sought, caller_id, bound], option=orjson.OPT_SORT_KEYS)


def read_page(document: Mapping[str, Any], tokens: PageTokens, search: bytes) -> Page:
    """The page that is asked for; MalformedError when it is none."""
    page = document.get("page")
    if page is None:
        return Page(stated=False)
    if type(page) is not dict:
        raise MalformedError("page must be an object")
    limit, token = page.get("limit"), page.get("token")
    if limit is not None and (type(limit) is not int or limit < 0):
        raise MalformedError("page.limit must be a whole number, 0 or more")
    if token is None or token == "":
        return Page(True, limit)
    if type(token) is not str:
        raise MalformedError("page.token must be a string")
    first_limit, after = tokens.read(token, search)
    if limit is not None and limit != first_limit:
        raise MalformedError("page.limit must stay as it was on the first page")
    return Page(True, first_limit, after)
