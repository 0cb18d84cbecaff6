"""Seals of signatures: whoever edits, drops or reorders rows of the database without the gateway's key is found out.

A seal is an HMAC over every column of the row, the seal of the practice's signature before it among them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.settings import Settings
    from models.tables.papers import Signature

FIRST = "0" * 64  # what the first signature of a practice has as the one before it
_PURPOSE = b"kinguard signature 1"


class Seals:
    """Closes signatures and checks them."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.new(secret, _PURPOSE, hashlib.sha256).digest()

    def close(self, signature: Signature) -> str:
        """The seal of a signature as it now stands, in hexadecimal."""
        drawn = None if signature.drawn is None else hashlib.sha256(signature.drawn).hexdigest()
        columns = signature.model_dump(exclude={"seal", "drawn", "signed_at"})
        closed = {**columns, "drawn": drawn, "signed_at": signature.signed_at.astimezone(UTC).isoformat()}
        written = json.dumps(closed, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()
        return hmac.new(self._key, written, hashlib.sha256).hexdigest()

    def fits(self, signature: Signature) -> bool:
        """Whether the row is as it was closed."""
        return hmac.compare_digest(self.close(signature), signature.seal)

    def first_fault(self, signatures: Sequence[Signature]) -> int | None:
        """The number at which a practice's signatures (all of them, by number) were edited or cut; None for nowhere."""
        before = FIRST
        for number, signature in enumerate(signatures, start=1):
            if signature.number != number or signature.previous != before or not self.fits(signature):
                return number
            before = signature.seal
        return None


def seal_secret(settings: Settings) -> bytes:
    """The secret behind the seals; in the demo the one that form tokens are made with, which exists by then."""
    set_one = settings.seal_secret or settings.session_secret
    return set_one.encode() or (settings.data_dir / "keys" / "gateway_forms").read_bytes()
