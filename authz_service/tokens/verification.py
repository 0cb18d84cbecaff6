"""Who is calling: a token is verified once, remembered by its digest, and held to expiry and revocation each time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from authz_service.tokens.clients import EVERY_PRACTICE
from authz_service.tokens.issuing import ACCESS_TOKEN_TYPE, AUDIENCE, SKEW_SECONDS, TOKEN_SECONDS
from authz_service.tokens.signatures import TOKEN_BYTES_MAX, TokenError, read_object, read_signed

if TYPE_CHECKING:
    from authz_service.tokens.clients import Clients
    from authz_service.tokens.signatures import KeySet

_REMEMBERED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """A calling system behind a verified token."""

    client_id: str
    scopes: frozenset[str]
    practices: frozenset[str]
    every_practice: bool
    expires: int  # seconds since the epoch
    token_id: str

    def may_reach(self, practice_id: str) -> bool:
        """Whether the token covers the practice."""
        return self.every_practice or practice_id in self.practices


class Verifier:
    """Turns `Authorization: Bearer ...` into a Caller."""

    def __init__(self, keys: KeySet, clients: Clients, issuer: str) -> None:
        self._keys = keys
        self._clients = clients
        self._issuer = issuer
        self._known: dict[bytes, Caller | None] = {}  # None: seen expired, which no step of the clock undoes

    def verify(self, authorization: bytes, now: float) -> Caller:
        """The caller; TokenError says why not. `now` in seconds since the epoch."""
        if len(authorization) > TOKEN_BYTES_MAX + 7:
            raise TokenError("the token is longer than 8 KB")
        digest = hashlib.sha256(authorization).digest()
        try:
            caller = self._known[digest]
        except KeyError:
            caller = self._read(authorization, now)
            if len(self._known) >= _REMEMBERED_MAX:
                self._known.clear()
            self._known[digest] = caller
        if caller is None or now >= caller.expires:
            self._known[digest] = None
            raise TokenError("the token has expired")
        if not self._clients.holds(caller.client_id, caller.token_id):
            raise TokenError("the token was revoked")
        return caller

    def _read(self, authorization: bytes, now: float) -> Caller:
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            raise TokenError("a bearer token is required")
        try:
            text = token.decode("ascii")
        except UnicodeDecodeError as error:
            raise TokenError("the token is not ASCII") from error
        header, payload = read_signed(text, self._keys)
        if header.get("typ") != ACCESS_TOKEN_TYPE:
            raise TokenError("the token is not an access token")
        return self._check(read_object(payload, "payload"), now)

    def _check(self, claims: dict[str, Any], now: float) -> Caller:
        if claims.get("iss") != self._issuer or claims.get("aud") != AUDIENCE:
            raise TokenError("the token is from or for another service")
        times = [claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)]
        names = [claims.get("client_id"), claims.get("jti"), claims.get("scope")]
        practices = claims.get("practices")
        if (
            any(type(value) is not int for value in times)
            or any(not isinstance(value, str) for value in names)
            or not isinstance(practices, list)
            or any(not isinstance(value, str) for value in practices)
        ):
            raise TokenError("the token lacks a claim")
        expires, issued, begins = times
        if issued > now + SKEW_SECONDS or begins > now + SKEW_SECONDS or not 0 < expires - issued <= TOKEN_SECONDS:
            raise TokenError("the token is not valid at this time")
        return Caller(
            claims["client_id"],
            frozenset(claims["scope"].split()),
            frozenset(practices),
            EVERY_PRACTICE in practices,
            expires,
            claims["jti"],
        )
