"""How records are bound to each other: each group of records is hashed together with the group before it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

GENESIS = "0" * 64


def link_hash(previous: str, number: int, payload: bytes) -> str:
    """Hex SHA-256 of a group: the hash before it, its number in the chain, and its records, one a line."""
    return hashlib.sha256(f"{previous}\n{number}\n".encode() + payload).hexdigest()


class TrailDatabase(Protocol):
    """Where the trail is kept: transactions on the rows of the practices named, `*` for all."""

    def reading(self, practices: Iterable[str] = ...) -> AbstractContextManager[Connection]:
        """A transaction that sees one state."""

    def writing(self, practices: Iterable[str]) -> AbstractContextManager[Session]:
        """A transaction that is committed when its block ends without an error."""


EVERYTHING = ("*",)
