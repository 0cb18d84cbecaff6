"""A passkey counts for its own person, its own site and one challenge; a copied one does not."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sqlmodel import Session, create_engine, select
from webauthn.helpers import bytes_to_base64url, encode_cbor

from gateway.account.passkeys import Place, ask_to_make, ask_to_show, made, use_passkey
from models.tables.base import RecordsTable
from models.tables.second_factor import Passkey
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StandingClock

HERE = Place("portal.example", "https://portal.example")
DANA = (SubjectType.ACCOUNT, "dana")


@dataclass
class Key:
    """A security key with one P-256 credential, after WebAuthn sections 5.8.1 and 6.1."""

    place: Place = HERE
    count: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: str) -> str:
        point = self.private.public_key().public_numbers()
        public = encode_cbor({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        shown = encode_cbor({"fmt": "none", "attStmt": {}, "authData": self._data(0x45) + credential})
        told = self._client_data("webauthn.create", options)
        return self._answer(attestationObject=bytes_to_base64url(shown), clientDataJSON=bytes_to_base64url(told))

    def show(self, options: str) -> str:
        self.count += 1
        data, told = self._data(0x05), self._client_data("webauthn.get", options)
        signature = self.private.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(SHA256()))
        parts = {"authenticatorData": data, "clientDataJSON": told, "signature": signature}
        return self._answer(**{name: bytes_to_base64url(part) for name, part in parts.items()})

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.place.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client_data(self, kind: str, options: str) -> bytes:
        challenge = orjson.loads(options)["challenge"]
        return orjson.dumps({"type": kind, "challenge": challenge, "origin": self.place.origin, "crossOrigin": False})

    def _answer(self, **response: str) -> str:
        own = bytes_to_base64url(self.id)
        return orjson.dumps({"id": own, "rawId": own, "type": "public-key", "response": response}).decode()


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    RecordsTable.metadata.create_all(engine, tables=[Passkey.__table__])  # type: ignore[attr-defined]
    with Session(engine) as opened:
        yield opened
    engine.dispose()


@pytest.fixture
def key() -> Key:
    return Key()


@pytest.fixture
def known(session: Session, key: Key, standing_clock: StandingClock) -> list[Passkey]:
    """The passkeys of dana: the one of `key`."""
    options, challenge = ask_to_make(HERE, b"h" * 32, "dana", "Dana Novak", [])
    passkey = made(HERE, DANA, (key.make(options), challenge), "My key", standing_clock())
    assert passkey is not None
    session.add(passkey)
    session.flush()
    return list(session.exec(select(Passkey)))


def use(session: Session, known: list[Passkey], answer: str, challenge: str, clock: StandingClock) -> str:
    session.expire_all()
    return use_passkey(session, HERE, known, (answer, challenge), clock())


def test_a_key_of_ones_own_is_a_second_factor(
    session: Session, key: Key, known: list[Passkey], standing_clock: StandingClock
) -> None:
    for _ in range(2):
        options, challenge = ask_to_show(HERE, known)
        assert use(session, known, key.show(options), challenge, standing_clock) == "hwk"


@pytest.mark.parametrize("wrong", ["challenge", "site", "origin", "key", "signature", "copy", "nothing", "no JSON"])
def test_anything_else_is_none(
    session: Session, key: Key, known: list[Passkey], standing_clock: StandingClock, wrong: str
) -> None:
    options, challenge = ask_to_show(HERE, known)
    assert use(session, known, key.show(options), challenge, standing_clock) == "hwk"
    options, challenge = ask_to_show(HERE, known)
    answer: Any
    if wrong == "challenge":
        answer = key.show(ask_to_show(HERE, known)[0])
    elif wrong == "site":
        key.place = Place("evil.example", HERE.origin)
        answer = key.show(options)
    elif wrong == "origin":
        key.place = Place(HERE.host, "https://evil.portal.example")
        answer = key.show(options)
    elif wrong == "key":
        answer = Key(id=key.id).show(options)
    elif wrong == "signature":
        answer = key.show(options).replace('"signature":"', '"signature":"AA')
    elif wrong == "copy":
        key.count = 0
        answer = key.show(options)
    else:
        answer = "{}" if wrong == "nothing" else "x"
    assert use(session, known, answer, challenge, standing_clock) == ""


def test_another_person_s_key_is_none(session: Session, known: list[Passkey], standing_clock: StandingClock) -> None:
    options, challenge = ask_to_show(HERE, known)
    assert use(session, known, Key().show(options), challenge, standing_clock) == ""


@pytest.mark.parametrize("answer", ["", "{}", "x", '{"id":1}', "[]", "null"])
def test_what_no_browser_sends_makes_no_passkey(standing_clock: StandingClock, answer: str) -> None:
    _, challenge = ask_to_make(HERE, b"h" * 32, "dana", "Dana Novak", [])
    assert made(HERE, DANA, (answer, challenge), "x", standing_clock()) is None


def test_a_passkey_made_for_another_challenge_or_site_is_not_kept(key: Key, standing_clock: StandingClock) -> None:
    options, challenge = ask_to_make(HERE, b"h" * 32, "dana", "Dana Novak", [])
    other = ask_to_make(HERE, b"h" * 32, "dana", "Dana Novak", [])[0]
    assert made(HERE, DANA, (key.make(other), challenge), "x", standing_clock()) is None
    key.place = Place("evil.example", "https://evil.example")
    assert made(HERE, DANA, (key.make(options), challenge), "x", standing_clock()) is None
