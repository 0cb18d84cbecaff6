from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from authz_service.app import create_app
from authz_service.engine import load_policy
from authz_service.settings import Settings
from tests.conftest import ROOT, StandingClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anyio.from_thread import BlockingPortal

    from authz_service.api.edge import Edge
    from authz_service.api.service import Service

URL = "http://127.0.0.1:8181"


@dataclass
class Api:
    """A running service, asked in process over ASGI with a token of all scopes unless told."""

    app: Edge
    clock: StandingClock
    portal: BlockingPortal
    http: httpx.AsyncClient
    settings: Settings
    tokens: dict[Any, str] = field(default_factory=dict)

    @property
    def service(self) -> Service:
        return self.app.service

    def token(self, *scopes: str, practices: tuple[str, ...] = ()) -> str:
        client = self.service.clients.get("demo-backend")
        assert client is not None
        issued = self.service.issuer.issue(
            client, frozenset(scopes) if scopes else None, frozenset(practices) if practices else None
        )
        return issued.text

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = "",
        actor: str | None = None,
        etag: str | None = None,
        **options: Any,
    ) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.token()}"
        if actor is not None:
            headers["Kinguard-Actor"] = actor
        if etag is not None:
            headers["If-Match"] = etag
        if body is not None:
            options["json"] = body
        return self.portal.call(lambda: self.http.request(method, path, headers=headers, **options))

    def evaluate(self, question: dict[str, Any], **options: Any) -> httpx.Response:
        return self.call("POST", "/access/v1/evaluation", question, **options)

    def allows(self, subject: str, action: str, resource: str, item: str, **properties: Any) -> bool:
        reply = self.evaluate(question(subject, action, resource, item, **properties))
        assert reply.status_code == 200, reply.text
        decision = reply.json()["decision"]
        assert isinstance(decision, bool)
        return decision


def question(subject: str, action: str, resource: str, item: str, **properties: Any) -> dict[str, Any]:
    """`subject` is an account, or staff as `staff/jo`."""
    kind, _, name = subject.rpartition("/")
    return {
        "subject": {"type": kind or "account", "id": name},
        "action": {"name": action},
        "resource": {"type": resource, "id": item, "properties": properties},
    }


@contextmanager
def serving(settings: Settings, clock: StandingClock) -> Iterator[Api]:
    app = create_app(settings, clock)
    with start_blocking_portal("asyncio") as portal:
        portal.call(app.service.start)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=URL)
        try:
            yield Api(app, clock, portal, http, settings)
        finally:
            portal.call(http.aclose)
            portal.call(app.service.stop)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our bundle, compiled once for all tests."""
    folder = tmp_path_factory.mktemp("compiled")
    load_policy(ROOT / "policies", folder)
    return folder


@pytest.fixture
def data_dir(tmp_path: Path, bundles: Path) -> Path:
    shutil.copytree(bundles, tmp_path / "data" / "bundles")
    return tmp_path / "data"


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_files: Path) -> str:
    shutil.copy(sqlite_files / "seeded.db", tmp_path / "access.db")
    return f"sqlite:///{tmp_path / 'access.db'}"


def settings_of(data_dir: Path, url: str, **more: Any) -> Settings:
    return Settings(
        data_dir=data_dir, access_database_url=url, trail_segment_bytes=1024 * 1024, trail_timeout_seconds=5, **more
    )


@pytest.fixture
def api(data_dir: Path, sqlite_url: str, standing_clock: StandingClock) -> Iterator[Api]:
    """The service with the cast, on SQLite, at the frozen time."""
    with serving(settings_of(data_dir, sqlite_url), standing_clock) as found:
        yield found


@pytest.fixture
def api_on_both(data_dir: Path, seeded_url: str, standing_clock: StandingClock) -> Iterator[Api]:
    """The same, on SQLite and on PostgreSQL."""
    with serving(settings_of(data_dir, seeded_url), standing_clock) as found:
        yield found


@pytest.fixture(scope="module")
def shared_api(tmp_path_factory: pytest.TempPathFactory, bundles: Path, sqlite_files: Path) -> Iterator[Api]:
    """One service for the tests of a module that change nothing."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copytree(bundles, folder / "bundles")
    shutil.copy(sqlite_files / "seeded.db", folder / "seeded.db")
    with serving(settings_of(folder, f"sqlite:///{folder / 'seeded.db'}"), StandingClock()) as found:
        yield found
