"""What is kept of a second factor is worth nothing to whoever reads the database: encrypted, or hashed with a key."""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class Seal:
    """Seals and hashes with keys derived from the gateway's secret; `purpose` binds each to what it is for."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(_derived(secret, b"kinguard second factor: sealing"))
        self._hash_key = _derived(secret, b"kinguard second factor: hashing")

    def close(self, text: str, purpose: str) -> str:
        """The text, encrypted (AES-256-GCM)."""
        nonce = os.urandom(_NONCE_BYTES)
        return urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), purpose.encode())).decode()

    def open(self, sealed: str, purpose: str) -> str | None:
        """The text, or None when it was not sealed here for this purpose."""
        try:
            content = urlsafe_b64decode(sealed)
            return self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], purpose.encode()).decode()
        except (ValueError, InvalidTag):
            return None

    def digest(self, text: str, purpose: str) -> bytes:
        """A keyed hash of the text (HMAC-SHA-256)."""
        return hmac.new(self._hash_key, f"{purpose}\0{text}".encode(), hashlib.sha256).digest()


def _derived(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)
