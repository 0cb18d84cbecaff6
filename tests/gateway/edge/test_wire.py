"""Raw bytes at the port: what can be read in two ways is turned away, and what follows it is not served."""

from __future__ import annotations

import re
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
import uvicorn

from gateway.__main__ import server_config
from gateway.app import create_app
from gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def port(seeded_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("wire")
    settings = Settings(data_dir=folder, gateway_port=free, records_database_url=f"sqlite:///{seeded_sqlite}")
    server = uvicorn.Server(server_config(create_app(settings), settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield free
    server.should_exit = True
    thread.join()


def statuses(port: int, message: bytes) -> list[int]:
    """The statuses of the answers to these bytes, until the server closes or falls silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=3) as line:
        line.sendall(message)
        answer = b""
        try:
            while part := line.recv(65536):
                answer += part
                line.settimeout(0.3)
        except (ConnectionResetError, TimeoutError):
            pass
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]


def request(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([line, *headers, b"", b""]) + body


HOST = b"Host: 127.0.0.1"


def test_plain_requests_are_answered_one_by_one(port: int) -> None:
    assert statuses(port, HEALTH) == [200]
    assert statuses(port, HEALTH + request(b"GET /c/mia HTTP/1.1", HOST)) == [200, 303]


@pytest.mark.parametrize(
    "message",
    [
        request(b"GET http://evil.example/healthz HTTP/1.1", HOST),
        request(b"GET http://127.0.0.1/healthz HTTP/1.1", HOST),
        request(b"GET /healthz#/../c HTTP/1.1", HOST),
        request(b"GET healthz HTTP/1.1", HOST),
        request(b"OPTIONS * HTTP/1.1", HOST),
        request(b"CONNECT 127.0.0.1:80 HTTP/1.1", HOST),
        request(b"GET /static/../healthz HTTP/1.1", HOST),
        request(b"GET /static/%2e%2e/healthz HTTP/1.1", HOST),
        request(b"GET /static%2f..%2fhealthz HTTP/1.1", HOST),
        request(b"GET /%252e%252e/healthz HTTP/1.1", HOST),
        request(b"GET //healthz HTTP/1.1", HOST),
        request(b"GET /healthz;x=1 HTTP/1.1", HOST),
        request(b"GET /healthz%00 HTTP/1.1", HOST),
        request(b"GET /healthz\\ HTTP/1.1", HOST),
        request(b"GET /%ff HTTP/1.1", HOST),
        request(b"GET /healthz HTTP/1.1"),
        request(b"GET /healthz HTTP/1.0"),
        request(b"GET /healthz HTTP/1.1", HOST, HOST),
        request(b"GET /healthz HTTP/1.1", HOST, b"Host: evil.example"),
        request(b"GET /healthz HTTP/1.1", b"Host: 127.0.0.1/x?"),
        request(b"GET /healthz HTTP/1.1", b"Host: a#"),
        request(b"get /healthz HTTP/1.1", HOST),
        request(b"GET /healthz HTTP/1.1", HOST, b"X : y"),
        request(b"GET /healthz HTTP/1.1", HOST, b"X: a", b" folded"),
        request(b"GET /healthz HTTP/1.1", HOST, b"X: a\x00b"),
        request(b"GET /healthz HTTP/1.1", HOST, b"X: a\rb"),
        b"GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n",
        request(b"GET /healthz HTTP/1.1", HOST, b"X-Much: " + b"x" * 20_000),
        request(b"GET /healthz HTTP/1.1", HOST, *[b"X-N: y"] * 150),
        request(b"POST /healthz HTTP/1.1", HOST, b"Content-Length: 3, 3", body=b"abc"),
        request(b"POST /healthz HTTP/1.1", HOST, b"Content-Length: +3", body=b"abc"),
        request(b"POST /healthz HTTP/1.1", HOST, b"Content-Length: 3", b"Content-Length: 4", body=b"abc"),
        request(b"POST /healthz HTTP/1.1", HOST, b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
        request(b"POST /healthz HTTP/1.1", HOST, b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
        request(
            b"POST /healthz HTTP/1.1",
            HOST,
            b"Transfer-Encoding: identity",
            b"Transfer-Encoding: chunked",
            body=b"0\r\n\r\n",
        ),
        request(b"POST /healthz HTTP/1.1", HOST, b"Transfer-Encoding: identity, chunked", body=b"0\r\n\r\n"),
    ],
)
def test_what_can_be_read_in_two_ways_is_turned_away(port: int, message: bytes) -> None:
    answers = statuses(port, message)
    assert len(answers) <= 1
    assert all(400 <= status < 500 for status in answers)
    assert 404 not in answers


def test_a_request_hidden_in_another_is_not_served(port: int) -> None:
    hidden = request(
        b"POST /healthz HTTP/1.1",
        HOST,
        b"Content-Length: 6",
        b"Transfer-Encoding: chunked",
        body=b"0\r\n\r\n" + HEALTH,
    )
    assert 200 not in statuses(port, hidden)


def test_a_broken_chunk_ends_the_connection(port: int) -> None:
    head = (
        b"POST /sign-in HTTP/1.1",
        HOST,
        b"Content-Type: application/x-www-form-urlencoded",
        b"Transfer-Encoding: chunked",
    )
    for body in (b"0x3\r\nabc\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"-1\r\n\r\n", b"3;\nabc\r\n0\r\n\r\n"):
        assert not {200, 303} & set(statuses(port, request(*head, body=body) + HEALTH))


def test_an_upgrade_leads_nowhere(port: int) -> None:
    upgrade = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: x", b"Sec-WebSocket-Version: 13")
    assert statuses(port, request(b"GET /c/mia HTTP/1.1", HOST, *upgrade)) in ([303], [400], [])
    h2c = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
    assert statuses(port, request(b"GET /c/mia HTTP/1.1", HOST, *h2c)) in ([303], [400], [])
