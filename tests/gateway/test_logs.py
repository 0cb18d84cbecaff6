"""A log line has ids and codes; what a row says never gets into it."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.logs import told
from gateway.records.store import RecordsStore
from models.tables.identity import Credential
from tests.conftest import FROZEN


def take(store: RecordsStore) -> None:
    """Have a second sign-in under a name that is there."""
    again = Credential(subject_type="account", subject_id="r", password_hash="x", username="rosa", changed_at=FROZEN)
    with store.session(None, writing=True) as session:
        session.add(again)
        session.flush()


def test_what_a_database_says_of_a_row_is_not_logged(store: RecordsStore) -> None:
    """PostgreSQL quotes the values of a key that is there already; where it happened and which rule is what helps."""
    with pytest.raises(IntegrityError) as caught:
        take(store)
    failed = RuntimeError("it was not saved")
    failed.__cause__ = caught.value
    line = told((RuntimeError, failed, None))
    assert "RuntimeError: it was not saved" in line
    assert "IntegrityError: " in line
    assert "test_logs.py" in line
    assert "rosa" not in line


def test_as_a_database_says_it_the_row_would_be_in_the_line(seeded_postgres: str) -> None:
    """Control: the words of the error itself."""
    store = RecordsStore(seeded_postgres)
    with pytest.raises(IntegrityError, match="rosa"):
        take(store)
    store.close()
