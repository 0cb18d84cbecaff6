"""Private keys on disk: made at the first run, readable by their owner only, and never overwritten."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from authz_service.tokens.signatures import KeyRefusedError, KeySet, public_jwk, read_jwk

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.tokens.signatures import PrivateKey


def ensure_key(path: Path) -> PrivateKey:
    """The private key at `path` (PEM, mode 0600), made when there is none; KeyRefusedError when it cannot be used."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(path, text, replace=False)
    return read_key(path)


def read_key(path: Path) -> PrivateKey:
    """The private key at `path`; KeyRefusedError when it is missing, unreadable, open to others or of another kind."""
    try:
        mode = path.stat().st_mode
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise KeyRefusedError(f"{path}: the private key cannot be read") from error
    if mode & 0o077:
        raise KeyRefusedError(f"{path}: others can read the private key; make it `chmod 600`")
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise KeyRefusedError(f"{path}: only Ed25519 and P-256 keys are accepted")
    public_jwk(key.public_key())
    return key


def write_private(path: Path, content: bytes, *, replace: bool) -> None:
    """Writes a whole file or none, mode 0600; with `replace=False` a file that is already there stays."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            try:
                os.link(temporary, path)
            except FileExistsError:
                return
    finally:
        temporary.unlink(missing_ok=True)


class SigningKeys:
    """The keys of this service's own tokens: `keys/signing/*.pem`. The last by name signs, all of them verify.

    To rotate, add a file with a later name; once the last token of the old key has expired, delete the old file.
    """

    def __init__(self, folder: Path) -> None:
        if not any(folder.glob("*.pem")):
            ensure_key(folder / "0001.pem")
        self._keys = [read_key(path) for path in sorted(folder.glob("*.pem"))]
        self.jwks = {"keys": [public_jwk(key.public_key()) for key in self._keys]}
        self.public = KeySet(read_jwk(jwk) for jwk in self.jwks["keys"])

    @property
    def current(self) -> PrivateKey:
        """The key that signs."""
        return self._keys[-1]
