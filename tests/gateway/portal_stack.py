"""The gateway in front of the real authz service, both in this process, over the seeded cast on the frozen day."""

from __future__ import annotations

import asyncio
import re
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from starlette.responses import Response

from authz_service.app import create_app as create_authz
from authz_service.settings import Settings as AuthzSettings
from gateway.account.passwords import canonical
from gateway.app import create_app
from gateway.edge.sessions import SignIn
from gateway.seed import DEMO_PASSWORD
from gateway.settings import Settings
from models.vocabulary import SubjectType
from tests.conftest import StandingClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from authz_service.api.edge import Edge

HOST = "http://127.0.0.1:8080"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


class AuthzLine(httpx.AsyncBaseTransport):
    """The line between the two: it counts what passes, and can be cut."""

    def __init__(self, app: Edge) -> None:
        self._inner = httpx.ASGITransport(app)
        self.paths: list[str] = []
        self.cut = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        if self.cut:
            raise httpx.ConnectError("the line is cut")
        return await self._inner.handle_async_request(request)


class Browser:
    """One person's browser: cookies, and forms filled in with the token of the page."""

    def __init__(self, app: Any) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST, follow_redirects=False)

    async def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return await self.http.get(path, **kwargs)

    async def token(self, page: str = "/sign-in") -> str:
        found = _CSRF.search((await self.get(page)).text)
        assert found, f"{page} has no form"
        return found[1]

    async def post(self, path: str, fields: dict[str, str], page: str, **kwargs: Any) -> httpx.Response:
        return await self.http.post(path, data={**fields, "csrf": await self.token(page)}, **kwargs)

    async def sign_in(self, name: str, password: str = DEMO_PASSWORD, **fields: str) -> httpx.Response:
        return await self.post("/sign-in", {"username": name, "password": password, **fields}, "/sign-in")


@dataclass(frozen=True)
class SeededFiles:
    """What a portal starts from: both databases with the cast, and the compiled policy."""

    records: Path
    access: Path
    bundles: Path


@dataclass
class Portal:
    """Both services, the clock they share and the line between them."""

    app: Any
    authz: Edge
    line: AuthzLine
    clock: StandingClock

    @property
    def state(self) -> Any:
        return self.app._app.state

    def browser(self) -> Browser:
        return Browser(self.app)

    async def as_(self, name: str) -> Browser:
        """Somebody's browser with a session; how one is come by is what the tests of signing in are about."""
        credential = await self.state.records.credential(canonical(name))
        assert credential, name
        kind = SubjectType(credential.subject_type)
        people = await self.state.records.people(kind, [credential.subject_id])
        practice_id = people[credential.subject_id].practice_id
        who = SignIn(credential.username, password_change_due=credential.must_change)
        session = await self.state.sessions.begin((kind, credential.subject_id), practice_id, ("pwd",), who)
        browser, answer = self.browser(), Response()
        self.state.cookies.set(answer, session)
        name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
        browser.http.cookies.set(name, value, domain="127.0.0.1", path="/")
        return browser


@asynccontextmanager
async def portal(folder: Path, seeded: SeededFiles, **settings: Any) -> AsyncIterator[Portal]:
    """Start both over copies of the seeded databases, and stop them again."""
    clock = StandingClock()
    shutil.copy(seeded.records, folder / "records.db")
    shutil.copy(seeded.access, folder / "access.db")
    shutil.copytree(seeded.bundles, folder / "bundles")
    authz_settings = AuthzSettings(data_dir=folder, trail_segment_bytes=1024 * 1024, trail_timeout_seconds=5)
    authz = create_authz(authz_settings, clock)
    line = AuthzLine(authz)
    app = create_app(Settings(data_dir=folder, **settings), clock=clock, authz_transport=line)
    async with living(authz), living(app):
        yield Portal(app, authz, line, clock)


@asynccontextmanager
async def living(app: Any) -> AsyncIterator[None]:
    """Between the start and the stop of an ASGI application."""
    inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    serving = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    answer = await outbox.get()
    assert answer["type"] == "lifespan.startup.complete", answer
    yield
    await inbox.put({"type": "lifespan.shutdown"})
    await outbox.get()
    await serving
