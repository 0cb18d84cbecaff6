"""The content store keeps practices apart, and gives an item only for its own client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from gateway.records.database import DatabaseError, open_engine, require_ready
from models.tables.base import RecordsTable
from models.tables.records import Client, Document, Invoice
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.records.store import RecordsStore

pytestmark = pytest.mark.anyio


async def test_an_item_is_found_under_its_own_client_only(store: RecordsStore) -> None:
    found = await store.item(Invoice, "northgate", "rosa", "inv_rosa_1")
    assert found is not None
    assert found.total_cents == 13000
    assert await store.item(Invoice, "northgate", "mia", "inv_rosa_1") is None
    assert await store.item(Invoice, "harborview", "rosa", "inv_rosa_1") is None
    assert await store.item(Invoice, "northgate", "rosa", "inv_nobody_1") is None


async def test_clients_of_several_practices_come_with_their_practices(store: RecordsStore) -> None:
    found = await store.clients(["mia", "wren", "nosuch"])
    assert {key: practice.id for key, (_, practice) in found.items()} == {"mia": "northgate", "wren": "harborview"}


async def test_a_page_of_rows_says_how_many_there_are(store: RecordsStore) -> None:
    rows, total = await store.rows(Invoice, "northgate", order_by=[Invoice.number], limit=2, offset=1)
    every, _ = await store.rows(Invoice, "northgate", order_by=[Invoice.number])
    assert [row.id for row in rows] == [row.id for row in every[1:3]]
    assert total == len(every) == 8


async def test_no_more_rows_are_read_than_the_limit_allows(store: RecordsStore) -> None:
    with pytest.raises(ValueError, match="limit"):
        await store.rows(Invoice, "northgate", limit=501)


async def test_names_come_for_those_who_are_known(store: RecordsStore) -> None:
    people = await store.people(SubjectType.ACCOUNT, ["pam", "nosuch"])
    assert {key: person.name for key, person in people.items()} == {"pam": "Pam Whitfield"}


async def test_an_open_invitation_has_no_credential(store: RecordsStore) -> None:
    assert await store.credential("pam") is None
    assert await store.credential("dana") is not None


def test_postgresql_hides_other_practices_even_from_a_query_without_a_condition(
    seeded_postgres: str,
) -> None:
    engine = open_engine(seeded_postgres)
    with engine.begin() as connection:
        assert connection.scalars(select(Client.id)).all() == []
        connection.execute(text("SELECT set_config('kinguard.practice', 'harborview', true)"))
        assert set(connection.scalars(select(Client.id))) == {"vic", "wren"}
        assert set(connection.scalars(select(Document.client_id))) == {"wren"}
    engine.dispose()


def test_postgresql_lets_nobody_write_into_another_practice(seeded_postgres: str) -> None:
    engine = open_engine(seeded_postgres)
    with engine.connect() as connection:
        connection.execute(text("SELECT set_config('kinguard.practice', 'harborview', true)"))
        with pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(text("INSERT INTO outbox (practice_id, type, id) VALUES ('northgate', 'form', 'x')"))
    engine.dispose()


def test_a_superuser_sees_past_row_security_and_is_therefore_refused(seeded_postgres: str, postgres_url: str) -> None:
    """The control of the two tests above."""
    owner_url = postgres_url.replace("/postgres?", "/records?")
    engine = open_engine(owner_url)
    with engine.begin() as connection:
        assert len(connection.scalars(select(Client.id)).all()) == 9
    engine.dispose()
    require_ready(seeded_postgres)
    with pytest.raises(DatabaseError, match="row security"):
        require_ready(owner_url)


def test_the_running_gateway_may_write_every_table_and_number_its_rows(seeded_postgres: str) -> None:
    engine = open_engine(seeded_postgres)
    with engine.connect() as connection:
        every = " AND ".join(
            f"has_table_privilege(format('%I.%I', schemaname, tablename), '{privilege}')"
            for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE")
        )
        tables = f"SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT ({every})"
        assert list(connection.scalars(text(tables))) == ["records_version"]
        use = "has_sequence_privilege(format('%I.%I', schemaname, sequencename), 'USAGE')"
        numbers = f"SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND NOT {use}"
        assert list(connection.scalars(text(numbers))) == []
    engine.dispose()


def test_an_old_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="migrate"):
        require_ready(f"sqlite:///{tmp_path / 'empty.db'}")


def test_the_migrations_make_the_tables_that_the_code_uses(records_url: str) -> None:
    engine = open_engine(records_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "records_version"})
        assert compare_metadata(context, RecordsTable.metadata) == []
    engine.dispose()
