"""One request and what the log, the metrics and the endpoints need to know of it."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from typing import TYPE_CHECKING, Any

from authz_service.api.problems import ProblemError, lacks_scope, unauthorized
from authz_service.tokens.clients import ClientsError
from authz_service.tokens.signatures import TokenError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

    from authz_service.api.service import Service
    from authz_service.api.serving import Serving
    from authz_service.tokens.verification import Caller

BODY_BYTES_MAX = 1024 * 1024
IMPORT_BYTES_MAX = 8 * 1024 * 1024
HEADER_BYTES_MAX = 16 * 1024
HEADERS_MAX = 100
URL_BYTES_MAX = 8 * 1024
REQUEST_ID_BYTES_MAX = 256
BODY_SECONDS_MAX = 10.0
_PREFIX = secrets.token_hex(6).encode()  # of the request ids that this process gives out itself
_NUMBERS = itertools.count(1)
_SINGLE = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"host",
        b"if-match",
        b"kinguard-actor",
        b"kinguard-actor-amr",
        b"x-request-id",
    }
)
_IMPORTS = ("/v1/practices/", "/imports")  # how the one path begins and ends that takes a longer body
_LENGTH_DIGITS_MAX = 18  # Python refuses to read a number of several thousand.
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Exchange:
    """A request under way."""

    __slots__ = (
        "_authorization",
        "_content_length",
        "_serving",
        "body",
        "caller",
        "content_type",
        "decision",
        "expired",
        "headers",
        "method",
        "path",
        "request_id",
        "route",
        "status",
    )

    def __init__(self, scope: Scope) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.route = "unmatched"
        self.status = 500
        self.caller: Caller | None = None
        self.decision: bool | None = None
        self.body = b""
        self.expired = False  # the body did not arrive in time
        self.content_type = b""
        self.headers: dict[bytes, bytes] = {}
        self._content_length: bytes | None = None
        self.request_id = b""
        self._authorization = b""
        self._serving: Serving | None = None

    def read_head(self, scope: Scope) -> None:
        """Reads the headers that matter; ProblemError when the head is too large or ambiguous."""
        headers = scope["headers"]
        found: dict[bytes, bytes] = {}
        twice = None
        size = 0
        for name, value in headers:
            size += len(name) + len(value)
            if name in _SINGLE:
                if name in found:
                    twice = name
                found[name] = value
        self.request_id = found.get(b"x-request-id") or b"%s%x" % (_PREFIX, next(_NUMBERS))
        if len(self.request_id) > REQUEST_ID_BYTES_MAX:
            self.request_id = self.request_id[:REQUEST_ID_BYTES_MAX]
            raise ProblemError(400, f"X-Request-ID must have at most {REQUEST_ID_BYTES_MAX} bytes")
        if twice is not None:
            raise ProblemError(400, f"the header {twice.decode()} is given twice")
        if size > HEADER_BYTES_MAX or len(headers) > HEADERS_MAX:
            raise ProblemError(431, "the request's headers are too large")
        if len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"") > URL_BYTES_MAX:
            raise ProblemError(414, "the request's address is too long")
        self._authorization = found.get(b"authorization", b"")
        self.content_type = found.get(b"content-type", b"")
        self._content_length = found.get(b"content-length")
        self.headers = found

    @property
    def actor(self) -> str | None:
        """Who acts, as `Kinguard-Actor` says."""
        return _text(self.headers.get(b"kinguard-actor"))

    @property
    def actor_amr(self) -> str:
        """How who acts signed in, as `Kinguard-Actor-Amr` says: RFC 8176 values, a space between two."""
        return _text(self.headers.get(b"kinguard-actor-amr")) or ""

    @property
    def if_match(self) -> str | None:
        """The ETag that the caller saw."""
        return _text(self.headers.get(b"if-match"))

    async def read_body(self, receive: Receive) -> None:
        """Reads the body; ProblemError when it is too large or comes too slowly."""
        if self.method not in _METHODS_WITH_BODY:
            return
        length, most = self._content_length, self._bytes_max()
        if length is not None and length.isdigit() and (len(length) > _LENGTH_DIGITS_MAX or int(length) > most):
            raise _too_large(most)
        # What `asyncio.timeout` does, at a fifth of its price: almost always the body is there already.
        task = asyncio.current_task()
        expiry = asyncio.get_running_loop().call_later(BODY_SECONDS_MAX, _expire, task, self)
        try:
            message = await receive()
            self.body = message.get("body", b"")
            if message.get("more_body", False):
                await self._read_rest(receive, most)
        except asyncio.CancelledError:
            if not self.expired or task is None or task.uncancel() > 0:
                raise
            raise ProblemError(408, "the body did not arrive in time") from None
        finally:
            expiry.cancel()
        if len(self.body) > most:
            raise _too_large(most)

    def _bytes_max(self) -> int:
        begins, ends = _IMPORTS
        return IMPORT_BYTES_MAX if self.path.startswith(begins) and self.path.endswith(ends) else BODY_BYTES_MAX

    async def _read_rest(self, receive: Receive, most: int) -> None:
        chunks, size = [self.body], len(self.body)
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ProblemError(400, "the connection was closed before the body was complete")
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > most:
                raise _too_large(most)
            if not message.get("more_body", False):
                self.body = b"".join(chunks)
                return

    def authenticate(self, service: Service, now: float, scope: str | None) -> Caller:
        """The caller, whose token must have the scope; ProblemError 401 or 403 otherwise.

        From here on the request goes by one policy; ProblemError 503 where that is not known.
        """
        if not self._authorization:
            raise unauthorized("a bearer token is required")
        try:
            caller = service.verifier.verify(self._authorization, now)
        except TokenError as error:
            raise unauthorized(str(error)) from error
        except ClientsError as error:
            raise ProblemError(503, "calling systems cannot be checked right now") from error
        self.caller = caller
        if scope is not None and scope not in caller.scopes:
            raise lacks_scope(scope)
        self._serving = service.in_service.pin()
        return caller

    @property
    def serving(self) -> Serving:
        """The policy that this request goes by; only requests of a caller have one."""
        if self._serving is None:
            raise RuntimeError("a public endpoint goes by no policy")
        return self._serving

    def log_fields(self) -> dict[str, Any]:
        """What the log line says: ids only."""
        fields: dict[str, Any] = {
            "request_id": self.request_id.decode("latin-1"),
            "method": self.method,
            "route": self.route,
            "status": self.status,
        }
        if self.caller is not None:
            fields["caller"] = self.caller.client_id
        if self.actor is not None:
            fields["actor"] = self.actor
        if self.decision is not None:
            fields["decision"] = self.decision
        return fields


def _too_large(most: int) -> ProblemError:
    return ProblemError(413, f"the body is larger than {most // 1024**2} MiB")


def _expire(task: asyncio.Task[object] | None, exchange: Exchange) -> None:
    exchange.expired = True
    if task is not None:
        task.cancel()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
