"""How the gateway proves itself to the authz service: a short assertion signed with its own key (RFC 7523)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from gateway.edge.errors import CannotDecide

if TYPE_CHECKING:
    from pathlib import Path

CLIENT_ID = "gateway"
ASSERTION_SECONDS = 60
_THUMBPRINT_MEMBERS = ("crv", "kty", "x", "y")  # RFC 7638, both kinds of key


def assertion(key_file: Path, audience: str, now: int) -> str:
    """A signed assertion for one token request; CannotDecide when the key cannot be used."""
    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise CannotDecide(f"{key_file}: the gateway's private key cannot be read") from error
    if isinstance(key, Ed25519PrivateKey):
        algorithm, jwk = "EdDSA", OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    elif isinstance(key, EllipticCurvePrivateKey):
        algorithm, jwk = "ES256", ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        raise CannotDecide(f"{key_file}: only Ed25519 and P-256 keys are accepted")
    claims = {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": audience,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
        "jti": secrets.token_urlsafe(16),
    }
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": _thumbprint(jwk)})


def _thumbprint(jwk: dict[str, str]) -> str:
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS if name in jwk}
    digest = hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
