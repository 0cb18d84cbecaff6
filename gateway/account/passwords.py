"""Passwords: hashed with Argon2id, compared off the event loop, a few at a time."""

from __future__ import annotations

import secrets
import unicodedata

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

PASSWORD_CHARACTERS_MAX = 1024
USERNAME_CHARACTERS_MAX = 256
HASHING_MAX = 2  # at once: each takes a core and 46 MiB
_HASHER = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1, type=Type.ID)
# For an unknown name the same work is done on this hash, whose password nobody knows.
_NOBODYS = _HASHER.hash(secrets.token_urlsafe(32))


class Passwords:
    """Checks passwords; the number of checks at once is bounded."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(HASHING_MAX)

    async def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether the password belongs to the hash; as much work without a hash as with one."""
        known = await to_thread.run_sync(_verify, password_hash or _NOBODYS, password, limiter=self._limiter)
        return known and password_hash is not None


def hash_password(password: str) -> str:
    """A new hash."""
    return _HASHER.hash(_prepared(password))


def is_outdated(password_hash: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def canonical(username: str) -> str:
    """The one spelling of a sign-in name: credentials and counters go by it."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, _prepared(password))
    except (VerificationError, InvalidHashError):
        return False


def _prepared(password: str) -> str:
    return unicodedata.normalize("NFC", password)
