"""One-time keys of forms: the same form sent again is known by its key, and done once."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.datastructures import FormData

_KEY = re.compile(r"[0-9a-f]{32}")


def new_key() -> str:
    """A key for a form."""
    return secrets.token_hex(16)


def is_key(text: str) -> bool:
    """Whether the text may be such a key."""
    return _KEY.fullmatch(text) is not None


def key_of(form: FormData, field: str = "once") -> str:
    """The key of a form; a new one when it was not sent."""
    sent = str(form.get(field, ""))
    return sent if is_key(sent) else new_key()
