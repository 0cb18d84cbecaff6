"""The calling systems: their public keys, scopes and practices, and the tokens that were taken back.

Both are files beside the keys (`clients.json`, `revoked.json`), replaced whole. A revocation counts from the next
request on in the process that made it, and in the machine's other processes as soon as they look at the files again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from authz_service.tokens.keys import ensure_key, write_private
from authz_service.tokens.signatures import KeyRefusedError, KeySet, public_jwk
from models.vocabulary import Scope

if TYPE_CHECKING:
    from pathlib import Path

EVERY_PRACTICE = "*"
_DEMO_CLIENTS: dict[str, list[str]] = {"demo-backend": [EVERY_PRACTICE], "gateway": [EVERY_PRACTICE]}
_LOOK_AGAIN_SECONDS = 0.25
_CLOCK_TICK_NS = 50_000_000  # Two writes within one tick of the file system can carry the same time.


class ClientsError(Exception):
    """The file of clients cannot be used; one line that names the file and the client."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A calling system. `practices` holds ids, or `*` for every practice."""

    id: str
    keys: KeySet
    scopes: frozenset[str]
    practices: frozenset[str]


class Clients:
    """The clients in force and the revoked tokens, as the files say now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._revoked_path = path.with_name("revoked.json")
        self._seen: tuple[int, int] | None = None
        self._looked = 0.0
        self._by_id: dict[str, OAuthClient] = {}
        self._revoked: dict[str, int] = {}
        self._refresh()

    def get(self, client_id: str) -> OAuthClient | None:
        """The client, or None."""
        self._refresh()
        return self._by_id.get(client_id)

    def ids(self) -> list[str]:
        """Every client's id."""
        self._refresh()
        return sorted(self._by_id)

    def holds(self, client_id: str, token_id: str) -> bool:
        """Whether the client is still there and the token was not taken back."""
        if time.monotonic() - self._looked > _LOOK_AGAIN_SECONDS:
            self._refresh()
        return client_id in self._by_id and token_id not in self._revoked

    def revoke(self, token_id: str, expires: int, now: int) -> None:
        """Takes a token back, durably, for this and every later request."""
        self._refresh()
        revoked = {jti: exp for jti, exp in self._revoked.items() if exp > now} | {token_id: expires}
        write_private(self._revoked_path, orjson.dumps(revoked), replace=True)
        self._seen = None
        self._refresh()

    def _refresh(self) -> None:
        self._looked = time.monotonic()
        try:
            seen = (self._path.stat().st_mtime_ns, _mtime(self._revoked_path))
        except OSError as error:
            self._by_id, self._seen, self._looked = {}, None, 0.0
            raise ClientsError(f"{self._path}: the file of clients cannot be read") from error
        if seen == self._seen:
            return
        self._by_id = _read_clients(self._path)
        self._revoked = orjson.loads(self._revoked_path.read_bytes()) if seen[1] else {}
        self._seen = seen if time.time_ns() - max(seen) > _CLOCK_TICK_NS else None


def ensure_demo_clients(keys_dir: Path) -> None:
    """Gives the demo its clients: a private key each in `clients/`, and `clients.json` with the public ones."""
    path = keys_dir / "clients.json"
    if path.exists():
        return
    document: dict[str, Any] = {}
    for client_id, practices in _DEMO_CLIENTS.items():
        key = ensure_key(keys_dir / "clients" / f"{client_id}.pem")
        document[client_id] = {
            "keys": [public_jwk(key.public_key())],
            "scopes": [scope.value for scope in Scope],
            "practices": practices,
        }
    write_private(path, orjson.dumps({"clients": document}, option=orjson.OPT_INDENT_2), replace=False)


def _mtime(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _read_clients(path: Path) -> dict[str, OAuthClient]:
    try:
        document = orjson.loads(path.read_bytes())["clients"]
        return {client_id: _read_client(path, client_id, entry) for client_id, entry in document.items()}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ClientsError(f'{path}: not a JSON object {{"clients": {{id: {{keys, scopes, practices}}}}}}') from error


def _read_client(path: Path, client_id: str, entry: dict[str, Any]) -> OAuthClient:
    scopes = frozenset(entry["scopes"])
    unknown = scopes - frozenset(Scope)
    if unknown:
        raise ClientsError(f"{path}: client {client_id}: unknown scope {', '.join(sorted(unknown))}")
    try:
        return OAuthClient(client_id, KeySet.from_jwks(entry), scopes, frozenset(entry["practices"]))
    except KeyRefusedError as error:
        raise ClientsError(f"{path}: client {client_id}: {error}") from error
