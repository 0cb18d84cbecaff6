"""Signed tokens, read strictly: what a library lets pass is checked around it.

Stricter than the standard where leniency has been an attack: canonical base64url without padding, the algorithm fixed
by the key and equal to the header's, `kid` a look-up in a fixed map, `crit` refused, `jku`, `x5u`, `x5c` and `jwk`
never looked at.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TOKEN_BYTES_MAX = 8192
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_CURVES = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey
PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey


class TokenError(Exception):
    """The token is refused. The message is for the log and for the caller's developer; it never quotes the token."""


class KeyRefusedError(Exception):
    """A key or set of keys cannot be trusted for signatures."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key and the one algorithm it is used with."""

    kid: str
    algorithm: str  # EdDSA or ES256
    key: PublicKey


class KeySet:
    """Public keys by `kid`. A set with one key that cannot be trusted is refused whole."""

    def __init__(self, keys: Iterable[VerificationKey]) -> None:
        self._keys: dict[str, VerificationKey] = {}
        for key in keys:
            if key.kid in self._keys:
                raise KeyRefusedError(f"two keys share the kid {key.kid!r}")
            self._keys[key.kid] = key

    @classmethod
    def from_jwks(cls, document: Mapping[str, Any]) -> KeySet:
        """Reads a JWK set (RFC 7517); KeyRefusedError names the first flaw."""
        keys = document.get("keys")
        if not isinstance(keys, list) or not keys:
            raise KeyRefusedError("a key set has a non-empty list `keys`")
        return cls(read_jwk(key) for key in keys)

    def get(self, kid: object) -> VerificationKey | None:
        """The key, or None; anything but a known string is None."""
        return self._keys.get(kid) if isinstance(kid, str) else None


def read_jwk(document: object) -> VerificationKey:
    """Reads one public signature key (Ed25519 or P-256); KeyRefusedError names the flaw."""
    if not isinstance(document, dict):
        raise KeyRefusedError("a key is a JSON object")
    if _PRIVATE & document.keys():
        raise KeyRefusedError("a private or symmetric key has no place among public keys")
    algorithm = _CURVES.get((document.get("kty"), document.get("crv")))  # type: ignore[arg-type]
    if algorithm is None:
        raise KeyRefusedError("only Ed25519 and P-256 keys are accepted")
    if document.get("alg", algorithm) != algorithm:
        raise KeyRefusedError(f"the key's alg must be {algorithm}")
    if document.get("use", "sig") != "sig":
        raise KeyRefusedError("the key's use must be sig")
    operations = document.get("key_ops", ["verify"])
    if not isinstance(operations, list) or operations != ["verify"]:
        raise KeyRefusedError('the key\'s key_ops must be ["verify"]')
    kid = document.get("kid")
    if not isinstance(kid, str) or not kid:
        raise KeyRefusedError("the key needs a kid")
    try:
        key = jwt.PyJWK(document, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise KeyRefusedError("the key cannot be read") from error
    return VerificationKey(kid, algorithm, key)


def public_jwk(key: PublicKey) -> dict[str, str]:
    """The key as a JWK; its kid is the RFC 7638 thumbprint."""
    numbers: dict[str, str]
    if isinstance(key, Ed25519PublicKey):
        numbers = {"crv": "Ed25519", "kty": "OKP", "x": encode(key.public_bytes_raw())}
        algorithm = "EdDSA"
    else:
        if not isinstance(key.curve, SECP256R1):
            raise KeyRefusedError("only Ed25519 and P-256 keys are accepted")
        point = key.public_numbers()
        numbers = {
            "crv": "P-256",
            "kty": "EC",
            "x": encode(point.x.to_bytes(32, "big")),
            "y": encode(point.y.to_bytes(32, "big")),
        }
        algorithm = "ES256"
    canonical = json.dumps(numbers, sort_keys=True, separators=(",", ":")).encode()
    return {**numbers, "kid": encode(hashlib.sha256(canonical).digest()), "use": "sig", "alg": algorithm}


def sign(claims: Mapping[str, Any], key: PrivateKey, typ: str) -> str:
    """A compact signed token with `alg`, `kid` and `typ` in its header."""
    jwk = public_jwk(key.public_key())
    return jwt.encode(dict(claims), key, algorithm=jwk["alg"], headers={"kid": jwk["kid"], "typ": typ})


def read_signed(token: str, keys: KeySet) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a token whose signature holds; TokenError otherwise."""
    if len(token) > TOKEN_BYTES_MAX:
        raise TokenError("the token is longer than 8 KB")
    if not _COMPACT.fullmatch(token):
        raise TokenError("the token is not a compact signed token")
    parts = token.split(".")
    header = read_object(decode(parts[0]), "header")
    payload = decode(parts[1])
    decode(parts[2])
    if "crit" in header or "b64" in header:
        raise TokenError("the token asks for an extension that is not supported")
    key = keys.get(header.get("kid"))
    if key is None:
        raise TokenError("the token's key is not known")
    if header.get("alg") != key.algorithm:
        raise TokenError("the token's algorithm is not its key's")
    try:
        jwt.PyJWS().decode(token, key.key, algorithms=[key.algorithm])
    except jwt.PyJWTError as error:
        raise TokenError("the token's signature does not hold") from error
    return header, payload


def read_object(text: bytes, what: str) -> dict[str, Any]:
    """A JSON object without duplicate names; TokenError otherwise."""
    try:
        value = json.loads(text.decode("utf-8", "strict"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise TokenError(f"the token's {what} is not JSON with unique names") from error
    if not isinstance(value, dict):
        raise TokenError(f"the token's {what} is not a JSON object")
    return value


def encode(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    """The bytes behind canonical base64url without padding; TokenError otherwise."""
    try:
        raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError as error:
        raise TokenError("the token is not base64url") from error
    if encode(raw) != part:
        raise TokenError("the token is not canonical base64url")
    return raw


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate name")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(name)
