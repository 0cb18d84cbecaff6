"""Migrations: they lead to exactly the tables that the models describe, and can be run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from authz_service.storage import Database, migrate
from models.tables import access, policy, trail
from models.tables.base import AccessTable

if TYPE_CHECKING:
    from pathlib import Path


def test_the_migrated_database_has_exactly_the_tables_of_the_models(database_url: str) -> None:
    """No table, column or index differs between the newest revision and the models."""
    assert access.HISTORY
    assert trail.RECORDS is not None
    assert policy.VERSIONS is not None
    database = Database(database_url)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "access_version"})
        assert compare_metadata(context, AccessTable.metadata) == []
    database.dispose()


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    """A database of the newest revision stays as it is."""
    url = f"sqlite:///{tmp_path / 'access.db'}"
    migrate(url)
    before = (tmp_path / "access.db").read_bytes()
    migrate(url)
    assert (tmp_path / "access.db").read_bytes() == before


def test_an_embedded_database_writes_ahead_and_waits_for_the_disk(tmp_path: Path) -> None:
    """WAL, full synchronisation and foreign keys hold on every connection."""
    database = Database(f"sqlite:///{tmp_path / 'access.db'}")
    with database.engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    database.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_every_table_of_history_can_hold_only_one_current_row_of_a_thing(database_url: str) -> None:
    """The unique index over the current rows exists on each table."""
    database = Database(database_url)
    inspector = inspect(database.engine)
    for table in access.HISTORY:
        name = str(table.__tablename__)
        unique = {tuple(index["column_names"]) for index in inspector.get_indexes(name) if index["unique"]}
        assert tuple(table.identity) in unique
    database.dispose()
