"""Migrations: they lead to exactly the tables that the models describe, and can be run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from authz_service.storage import Database, migrate
from authz_service.storage.database import MIGRATIONS, newest_revision, revision_of
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


def test_the_newest_revision_is_the_one_that_alembic_ends_with(tmp_path: Path) -> None:
    """So that a database which is up to date is known without Alembic; an empty one has none."""
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [newest_revision()]
    url = f"sqlite:///{tmp_path / 'access.db'}"
    database = Database(url)
    with database.reading() as connection:
        assert revision_of(connection) is None
    migrate(url)
    with database.reading() as connection:
        assert revision_of(connection) == newest_revision()
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


def test_what_a_shadow_counted_before_plans_stays_as_single_questions(database_url: str) -> None:
    """And a step back leaves them alone, while it forgets what the older tables cannot hold."""
    columns = "digest, subject_type, action, resource_type, was, would, count, examples"
    values = "'d', 'account', 'view', 'invoice', true, '{}', 7, '[]'"
    engine = create_engine(database_url.replace("authz:@", "postgres:@"))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "0008")
        connection.execute(text(f"INSERT INTO policy_shadow_counts ({columns}) VALUES ({values.format('denied')})"))
        command.upgrade(config, "0009")
        assert inspect(connection).get_pk_constraint("policy_shadow_counts")["constrained_columns"] == [
            "digest",
            "asked",
            "subject_type",
            "action",
            "resource_type",
            "was",
            "would",
        ]
        (kept,) = connection.execute(text("SELECT asked, would, count FROM policy_shadow_counts")).all()
        assert tuple(kept) == ("evaluation", "denied", 7)
        more = f"INSERT INTO policy_shadow_counts ({columns}, asked) VALUES ({values.format('more')}, 'plan')"
        connection.execute(text(more))
        command.downgrade(config, "0008")
        found = connection.execute(text("SELECT would, count FROM policy_shadow_counts")).all()
        assert [tuple(each) for each in found] == [("denied", 7)]
    engine.dispose()
