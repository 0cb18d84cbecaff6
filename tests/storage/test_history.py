"""History: what held at any past instant can still be read, and the present is what was written last."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from authz_service.trail.changes import Origin
from models.tables.access import GrantRow, PracticeSwitchRow

if TYPE_CHECKING:
    from authz_service.storage import AccessStore
    from tests.conftest import StandingClock

ORIGIN = Origin(caller="test", request_id="r1", actor="staff/jo")


def turn(store: AccessStore, feature: str, on: bool) -> None:
    with store.writing(["northgate"], ORIGIN, "because") as writer:
        writer.put(PracticeSwitchRow, practice_id="northgate", feature=feature, is_on=on)


def end_and_fail(store: AccessStore) -> None:
    with store.writing(["northgate"], ORIGIN) as writer:
        row = writer.current(GrantRow, id="g_dana_mia")
        assert row is not None
        writer.end(row)
        raise ZeroDivisionError


def test_a_past_instant_reads_what_held_then(seeded_store: AccessStore, standing_clock: StandingClock) -> None:
    """At every instant the last change before it counts; a coming instant is read as the present."""
    start = standing_clock.now
    for hour, on in ((1, False), (2, True), (3, False)):
        standing_clock.now = start + timedelta(hours=hour)
        turn(seeded_store, "invoices", on)
    standing_clock.now = start + timedelta(hours=4)
    expected = {0: True, 1: False, 1.5: False, 2: True, 3: False, 4: False, 99: False}
    for hour, on in expected.items():
        with seeded_store.deciding(at=start + timedelta(hours=hour)) as access:
            practice = access.practice("northgate")
            assert practice is not None
            assert practice.switches["invoices"] is on
    with seeded_store.deciding(at=start - timedelta(days=365 * 40)) as access:
        assert access.practice("northgate") is None


def test_nothing_is_changed_in_place(seeded_store: AccessStore, standing_clock: StandingClock) -> None:
    """A change ends one row and begins another at the same instant; who and why stand in the row."""
    turn(seeded_store, "forms", False)
    standing_clock.advance(minutes=1)
    turn(seeded_store, "forms", True)
    table = PracticeSwitchRow.__table__
    with seeded_store.database.reading() as connection:
        rows = connection.execute(select(table).where(table.c.feature == "forms").order_by(table.c.key)).all()
    assert [(row.version, row.is_on) for row in rows] == [(1, False), (2, True)]
    assert rows[0].valid_to == rows[1].valid_from
    assert rows[1].valid_to is None
    assert {(row.changed_by, row.reason) for row in rows} == {("staff/jo", "because")}


def test_writing_the_same_again_adds_no_row(seeded_store: AccessStore) -> None:
    """History holds changes, not repetitions."""
    turn(seeded_store, "forms", False)
    turn(seeded_store, "forms", False)
    with seeded_store.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(PracticeSwitchRow)) == 1


def test_a_clock_that_is_set_back_ends_no_row_before_it_began(
    seeded_store: AccessStore, standing_clock: StandingClock
) -> None:
    """The later change still counts, and no row is valid backwards."""
    turn(seeded_store, "forms", False)
    standing_clock.advance(hours=-1)
    turn(seeded_store, "forms", True)
    with seeded_store.deciding() as access:
        practice = access.practice("northgate")
    assert practice is not None
    assert practice.switches["forms"] is True
    table = PracticeSwitchRow.__table__
    with seeded_store.database.reading() as connection:
        rows = connection.execute(select(table)).all()
    assert all(row.valid_to is None or row.valid_to >= row.valid_from for row in rows)


def test_a_failed_transaction_leaves_nothing_behind(seeded_store: AccessStore) -> None:
    """Neither the row nor a memory of it stays when the block ends with an error."""
    with seeded_store.deciding() as access:
        before = access.relation("dana", "mia")
    with pytest.raises(ZeroDivisionError):
        end_and_fail(seeded_store)
    with seeded_store.deciding() as access:
        assert access.relation("dana", "mia") == before
