"""The outermost layer: limits, request id, log line and metrics for every request, and the short path to decisions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.routing import Router

from authz_service.api.evaluations import answer_batch, answer_single
from authz_service.api.exchange import Exchange
from authz_service.api.problems import PROBLEM_TYPE, ProblemError
from authz_service.api.routing import starlette_route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.types import Message, Receive, Scope, Send

    from authz_service.api.routing import Endpoint
    from authz_service.api.service import Service

_log = structlog.get_logger()
_NO_STORE = (b"cache-control", b"no-store")
_JSON = (b"content-type", b"application/json")
_AUTHZEN = "/access/v1/"


class Edge:
    """The ASGI application of a service."""

    def __init__(self, service: Service, endpoints: Iterable[Endpoint]) -> None:
        self.service = service
        self.failure: str | None = None  # why the service could not start
        self._short: dict[str, Callable[[Service, Exchange], Awaitable[bytes]]] = {
            "/access/v1/evaluation": answer_single,
            "/access/v1/evaluations": answer_batch,
        }
        self._router = Router([starlette_route(service, endpoint) for endpoint in endpoints], redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection event."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        exchange = Exchange(scope)
        try:
            exchange.read_head(scope)
            answer = self._short.get(exchange.path)
            await exchange.read_body(receive)
            if answer is not None:
                exchange.route = exchange.path
                _require_post(exchange)
                body = await answer(self.service, exchange)
                await _send(send, exchange, 200, body, _JSON)
            else:
                await self._route(scope, exchange, send)
        except ProblemError as problem:
            await _refuse(send, exchange, problem)
        except DataError:  # PostgreSQL knows no text with a NUL in it, for example.
            await _refuse(send, exchange, ProblemError(400, "a text of the request is none that can be kept"))
        except Exception:  # noqa: BLE001 (nothing that goes wrong may end in silence or in an allow)
            _log.exception("request_failed", **exchange.log_fields())
            await _refuse(send, exchange, ProblemError(500, "the service failed; nothing was allowed"))
        seconds = time.perf_counter() - begun
        self.service.metrics.note_request(exchange.route, exchange.status, seconds)
        _log.info("request", ms=round(seconds * 1000, 2), **exchange.log_fields())

    async def _route(self, scope: Scope, exchange: Exchange, send: Send) -> None:
        body = exchange.body

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", exchange.request_id), _NO_STORE]
            await send(message)

        inner = {**scope, "app": self, "kinguard.exchange": exchange}
        try:
            await self._router(inner, receive, send_with_id)
        except HTTPException as refused:
            detail = {404: "there is nothing here", 405: "this method is not served here"}.get(refused.status_code)
            headers = dict(refused.headers or {})
            raise ProblemError(refused.status_code, detail or refused.detail, headers=headers) from refused

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.service.start()
        except Exception as error:  # noqa: BLE001 (handed to the server, which ends with it)
            self.failure = str(error)
            await send({"type": "lifespan.startup.failed", "message": self.failure})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.service.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _require_post(exchange: Exchange) -> None:
    if exchange.method != "POST":
        raise ProblemError(405, "this method is not served here", headers={"allow": "POST"})


async def _refuse(send: Send, exchange: Exchange, problem: ProblemError) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()]
    if exchange.path.startswith(_AUTHZEN):
        await _send(send, exchange, problem.status, problem.message(), _JSON, *headers)
    else:
        content_type = (b"content-type", PROBLEM_TYPE.encode())
        await _send(send, exchange, problem.status, problem.body(), content_type, *headers)


async def _send(send: Send, exchange: Exchange, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    exchange.status = status
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                *headers,
                _NO_STORE,
                (b"content-length", str(len(body)).encode()),
                (b"x-request-id", exchange.request_id),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
