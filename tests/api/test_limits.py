"""What is too large, too slow, ambiguous or unknown is refused, and nothing of it is decided."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from authz_service.api import exchange
from tests.api.conftest import question

if TYPE_CHECKING:
    from tests.api.conftest import Api

YES = question("rosa", "view", "service_plan", "plan_rosa")
JSON = {"Content-Type": "application/json"}


def test_a_body_of_up_to_one_mebibyte_is_read_and_a_larger_one_refused(shared_api: Api) -> None:
    room = 1024 * 1024 - len(orjson.dumps({**YES, "x": ""}))
    for more, status in ((0, 200), (1, 413)):
        content = orjson.dumps({**YES, "x": "a" * (room + more)})
        assert shared_api.call("POST", "/access/v1/evaluation", content=content, headers=JSON).status_code == status


def test_a_body_without_a_length_is_counted_as_it_comes(shared_api: Api) -> None:
    async def parts() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    reply = shared_api.call("POST", "/v1/explain", content=parts(), headers=JSON)
    assert reply.status_code == 413


@pytest.mark.parametrize("path", ["/access/v1/evaluation", "/v1/explain", "/v1/resources"])
def test_deep_nesting_is_refused(shared_api: Api, path: str) -> None:
    for opened, closed in ((b"[", b"]"), (b'{"a":', b"}")):
        content = b'{"x":' + opened * 900 + b"1" + closed * 900 + b"}"
        reply = shared_api.call("POST", path, content=content, headers=JSON)
        assert reply.status_code == 400
        assert "deep" in reply.text


def test_brackets_inside_texts_and_many_flat_ones_are_not_nesting(shared_api: Api) -> None:
    body = {**YES, "x": '[{"\\' * 50, "y": [{}] * 500}
    assert shared_api.evaluate(body).json() == {"decision": True}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("X-Request-ID", "x" * 257)], 400),
        ([("X-Pad", "x" * 17_000)], 431),
        ([(f"X-{n}", "x") for n in range(101)], 431),
        ([("Host", "a"), ("Host", "b")], 400),
        ([("Kinguard-Actor", "staff/jo"), ("Kinguard-Actor", "staff/bea")], 400),
        ([("Content-Type", "application/json"), ("Content-Type", "application/json")], 400),
    ],
    ids=["request id", "size", "number", "host", "actor", "content type"],
)
def test_a_head_that_is_too_large_or_ambiguous_is_refused(
    shared_api: Api, headers: list[tuple[str, str]], status: int
) -> None:
    sent = [("Authorization", f"Bearer {shared_api.token()}"), *headers]
    request = shared_api.http.build_request("POST", "/access/v1/evaluation", content=orjson.dumps(YES), headers=sent)
    reply = shared_api.portal.call(shared_api.http.send, request)
    assert reply.status_code == status
    assert reply.headers["x-request-id"]


def test_a_long_address_is_refused(shared_api: Api) -> None:
    assert shared_api.call("GET", f"/v1/trail?account={'x' * 9000}").status_code == 414


def test_a_body_that_does_not_arrive_is_not_waited_for_without_end(
    shared_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "BODY_SECONDS_MAX", 0.1)
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/access/v1/evaluation", "headers": []}
    shared_api.portal.call(shared_api.app, scope, receive, send)
    assert sent[0]["status"] == 408


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/clients/mia/", 404),
        ("GET", "/access/v1/evaluation", 405),
        ("POST", "/access/v1/evaluation/", 404),
        ("POST", "/access/v1/Evaluation", 404),
        ("POST", "//access/v1/evaluation", 404),
        ("DELETE", "/v1/policy", 405),
        ("TRACE", "/v1/policy", 405),
        ("POST", "/healthz", 405),
    ],
)
def test_what_is_not_in_the_table_is_not_served(shared_api: Api, method: str, path: str, status: int) -> None:
    assert shared_api.call(method, path).status_code == status


def test_an_error_inside_is_a_500_that_allows_and_tells_nothing(
    shared_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(type(shared_api.service.serving.evaluator), "evaluate", fail)
    reply = shared_api.evaluate(YES)
    assert reply.status_code == 500
    assert "secret" not in reply.text
    assert "true" not in reply.text
    assert reply.headers["x-request-id"]


def test_metrics_and_health_name_no_ids(shared_api: Api) -> None:
    shared_api.evaluate(YES)
    text = shared_api.call("GET", "/metrics", token=None).text
    assert 'kinguard_decisions_total{decision="allowed"}' in text
    assert 'kinguard_request_seconds_count{route="/access/v1/evaluation",status="200"}' in text
    assert "rosa" not in text
    assert shared_api.call("GET", "/healthz", token=None).json() == {"ok": True, "problems": []}
    assert shared_api.call("GET", "/readyz", token=None).json() == {"ok": True, "problems": []}
