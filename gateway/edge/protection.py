"""What every answer passes through: a request id, the limits, the security headers, the log line, the last resort."""

from __future__ import annotations

import re
import secrets
import time
from typing import TYPE_CHECKING, Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.status import HTTP_413_CONTENT_TOO_LARGE
from structlog.contextvars import bind_contextvars, clear_contextvars

from gateway.edge.paths import is_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.settings import Settings

HEADERS_MAX = 100
HEADER_BYTES_MAX = 16 * 1024
QUERY_BYTES_MAX = 4 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With `no-referrer` browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TRANSPORT_SECURITY = "max-age=63072000; includeSubDomains"
log: Any = structlog.get_logger()


class Protection:
    """The outermost ASGI application."""

    def __init__(self, app: ASGIApp, settings: Settings, error_page: Callable[[int], Response]) -> None:
        self._app = app
        self._hosts = settings.hosts
        self._secure = settings.secure
        self._error_page = error_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        offered = headers.get("x-request-id", "")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else secrets.token_hex(16)
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        began = time.perf_counter()
        status = 500
        started = finished = False

        async def send_protected(message: Message) -> None:
            nonlocal status, started, finished
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                self._add_headers(MutableHeaders(scope=message), request_id)
            await send(message)
            finished = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            fault = self._fault(scope, headers)
            answer = self._app if fault is None else self._error_page(fault)
            await answer(scope, receive, _spelling_out(send_protected, self._error_page))
        except Exception:
            log.exception("request_failed")
            if started and not finished:
                raise  # Half an answer is out: only a broken connection tells the browser so.
            if not started:
                await self._error_page(500)(scope, receive, send_protected)
        finally:
            route = scope.get("route")
            log.info(
                "request_served",
                method=scope["method"],
                route=getattr(route, "path", None),
                status=status,
                took_ms=round((time.perf_counter() - began) * 1000, 1),
            )

    def _fault(self, scope: Scope, headers: Headers) -> int | None:
        """The status with which a request is turned away unread, or None."""
        if len(headers) > HEADERS_MAX or sum(len(name) + len(value) for name, value in headers.raw) > HEADER_BYTES_MAX:
            return 431
        if len(scope["query_string"]) > QUERY_BYTES_MAX:
            return 414
        if b"%00" in scope["query_string"]:
            return 400  # As in a form: no text of ours has it.
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _host_name(hosts[0]) not in self._hosts:
            return 421
        if not _is_framed(headers):
            return 400
        return None if is_plain(scope["raw_path"], scope["path"]) else 400

    def _add_headers(self, headers: MutableHeaders, request_id: str) -> None:
        for name, value in _HEADERS.items():
            headers[name] = value
        if self._secure:
            headers["Strict-Transport-Security"] = _TRANSPORT_SECURITY
        headers["X-Request-ID"] = request_id
        headers.setdefault("Cache-Control", "no-store")
        headers.add_vary_header("Cookie")


def _spelling_out(send: Send, error_page: Callable[[int], Response]) -> Send:
    """Sends the page instead of the framework's own answer to a body that is too large, which is one line of text."""
    done = False

    async def send_page(message: Message) -> None:
        nonlocal done
        if done:
            return
        if message["type"] == "http.response.start" and message["status"] == HTTP_413_CONTENT_TOO_LARGE:
            done = True
            page = error_page(HTTP_413_CONTENT_TOO_LARGE)
            await send({"type": "http.response.start", "status": page.status_code, "headers": [*page.raw_headers]})
            await send({"type": "http.response.body", "body": page.body})
            return
        await send(message)

    return send_page


def _is_framed(headers: Headers) -> bool:
    """Whether the length of the body is said once and in one way."""
    lengths, codings = headers.getlist("content-length"), headers.getlist("transfer-encoding")
    return len(lengths) + len(codings) <= 1 and all(coding.lower() == "chunked" for coding in codings)


def _host_name(host: str) -> str:
    match = re.fullmatch(r"(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::\d{1,5})?", host.lower())
    return match[1].strip("[]") if match else ""
