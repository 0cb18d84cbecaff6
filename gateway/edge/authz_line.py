"""The line to the authz service: one pooled HTTP client, over TCP or a Unix socket.

Whatever is not the one exact answer (late, unreadable, another status, another shape) is CannotDecide: never allowed.
"""

from __future__ import annotations

import asyncio
import secrets
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import orjson
from structlog.contextvars import get_contextvars

from gateway.edge.answers import Json, read_object, read_refusal
from gateway.edge.client_proof import assertion
from gateway.edge.errors import CannotDecide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from gateway.settings import Settings

TIMEOUT_SECONDS = 2.0  # of one call, a new token included
BULK_SECONDS = 9.0  # of one that changes many things: less than the service takes at most
ANSWER_BYTES_MAX = 4 * 1024 * 1024
CONNECTIONS_MAX = 32
RENEW_SECONDS = 60  # before a token ends
_GRANT_TYPE = "client_credentials"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_QUESTIONS = ("/access/v1/evaluation", "/access/v1/evaluations", "/v1/plans")  # answered with 200 or not at all
_DONE = (200, 201)

Transport = httpx.AsyncBaseTransport
# How the reader of this request signed in (RFC 8176): a change names it together with who makes it.
acting_amr: ContextVar[tuple[str, ...]] = ContextVar("acting_amr", default=())


class AuthzLine:
    """Calls the service with a token of the gateway's own, which it renews."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], transport: Transport | None = None) -> None:
        socket = None if settings.authz_socket is None else str(settings.authz_socket)
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
        self._http = httpx.AsyncClient(
            base_url="http://authz" if socket else settings.authz_url,
            transport=transport or httpx.AsyncHTTPTransport(uds=socket, limits=limits),
            follow_redirects=False,
            trust_env=False,
        )
        self._key_file = settings.key_file
        self._token_endpoint = settings.token_endpoint
        self._clock = clock
        self._token: tuple[str, float] | None = None
        self._renewing = asyncio.Lock()
        self._under_way: set[asyncio.Task[tuple[int, bytes]]] = set()

    async def close(self) -> None:
        """Close every connection."""
        for call in self._under_way:
            call.cancel()
        await self._http.aclose()

    async def prove(self) -> None:
        """CannotDecide unless the service says that it can decide."""
        await self.ask("GET", "/readyz")

    async def ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        actor: str | None = None,
        etag: str | None = None,
        seconds: float | None = None,
    ) -> Json:
        """One call: what a 200 or 201 says, nothing for a 204; `actor` is who acts, `etag` what If-Match names."""
        # Outside a request it is the portal itself that asks; the accounting of disclosures tells by the name.
        headers = {"X-Request-ID": get_contextvars().get("request_id") or f"background:{secrets.token_hex(16)}"}
        if actor is not None:
            headers["Kinguard-Actor"] = actor
            if acting_amr.get():
                headers["Kinguard-Actor-Amr"] = " ".join(acting_amr.get())
        if etag is not None:
            headers["If-Match"] = f'"{etag}"'
        content = None
        if body is not None:
            content = orjson.dumps(body)
            merge = method == "PATCH"
            headers["Content-Type"] = "application/merge-patch+json" if merge else "application/json"
        patience = TIMEOUT_SECONDS if seconds is None else seconds
        try:
            async with asyncio.timeout(patience):
                status, answer = await asyncio.shield(self._begin(method, path, content, headers, patience))
        except TimeoutError as error:
            raise CannotDecide("the authz service did not answer in time") from error
        except (httpx.HTTPError, OSError) as error:
            raise CannotDecide("the authz service cannot be reached") from error
        if status in _DONE:
            return read_object(answer)
        if status == httpx.codes.NO_CONTENT and path not in _QUESTIONS:
            return {}
        raise read_refusal(status, answer, asked=path in _QUESTIONS, patched=method == "PATCH")

    def _begin(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str], patience: float
    ) -> asyncio.Task[tuple[int, bytes]]:
        """The call as a task that nobody cancels: it is given up on when late, and ends by the client's own timeouts.

        A call cancelled while the pool is full keeps its connection for ever (httpcore 1.0.9, issue 1093), and with the
        last one of them gone nothing could be decided again.
        """
        # What drips without end is cut off; by then no call waits for the pool any more.
        longest = max(patience, BULK_SECONDS)
        call = asyncio.create_task(asyncio.wait_for(self._send(method, path, content, headers, longest), 2 * longest))
        self._under_way.add(call)
        call.add_done_callback(self._ended)
        return call

    def _ended(self, call: asyncio.Task[tuple[int, bytes]]) -> None:
        self._under_way.discard(call)
        if not call.cancelled():
            call.exception()  # Told to whoever still waits; of a call given up on, nobody does.

    async def _send(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> tuple[int, bytes]:
        token = await self._access_token()
        known = {**headers, "Authorization": f"Bearer {token}"}
        status, answer = await self._fetch(method, path, content, known, seconds)
        if status == httpx.codes.UNAUTHORIZED:  # The service may have changed its keys; one new token, one new try.
            token = await self._access_token(instead_of=token)
            known = {**headers, "Authorization": f"Bearer {token}"}
            status, answer = await self._fetch(method, path, content, known, seconds)
        return status, answer

    async def _fetch(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        seconds: float = BULK_SECONDS,
    ) -> tuple[int, bytes]:
        limits = httpx.Timeout(seconds, pool=TIMEOUT_SECONDS)
        async with self._http.stream(method, path, content=content, headers=dict(headers), timeout=limits) as response:
            answer = bytearray()
            async for part in response.aiter_bytes():
                answer += part
                if len(answer) > ANSWER_BYTES_MAX:
                    raise CannotDecide("the authz service answered at too great a length")
        if answer and "json" not in response.headers.get("content-type", ""):
            raise CannotDecide("the authz service did not answer in JSON")
        return response.status_code, bytes(answer)

    async def _access_token(self, *, instead_of: str | None = None) -> str:
        async with self._renewing:
            now = self._clock().timestamp()
            if self._token is not None and self._token[0] != instead_of and self._token[1] > now + RENEW_SECONDS:
                return self._token[0]
            form = {
                "grant_type": _GRANT_TYPE,
                "client_assertion_type": _ASSERTION_TYPE,
                "client_assertion": assertion(self._key_file, self._token_endpoint, int(now)),
            }
            content = str(httpx.QueryParams(form)).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            status, answer = await self._fetch("POST", "/oauth/token", content, headers)
            if status != httpx.codes.OK:
                raise CannotDecide(f"the authz service gave no token (status {status})")
            issued = read_object(answer)
            token, seconds = issued.get("access_token"), issued.get("expires_in")
            if not isinstance(token, str) or not isinstance(seconds, int):
                raise CannotDecide("the authz service gave no token")
            self._token = (token, now + seconds)
            return token


def part(text: str) -> str:
    """An id as a part of a path."""
    return quote(text, safe="")


def with_query(path: str, wanted: Mapping[str, str]) -> str:
    """The path with a query of what is wanted; what is empty is left out."""
    query = str(httpx.QueryParams({name: value for name, value in wanted.items() if value}))
    return f"{path}?{query}" if query else path
