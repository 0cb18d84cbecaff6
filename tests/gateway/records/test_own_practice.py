"""A session of one practice sees and writes only that practice's rows, on either database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, exists, func, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from gateway.records.database import open_engine
from gateway.records.own_practice import OtherPracticeError, tables_of_a_practice
from models.tables.base import RecordsTable
from models.tables.mail import Mail
from models.tables.records import Client, Invoice, Outbox

if TYPE_CHECKING:
    from gateway.records.store import RecordsStore


def test_both_databases_protect_the_same_tables(seeded_postgres: str) -> None:
    engine = open_engine(seeded_postgres)
    with engine.connect() as connection:
        secured = connection.execute(text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"))
        protected = set(secured.scalars()) & set(RecordsTable.metadata.tables)
    engine.dispose()
    assert {table.__tablename__ for table in tables_of_a_practice()} == protected


def test_without_protection_the_other_rows_would_be_there(seeded_sqlite: object) -> None:
    engine = open_engine(f"sqlite:///{seeded_sqlite}")
    with Session(engine) as session:
        assert {row.practice_id for row in session.exec(select(Client))} == {"northgate", "solo", "harborview"}
    engine.dispose()


@pytest.mark.parametrize("practice", ["northgate", "solo", "harborview", None])
def test_only_own_rows_are_read_however_they_are_asked_for(store: RecordsStore, practice: str | None) -> None:
    expected = {practice} if practice else set()
    other = aliased(Client)
    with store.session(practice) as session:
        assert {row.practice_id for row in session.exec(select(Client))} == expected
        assert set(session.exec(select(col(Client.practice_id)).distinct())) == expected
        assert {row.practice_id for row in session.exec(select(other))} == expected
        assert set(session.exec(select(Invoice.practice_id).where(exists().where(other.id != "")))) <= expected
        foreign = "wren" if practice != "harborview" else "mia"
        assert session.get(Client, foreign) is None
        count = session.exec(select(func.count()).select_from(Client).where(col(Client.id) == foreign)).one()
        assert count == 0


def test_no_other_practices_row_is_changed_or_deleted(store: RecordsStore) -> None:
    with store.session("harborview", writing=True) as session:
        assert session.execute(update(Client).where(col(Client.id) == "mia").values(preferred="M")).rowcount == 0
        assert session.execute(delete(Outbox).where(col(Outbox.practice_id) == "northgate")).rowcount == 0
    with store.session("northgate") as session:
        assert session.get_one(Client, "mia").preferred != "M"


@pytest.mark.parametrize("practice", ["harborview", None])
def test_no_row_is_written_for_another_practice(store: RecordsStore, practice: str | None) -> None:
    entry = Outbox(practice_id="northgate", type="invoice", id="inv_x", properties=None)
    with pytest.raises((OtherPracticeError, DBAPIError)), store.session(practice, writing=True) as session:
        session.add(entry)


def test_mail_of_no_practice_is_seen_outside_every_practice_only(store: RecordsStore) -> None:
    def subjects(practice: str | None) -> set[str]:
        with store.session(practice) as session:
            return {mail.id for mail in session.exec(select(Mail))}

    assert not subjects(None) & (subjects("northgate") | subjects("harborview"))
