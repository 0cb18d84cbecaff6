"""What is decoded in one step is what is read field by field, and nothing else is taken."""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authz_service.api import decoding
from authz_service.api.authzen import DEPTH_MAX, ITEMS_MAX, read_asked, read_batch, read_object
from authz_service.api.decoding import read_question, read_questions
from authz_service.api.problems import ProblemError
from tests.api.test_fuzz import mutated

if TYPE_CHECKING:
    from collections.abc import Callable

DRAWN = 400 + min(int(os.environ.get("KINGUARD_CASES", "0")) // 100, 1_000)
DAMAGED = 20_000
SEED = int(os.environ.get("KINGUARD_SEED", "11"))
SUBJECT = {"type": "account", "id": "dana"}
RESOURCE = {
    "type": "invoice",
    "id": "inv_mia_1",
    "properties": {
        "client_id": "mia",
        "balance_due_cents": 1250,
        "rate": 0.5,
        "late": True,
        "signer_ids": ["dana", None],
    },
}
CONTEXT = {"authn": {"amr": ["pwd", "otp"], "password_change_due": False}, "at": "2026-06-15T12:00:00+02:00"}
QUESTION = {"subject": SUBJECT, "action": {"name": "view"}, "resource": RESOURCE}
SINGLES: list[dict[str, Any]] = [
    QUESTION,
    QUESTION | {"context": CONTEXT},
    QUESTION | {"context": {"explain": True}},
    QUESTION | {"context": None, "subject": SUBJECT | {"properties": {"department": "sales"}}},
    QUESTION
    | {"action": {"name": "view", "properties": {"method": "GET"}}, "resource": RESOURCE | {"properties": None}},
]
BATCHES: list[dict[str, Any]] = [
    {"evaluations": [*SINGLES]},
    {"evaluations": [{"resource": RESOURCE}, {"action": {"name": "pay"}}, {}], **QUESTION, "context": CONTEXT},
    {"evaluations": [{**QUESTION, "context": None}], "options": {"evaluations_semantic": "deny_on_first_deny"}},
]
BODIES = [*SINGLES, *BATCHES]


def outcome(read: Callable[[bytes], Any], body: bytes) -> Any:
    """What was read, with the types of the values; or the refusal."""
    try:
        return repr(read(body))
    except ProblemError as problem:
        return type(problem), problem.status, problem.detail


def one_by_one(body: bytes) -> Any:
    document = read_object(body)
    return read_batch(document) or read_asked(document)


def agree(body: bytes) -> None:
    assert outcome(read_question, body) == outcome(lambda body: read_asked(read_object(body)), body), body
    assert outcome(read_questions, body) == outcome(one_by_one, body), body


def damaged(rng: random.Random) -> bytes:
    """A good body with some bytes cut out, doubled, exchanged for others or for what JSON finds hard."""
    body = bytearray(orjson.dumps(rng.choice(BODIES)))
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(body))
        end = min(len(body), start + rng.choice([0, 1, 1, 2, 8]))
        body[start:end] = rng.choice(HARD) if rng.random() < 0.7 else body[start:end] * 2
    return bytes(body)


# What JSON and Unicode find hard.
HARD = [
    *(b"", b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"{}", b"[]", b'"x"', b'"":0,', b'"subject":null,'),
    *(b"null", b"true", b"1", b"01", b"-0", b"1.0", b"1e5", b"1e999", b"NaN", b"9223372036854775808", b"1" * 20),
    *(
        b"\\u0000",
        b"\\ud800",
        b"\\ud83d\\ude00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xef\xbb\xbf",
    ),
    *(b"\x00", b"\x7f", b"\x1f", b" ", b"\t"),
]


@pytest.mark.parametrize("document", BODIES)
def test_what_is_usual_is_decoded_in_one_step(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole questions, batches with what they share, context and options need no second reading."""
    body = orjson.dumps(document)
    expected = outcome(one_by_one, body)

    def refuse(_body: bytes) -> Any:
        raise AssertionError("read field by field")

    monkeypatch.setattr(decoding, "read_object", refuse)
    assert outcome(read_questions if "evaluations" in document else read_question, body) == expected


@settings(max_examples=DRAWN, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_both_ways_read_the_same_of_a_body_that_was_changed(data: st.DataObject) -> None:
    """Places changed, taken away or added: the same questions, or the same refusal."""
    agree(json.dumps(data.draw(mutated(data.draw(st.sampled_from(BODIES))))).encode())


def agree_on_what_is_damaged() -> int:
    """How many bodies can still be read."""
    rng = random.Random(SEED)
    read = 0
    for _ in range(DAMAGED):
        body = damaged(rng)
        agree(body)
        read += isinstance(outcome(read_question, body), str)
    return read


def test_both_ways_read_the_same_of_a_body_that_was_damaged() -> None:
    """Bytes cut, doubled or exchanged: the same questions, or the same refusal; and some of them are still read."""
    assert DAMAGED // 100 < agree_on_what_is_damaged() < DAMAGED // 2


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({"a": 2**63}, id="larger than 63 bits"),
        pytest.param({"a": {"b": 1}}, id="an object inside"),
        pytest.param({"a": [[1]]}, id="a list in a list"),
        pytest.param({"a": 1e308, "b": -0.0, "c": -(2**63)}, id="numbers at their ends"),
    ],
)
def test_odd_values_are_read_as_ever(properties: dict[str, Any]) -> None:
    """A value that the one step does not take keeps its type and its value."""
    agree(orjson.dumps(QUESTION | {"resource": RESOURCE | {"properties": properties}}))
    agree(orjson.dumps({"evaluations": [QUESTION | {"resource": RESOURCE | {"properties": properties}}]}))


@pytest.mark.parametrize("place", ["unknown", "context", "properties", "item"])
@pytest.mark.parametrize("depth", [DEPTH_MAX - 6, DEPTH_MAX + 1, 100_000])
def test_no_depth_gets_past_the_limit(place: str, depth: int) -> None:
    """However deep a body is nested and wherever, it is refused as when it is read field by field."""
    deep = b"[" * depth + b"]" * depth
    whole = orjson.dumps(QUESTION)[:-1]
    body = {
        "unknown": whole + b',"more":' + deep + b"}",
        "context": whole + b',"context":{"more":' + deep + b"}}",
        "properties": whole[:-2] + b',"more":' + deep + b"}}}",
        "item": b'{"evaluations":[' + deep + b"]}",
    }[place]
    agree(body)


@pytest.mark.parametrize("count", [0, 1, ITEMS_MAX, ITEMS_MAX + 1])
def test_a_batch_has_the_same_limit_both_ways(count: int) -> None:
    """No items are a single question; more than the limit are refused."""
    agree(orjson.dumps({"evaluations": [QUESTION] * count, **QUESTION}))


class _LaxEntity(msgspec.Struct):
    type: str
    id: str
    properties: Any = None


class _LaxAction(msgspec.Struct):
    name: str


class _LaxQuestion(msgspec.Struct):
    subject: _LaxEntity
    action: _LaxAction
    resource: _LaxEntity
    context: None = None


def test_a_decoder_that_takes_more_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with lengths and depths left unchecked, the two ways part."""
    monkeypatch.setattr(decoding, "_decode_question", msgspec.json.Decoder(_LaxQuestion).decode)
    with pytest.raises(AssertionError):
        agree_on_what_is_damaged()
