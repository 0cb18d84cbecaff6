"""Only the one exact answer of the service counts; anything else is no answer, and within two seconds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.edge.authz_client import Asking, AuthzClient, Question
from gateway.edge.authz_line import ANSWER_BYTES_MAX
from gateway.edge.errors import CannotDecide, Rejected, Stale
from gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.conftest import StandingClock

pytestmark = pytest.mark.anyio
DANA = Asking({"type": "account", "id": "dana"}, ("pwd",))
QUESTION = Question("view", "invoice", "inv_mia_1", {"client_id": "mia"})
TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 600}
JSON = {"content-type": "application/json"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    key_file = tmp_path / "gateway.pem"
    key_file.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Settings(data_dir=tmp_path, gateway_key_file=key_file)


@pytest.fixture
def answering(settings: Settings, clock: StandingClock) -> Callable[[Any], AuthzClient]:
    """A client of a service that gives tokens, and to everything else this answer (a response or a function)."""

    def client(answer: Any) -> AuthzClient:
        async def handle(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/oauth/token":
                return httpx.Response(200, json=TOKEN)
            found = answer(request) if callable(answer) else answer
            return await found if asyncio.iscoroutine(found) else found

        return AuthzClient(settings, clock, httpx.MockTransport(handle))

    return client


@pytest.mark.parametrize("decision", [True, False])
async def test_the_exact_answer_counts(answering: Callable[[Any], AuthzClient], decision: bool) -> None:
    client = answering(httpx.Response(200, json={"decision": decision}))
    assert (await client.evaluate(DANA, QUESTION))[0] is decision


ANSWERS = [
    httpx.Response(200),
    httpx.Response(200, headers=JSON),
    httpx.Response(200, text="<html>allowed</html>"),
    httpx.Response(200, text='{"decision": true}'),
    httpx.Response(200, headers=JSON, content=b'{"decision": tr'),
    httpx.Response(200, json={"decision": "true"}),
    httpx.Response(200, json={"decision": 1}),
    httpx.Response(200, json={"decision": None}),
    httpx.Response(200, json={"allow": True}),
    httpx.Response(200, json=[]),
    httpx.Response(200, json=True),
    httpx.Response(200, headers=JSON, content=b'{"decision": false, "decision": true}'),
    httpx.Response(200, headers=JSON, content=b'{"decision": true}{"decision": true}'),
    httpx.Response(200, headers=JSON, content=b'{"decision": true, "x": ' + b"[" * 100_000),
    httpx.Response(200, headers=JSON, content=b'{"decision": true, "x": "' + b"a" * ANSWER_BYTES_MAX + b'"}'),
    httpx.Response(200, headers=JSON, content=b'\xff\xfe{"decision": true}'),
    httpx.Response(201, json={"decision": "yes"}),
    httpx.Response(202, json={"decision": True}),
    httpx.Response(204),
    httpx.Response(302, headers={"location": "/elsewhere", **JSON}, content=b'{"decision": true}'),
    httpx.Response(400, json={"decision": True}),
    httpx.Response(401, json={"decision": True}),
    httpx.Response(403, json={"decision": True}),
    httpx.Response(404, json={"decision": True}),
    httpx.Response(500, json={"decision": True}),
    httpx.Response(503, json={"decision": True}),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
async def test_any_other_answer_is_none(answering: Callable[[Any], AuthzClient], answer: httpx.Response) -> None:
    with pytest.raises(CannotDecide):
        await answering(answer).evaluate(DANA, QUESTION)
    with pytest.raises(CannotDecide):
        await answering(answer).evaluate_all(DANA, [QUESTION])
    with pytest.raises(CannotDecide):
        await answering(answer).plan(DANA, "view", "invoice", {"client_id": "mia"})


@pytest.mark.parametrize(
    "evaluations", [[], [{"decision": True}], [{"decision": True}] * 3, [{"decision": True}, {}], [True, True], None]
)
async def test_every_question_of_a_batch_needs_its_own_answer(
    answering: Callable[[Any], AuthzClient], evaluations: Any
) -> None:
    with pytest.raises(CannotDecide):
        await answering(httpx.Response(200, json={"evaluations": evaluations})).evaluate_all(DANA, [QUESTION] * 2)


@pytest.mark.parametrize(
    "plan",
    [
        {"kind": "conditional"},
        {"kind": "always_allowed", "condition": True},
        {"kind": "always"},
        {"condition": True},
        {"kind": "always_denied", "refusal": "toggle"},
    ],
)
async def test_a_plan_in_another_shape_is_none(answering: Callable[[Any], AuthzClient], plan: Any) -> None:
    with pytest.raises(CannotDecide):
        await answering(httpx.Response(200, json=plan)).plan(DANA, "view", "invoice", {"client_id": "mia"})


async def test_a_late_answer_is_none(answering: Callable[[Any], AuthzClient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.edge.authz_line.TIMEOUT_SECONDS", 0.05)

    async def late(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        return httpx.Response(200, json={"decision": True})

    async def dripping(_request: httpx.Request) -> httpx.Response:
        async def drops() -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.01)

        return httpx.Response(200, headers=JSON, content=drops())

    for answer in (late, dripping):
        began = time.monotonic()
        with pytest.raises(CannotDecide, match="in time"):
            await answering(answer).evaluate(DANA, QUESTION)
        assert time.monotonic() - began < 10


async def test_after_more_late_answers_than_there_are_connections_the_service_is_asked_again(
    settings: Settings, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rush that is given up on leaves every connection to whoever asks after it."""
    monkeypatch.setattr("gateway.edge.authz_line.CONNECTIONS_MAX", 2)
    monkeypatch.setattr("gateway.edge.authz_line.TIMEOUT_SECONDS", 0.02)
    slow = True

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):  # The client hangs up.
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
                asked_token = b"/oauth/token" in head
                await asyncio.sleep(0.03 if slow and not asked_token else 0)
                body = json.dumps(TOKEN if asked_token else {"decision": True}).encode()
                kind = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                writer.write(kind + b"content-length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = AuthzClient(settings.model_copy(update={"authz_url": f"http://127.0.0.1:{port}"}), clock)
    for _ in range(20):
        rush = [client.evaluate(DANA, QUESTION) for _ in range(8)]
        await asyncio.gather(*rush, return_exceptions=True)
    slow = False
    await asyncio.sleep(0.1)
    monkeypatch.setattr("gateway.edge.authz_line.TIMEOUT_SECONDS", 2.0)
    assert (await client.evaluate(DANA, QUESTION))[0]
    await client.close()
    server.close()


async def test_a_service_that_is_not_there_is_no_answer(settings: Settings, clock: StandingClock) -> None:
    client = AuthzClient(settings.model_copy(update={"authz_url": "http://127.0.0.1:9"}), clock)
    with pytest.raises(CannotDecide, match="reached"):
        await client.evaluate(DANA, QUESTION)
    await client.close()


async def test_a_refused_token_is_renewed_once(settings: Settings, clock: StandingClock) -> None:
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            seen.append("token")
            return httpx.Response(200, json={**TOKEN, "access_token": f"t{seen.count('token')}"})
        seen.append(request.headers["authorization"])
        ok = request.headers["authorization"] == "Bearer t2"
        return httpx.Response(200 if ok else 401, json={"decision": True})

    client = AuthzClient(settings, clock, httpx.MockTransport(handle))
    assert (await client.evaluate(DANA, QUESTION))[0] is True
    assert seen == ["token", "Bearer t1", "token", "Bearer t2"]


async def test_a_token_is_renewed_before_it_ends(settings: Settings, clock: StandingClock) -> None:
    tokens = 0

    def handle(request: httpx.Request) -> httpx.Response:
        nonlocal tokens
        tokens += request.url.path == "/oauth/token"
        return httpx.Response(200, json=TOKEN if request.url.path == "/oauth/token" else {"decision": True})

    client = AuthzClient(settings, clock, httpx.MockTransport(handle))
    await asyncio.gather(*(client.evaluate(DANA, QUESTION) for _ in range(20)))
    assert tokens == 1
    clock.advance(seconds=TOKEN["expires_in"] - 59)  # type: ignore[operator]
    await client.evaluate(DANA, QUESTION)
    assert tokens == 2


async def test_a_stale_change_and_a_refused_one_are_told_apart(answering: Callable[[Any], AuthzClient]) -> None:
    problem = {"title": "No", "detail": "not so", "errors": [{"field": "toggles.x", "message": "unknown"}]}
    with pytest.raises(Stale):
        await answering(httpx.Response(412, json=problem)).update_grant("g", {}, etag="1", actor="staff/jo")
    with pytest.raises(Rejected) as caught:
        await answering(httpx.Response(422, json=problem)).update_grant("g", {}, etag="1", actor="staff/jo")
    assert (caught.value.status, caught.value.field, caught.value.detail) == (422, "toggles.x", "unknown")


async def test_ids_cannot_leave_their_place_in_the_path(answering: Callable[[Any], AuthzClient]) -> None:
    paths: list[bytes] = []

    def note(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(200, json={})

    await answering(note).grant("../practices/northgate?x=1#y")
    assert paths == [b"/v1/grants/..%2Fpractices%2Fnorthgate%3Fx%3D1%23y"]


async def test_a_change_names_who_acts(answering: Callable[[Any], AuthzClient]) -> None:
    sent: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={})

    await answering(note).update_grant("g_sam_mia", {"toggles": {"invoices": True}}, etag="7", actor="staff/jo")
    (request,) = sent
    assert request.headers["kinguard-actor"] == "staff/jo"
    assert request.headers["if-match"] == '"7"'
    assert json.loads(request.content) == {"toggles": {"invoices": True}}
