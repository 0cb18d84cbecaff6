"""Issue of access tokens to calling systems that prove who they are with a signed assertion (RFC 7523)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jwt

from authz_service.tokens.clients import EVERY_PRACTICE
from authz_service.tokens.signatures import TokenError, read_object, read_signed, sign

if TYPE_CHECKING:
    from authz_service.clock import Clock
    from authz_service.tokens.clients import Clients, OAuthClient
    from authz_service.tokens.keys import SigningKeys

TOKEN_SECONDS = 600
ASSERTION_SECONDS_MAX = 300
SKEW_SECONDS = 30
AUDIENCE = "kinguard-authz"
ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 (RFC 9068's media type)
_ASSERTION_TYPES = ("JWT", "client-authentication+jwt")
_REMEMBERED_MAX = 100_000


class ClientRefusedError(Exception):
    """The client did not prove who it is (OAuth `invalid_client`)."""


class ScopeRefusedError(Exception):
    """The client asked for a scope or practice that it does not have (OAuth `invalid_scope`)."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An issued token and what it allows."""

    text: str
    seconds: int
    scopes: frozenset[str]


class Issuer:
    """Issues access tokens; remembers used assertions so that each counts once."""

    def __init__(self, keys: SigningKeys, clients: Clients, issuer: str, token_endpoint: str, clock: Clock) -> None:
        self._keys = keys
        self._clients = clients
        self._issuer = issuer
        self._audiences = frozenset({token_endpoint, issuer})
        self._clock = clock
        self._used: dict[tuple[str, str], int] = {}

    def authenticate(self, assertion: str) -> OAuthClient:
        """The client that signed the assertion; ClientRefusedError otherwise."""
        now = int(self._clock().timestamp())
        try:
            named = jwt.decode(assertion, options={"verify_signature": False}).get("sub")
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise ClientRefusedError("the client assertion cannot be read") from error
        client = self._clients.get(named) if isinstance(named, str) else None
        if client is None:
            raise ClientRefusedError("the client is not known")
        try:
            header, payload = read_signed(assertion, client.keys)
            claims = read_object(payload, "payload")
        except TokenError as error:
            raise ClientRefusedError(f"the client assertion is refused: {error}") from error
        if header.get("typ", "JWT") not in _ASSERTION_TYPES:
            raise ClientRefusedError("the client assertion's typ must be JWT")
        self._check_claims(client.id, claims, now)
        return client

    def issue(
        self,
        client: OAuthClient,
        scopes: frozenset[str] | None = None,
        practices: frozenset[str] | None = None,
    ) -> AccessToken:
        """A token with the scopes and practices asked for (None: all that the client has)."""
        if scopes is not None and not scopes <= client.scopes:
            raise ScopeRefusedError(f"client {client.id} does not have the scope {min(scopes - client.scopes)}")
        if practices is not None and EVERY_PRACTICE not in client.practices and not practices <= client.practices:
            raise ScopeRefusedError(f"client {client.id} has nothing to do with {min(practices - client.practices)}")
        granted = client.scopes if scopes is None else scopes
        now = int(self._clock().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": client.id,
            "client_id": client.id,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(sorted(granted)),
            "practices": sorted(client.practices if practices is None else practices),
        }
        text = sign(claims, self._keys.current, ACCESS_TOKEN_TYPE)
        return AccessToken(text, TOKEN_SECONDS, granted)

    def _check_claims(self, client_id: str, claims: dict[str, object], now: int) -> None:
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        expires, token_id, issued = claims.get("exp"), claims.get("jti"), claims.get("iat", now)
        if claims.get("iss") != client_id or claims.get("sub") != client_id:
            raise ClientRefusedError("the client assertion's iss and sub must both be the client's id")
        if len(audiences) != 1 or audiences[0] not in self._audiences:
            raise ClientRefusedError("the client assertion's aud must be the token endpoint or the issuer")
        if type(expires) is not int or type(issued) is not int or not isinstance(token_id, str) or not token_id:
            raise ClientRefusedError("the client assertion needs exp, iat (numbers) and jti")
        if (
            not now - SKEW_SECONDS < expires <= now + ASSERTION_SECONDS_MAX + SKEW_SECONDS
            or issued > now + SKEW_SECONDS
        ):
            raise ClientRefusedError("the client assertion has expired, or lasts longer than five minutes")
        used = (client_id, token_id)
        if self._used.get(used, 0) > now - SKEW_SECONDS:
            raise ClientRefusedError("the client assertion was used before")
        if len(self._used) >= _REMEMBERED_MAX:
            self._used = {key: exp for key, exp in self._used.items() if exp > now - SKEW_SECONDS}
        self._used[used] = expires
