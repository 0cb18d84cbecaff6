"""How records are bound to each other: each group of records is hashed together with the group before it."""

from __future__ import annotations

import hashlib

GENESIS = "0" * 64


def link_hash(previous: str, number: int, payload: bytes) -> str:
    """Hex SHA-256 of a group: the hash before it, its number in the chain, and its records, one a line."""
    return hashlib.sha256(f"{previous}\n{number}\n".encode() + payload).hexdigest()
