"""Ids: opaque texts. What may be one, and how a new one is made."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LENGTH = 64
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]*")


def is_id(value: object) -> bool:
    """Whether the value may be an id: up to 64 letters, digits and `_.:@-`, beginning with a letter or digit."""
    return isinstance(value, str) and len(value) <= MAX_LENGTH and _ID.fullmatch(value) is not None


def new_grant_id(account_id: str, client_id: str, is_taken: Callable[[str], bool]) -> str:
    """`g_<account>_<client>` where it is free and not too long, and otherwise something that nobody can guess."""
    plain = f"g_{account_id}_{client_id}"
    if len(plain) <= MAX_LENGTH and not is_taken(plain):
        return plain
    suffix = f"_{secrets.token_hex(8)}"
    return plain[: MAX_LENGTH - len(suffix)] + suffix
