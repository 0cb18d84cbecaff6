"""No forged, garbled or ambiguous token gets past the function that the service itself calls."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from authz_service.tokens.signatures import (
    KeyRefusedError,
    KeySet,
    TokenError,
    public_jwk,
    read_object,
    read_signed,
    sign,
)

VECTORS = Path(__file__).parent / "vectors"
FILES = {
    "json_web_signature_test.json": 401,
    "json_web_key_test.json": 26,
    "json_web_crypto_test.json": 83,
    "json_web_encryption_test.json": 139,
}
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi")


def public_part(key: dict[str, Any]) -> dict[str, Any]:
    """Vectors come with private keys here and there; the flaw to be found is another one."""
    if key.get("kty") == "oct":
        return key
    return {name: value for name, value in key.items() if name not in _PRIVATE}


@cache
def cases(file: str) -> list[tuple[dict[str, Any], Any, str, int]]:
    found = []
    for group in json.loads((VECTORS / file).read_text())["testGroups"]:
        keys = group.get("public") or group["private"]
        document = {"keys": [public_part(key) for key in keys.get("keys", [keys])]}
        found += [
            (document, test["jws"] if "jws" in test else test["jwe"], test["result"], test["tcId"])
            for test in group["tests"]
        ]
    return found


def accepts(document: dict[str, Any], token: object) -> bool:
    text = token if isinstance(token, str) else json.dumps(token)
    try:
        read_signed(text, KeySet.from_jwks(document))
    except (TokenError, KeyRefusedError):
        return False
    return True


@pytest.mark.parametrize("file", FILES)
def test_every_vector_marked_invalid_is_refused(file: str) -> None:
    found = cases(file)
    assert len(found) == FILES[file]
    assert [
        number for document, token, result, number in found if result == "invalid" and accepts(document, token)
    ] == []


def test_a_valid_vector_is_accepted_exactly_when_its_algorithm_is_turned_on() -> None:
    accepted = 0
    for file in FILES:
        for document, token, result, number in cases(file):
            usable = all(key.get("alg") == "ES256" for key in document["keys"]) and file != "json_web_key_test.json"
            assert accepts(document, token) is (usable and result == "valid"), (file, number)
            accepted += usable and result == "valid"
    assert accepted == 3


def test_every_vector_for_encryption_is_refused() -> None:
    assert not any(accepts(document, token) for document, token, _, _ in cases("json_web_encryption_test.json"))


def test_many_vectors_fail_at_the_signature_and_not_earlier() -> None:
    """Control: a reader that refused everything at the door would pass the other tests."""
    reached = 0
    for document, token, result, _ in cases("json_web_signature_test.json"):
        if result == "invalid" and all(key.get("alg") == "ES256" for key in document["keys"]):
            try:
                read_signed(token, KeySet.from_jwks(document))
            except TokenError as error:
                reached += "signature" in str(error)
    assert reached >= 20


KEY = Ed25519PrivateKey.generate()
JWK = public_jwk(KEY.public_key())
KEYS = KeySet.from_jwks({"keys": [JWK]})
TOKEN = sign({"a": 1}, KEY, "at+jwt")


def segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: object, payload: bytes = b'{"a":1}') -> str:
    text = f"{segment(header)}.{segment(payload)}"
    return f"{text}.{segment(KEY.sign(text.encode()))}"


GOOD = {"alg": "EdDSA", "kid": JWK["kid"], "typ": "at+jwt"}


def test_a_token_made_by_hand_is_accepted() -> None:
    read_signed(signed(GOOD), KEYS)


@pytest.mark.parametrize(
    "header",
    [
        {**GOOD, "alg": "none"},
        {**GOOD, "alg": "None"},
        {**GOOD, "alg": "NONE"},
        {**GOOD, "alg": "HS256"},
        {**GOOD, "alg": "ES256"},
        {**GOOD, "alg": "eddsa"},
        {**GOOD, "alg": ["EdDSA"]},
        {**GOOD, "alg": None},
        {name: value for name, value in GOOD.items() if name != "alg"},
        {name: value for name, value in GOOD.items() if name != "kid"},
        {**GOOD, "kid": ""},
        {**GOOD, "kid": "../../etc/passwd"},
        {**GOOD, "kid": "' OR 1=1 --"},
        {**GOOD, "kid": "http://evil/key"},
        {**GOOD, "kid": [JWK["kid"]]},
        {**GOOD, "kid": 0},
        {**GOOD, "crit": []},
        {**GOOD, "crit": ["exp"]},
        {**GOOD, "b64": False},
        [GOOD],
        "EdDSA",
        b'{"alg":"EdDSA","alg":"EdDSA","kid":"%s"}' % JWK["kid"].encode(),
        b'{"alg":"EdDSA","kid":"%s","x":NaN}' % JWK["kid"].encode(),
        b'\xff{"alg":"EdDSA"}',
        b"[" * 5000,
    ],
    ids=lambda each: str(each).replace(JWK["kid"], "KID")[:60],
)
def test_a_token_with_a_wrong_header_is_refused(header: object) -> None:
    with pytest.raises(TokenError):
        read_signed(signed(header), KEYS)


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_token_brings_along_is_not_looked_at(name: str) -> None:
    other = Ed25519PrivateKey.generate()
    header = {**GOOD, name: public_jwk(other.public_key()) if name == "jwk" else "http://127.0.0.1:1/keys"}
    read_signed(signed(header), KEYS)
    text = f"{segment(header)}.{segment(b'{}')}"
    with pytest.raises(TokenError, match="signature"):
        read_signed(f"{text}.{segment(other.sign(text.encode()))}", KEYS)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        TOKEN + ".",
        TOKEN + "=",
        TOKEN + "\n",
        " " + TOKEN,
        TOKEN.replace(".", "=.", 1),
        TOKEN.rsplit(".", 1)[0],
        TOKEN.rsplit(".", 1)[0] + ".",
        TOKEN + "." + "A" * 10,
        TOKEN.replace(".", "..", 1),
        "A" * 9000,
        json.dumps({"payload": "e30", "protected": TOKEN.split(".")[0], "signature": TOKEN.split(".")[2]}),
    ],
    ids=range(14),
)
def test_what_is_no_compact_token_is_refused(token: str) -> None:
    with pytest.raises(TokenError):
        read_signed(token, KEYS)


@given(place=st.integers(0, len(TOKEN) - 1), replacement=st.characters(codec="ascii"))
@settings(max_examples=600, deadline=None)
def test_no_token_with_another_letter_is_accepted(place: int, replacement: str) -> None:
    changed = TOKEN[:place] + replacement + TOKEN[place + 1 :]
    if changed == TOKEN:
        read_signed(changed, KEYS)
        return
    with pytest.raises(TokenError):
        read_signed(changed, KEYS)


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": ["verify", "sign"]},
        {"alg": "ES256"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"crv": "X25519"},
        {"kid": None},
        {"kid": 5},
        {"x": "AAAA"},
        {"d": "AAAA"},
    ],
    ids=str,
)
def test_a_key_that_is_not_for_signatures_is_refused_with_its_whole_set(change: dict[str, Any]) -> None:
    good = public_jwk(Ed25519PrivateKey.generate().public_key())
    with pytest.raises(KeyRefusedError):
        KeySet.from_jwks({"keys": [good, {**JWK, **change}]})


@pytest.mark.parametrize("document", [{}, {"keys": []}, {"keys": {}}, {"keys": [1]}, {"keys": [JWK, JWK]}])
def test_a_set_without_keys_or_with_one_twice_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(KeyRefusedError):
        KeySet.from_jwks(document)


@pytest.mark.parametrize("text", [b"", b"5", b'{"a":1,"a":1}', b'{"a":Infinity}', b"\xff", b"[" * 100_000])
def test_a_payload_must_be_one_object_with_unique_names(text: bytes) -> None:
    with pytest.raises(TokenError):
        read_object(text, "payload")
