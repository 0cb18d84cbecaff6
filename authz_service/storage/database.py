"""The access database: engine, transactions, whose rows a transaction may touch, and migrations."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Engine

ALL_PRACTICES = ("*",)
MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "models" / "migrations" / "access"
_BUSY_TIMEOUT_SECONDS = 5
_POOL: dict[str, Any] = {"pool_size": 8, "max_overflow": 24, "pool_timeout": 2}  # seconds
_WRITES = "kinguard_writes"


class StorageError(Exception):
    """The database cannot be used as it is; the message says what to change."""


class Database:
    """One access database. Opens nothing before it is used."""

    def __init__(self, url: str) -> None:
        self.engine = _open_engine(url)
        self.embedded = self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self, practices: Iterable[str] = ALL_PRACTICES) -> Iterator[Connection]:
        """A transaction that sees one state of the rows of these practices."""
        with self.engine.connect() as plain:
            connection = plain if self.embedded else plain.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                self._enter(connection, practices)
                yield connection

    @contextmanager
    def writing(self, practices: Iterable[str]) -> Iterator[Session]:
        """A transaction that is alone in writing to these practices; committed when the block ends without an error."""
        named = sorted(set(practices))
        with self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            self._enter(connection, named)
            if not self.embedded:
                for practice in named:
                    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:p, 7))"), {"p": practice})
            with Session(connection, expire_on_commit=False, autoflush=False) as session:
                yield session
                session.flush()

    def require_row_security(self) -> None:
        """Refuse a PostgreSQL role that row security does not bind: a superuser, or one with BYPASSRLS."""
        if self.embedded:
            return
        with self.engine.connect() as connection:
            row = connection.execute(
                text("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            ).one()
        if row[1]:
            raise StorageError(
                f"the database role {row[0]} is not bound by row security: "
                "use a login that is only a member of kinguard_service"
            )

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _enter(self, connection: Connection, practices: Iterable[str]) -> None:
        if not self.embedded:
            scope = {"p": ",".join(practices)}
            connection.execute(text("SELECT set_config('kinguard.practice', :p, true)"), scope)


def migrate(url: str) -> None:
    """Bring the access database to the newest revision; an empty one gets its tables."""
    engine = _open_engine(url)
    try:
        with engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            if revision_of(connection) != newest_revision():
                _upgrade(connection)
    finally:
        engine.dispose()


def revision_of(connection: Connection) -> str | None:
    """The revision of a database; None for one without tables."""
    if not inspect(connection).has_table("access_version"):
        return None
    return connection.execute(text("SELECT version_num FROM access_version")).scalar()


def newest_revision() -> str:
    """The last revision that there is a file for."""
    return max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 (a service that has nothing to migrate is 10 MB smaller without)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _open_engine(url: str) -> Engine:
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    if not url.startswith("sqlite"):
        return create_engine(url, **_POOL)
    engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False}, **_POOL)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # The driver's own BEGIN comes too late for a consistent read.
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock before it reads, so that what it checks is what it changes.
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
