"""The engine of the records database, and its migrations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event, text

from gateway.records.threads import THREADS_MAX

if TYPE_CHECKING:
    from sqlalchemy import Engine

MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "models" / "migrations" / "records"
VERSION_TABLE = "records_version"
BUSY_TIMEOUT_MS = 5_000
_CONNECTIONS = THREADS_MAX + 2  # two hold the locks of turns


class DatabaseError(Exception):
    """The database cannot be used as it is; the message says what to change."""


def open_engine(url: str) -> Engine:
    """The engine for a `sqlite:///` or `postgresql://` URL."""
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    if not url.startswith("sqlite"):
        return create_engine(
            url, hide_parameters=True, pool_pre_ping=True, pool_size=_CONNECTIONS, max_overflow=0, pool_timeout=2
        )
    # Parameters are content and names; an error message would carry them into the log.
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest revision."""
    engine = open_engine(url)
    try:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def require_ready(url: str) -> None:
    """DatabaseError unless the schema is the newest, and, on PostgreSQL, row security binds the login."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
            if found != ScriptDirectory(str(MIGRATIONS)).get_current_head():
                raise DatabaseError(
                    "the records database is not up to date: run `python -m gateway migrate` as its owner"
                )
            if engine.dialect.name != "postgresql":
                return
            role = connection.execute(
                text("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            ).one()
            if role[1]:
                raise DatabaseError(
                    f"the database role {role[0]} is not bound by row security: "
                    "use a login that is only a member of kinguard_gateway"
                )
    finally:
        engine.dispose()
