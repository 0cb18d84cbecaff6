"""Leases: a process answers only while it can know what is in service."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from authz_service.api import watch
from authz_service.api.problems import ProblemError
from authz_service.api.serving import InService
from authz_service.deploying.membership import DRIFT_SECONDS, LEASE_SECONDS, Membership, Receipts
from authz_service.storage import Database
from models.tables.policy import PROCESSES
from tests.api.conftest import question, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.api.serving import Serving
    from authz_service.deploying.membership import Standing
    from tests.api.conftest import Api

on_postgresql_only = pytest.mark.parametrize("seeded_url", ["postgresql"], indirect=True)
OWN_PLAN = question("rosa", "view", "service_plan", "plan_rosa")


class Clock:
    """A monotonic clock that a test moves; each look at it takes a while."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 100.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def database(seeded_url: str) -> Iterator[Database]:
    found = Database(seeded_url)
    yield found
    found.dispose()


def known(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {row.id: row.number for row in connection.execute(select(PROCESSES))}


def test_nothing_is_answered_before_the_first_lease_nor_after_the_last(api: Api) -> None:
    """To the very end of it: the instant at which it is over is not in it."""
    clock = Clock()
    held = InService(clock)
    current: Serving = api.service.serving
    with pytest.raises(ProblemError):
        held.pin()
    held.replace(current)
    with pytest.raises(ProblemError):
        held.pin()
    held.grant(clock.now + LEASE_SECONDS)
    assert held.pin() is current
    clock.now += LEASE_SECONDS - 0.001
    assert held.pin() is current
    clock.now += 0.001
    with pytest.raises(ProblemError) as refused:
        held.pin()
    assert refused.value.status == 503
    held.grant(clock.now + LEASE_SECONDS)
    held.deny()
    assert not held.may_answer


@on_postgresql_only
def test_a_deployer_waits_for_whoever_may_still_hold_a_lease(database: Database) -> None:
    """No sign at all: for the length of a lease and the drift, on its own clock; then it is out of the count."""
    clock = Clock(step=1.0)
    deployer, other = Membership(database, "a", clock), Membership(database, "b")
    deployer.note(7)
    other.note(6)
    begun = clock.now
    assert deployer.wait_for_receipts(7) == Receipts(swapped=1, gone=1)
    assert clock.now - begun > LEASE_SECONDS + DRIFT_SECONDS
    assert known(database) == {"a": 7}
    other.note(7)
    begun = clock.now
    assert deployer.wait_for_receipts(7) == Receipts(swapped=2, gone=0)
    assert clock.now - begun < LEASE_SECONDS
    other.note(8)
    other.leave()
    assert known(database) == {"a": 7}


@on_postgresql_only
def test_a_process_is_known_before_it_asks_what_is_in_service(
    api_on_both: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen from another connection, at each beat: a lease is never counted on an answer that nobody waits for."""
    api, read, seen = api_on_both, watch.read_standing, []
    (name,) = known(database)

    def reading(of: Database) -> Standing:
        seen.append(known(database).get(name))
        return read(of)

    monkeypatch.setattr(watch, "read_standing", reading)
    with database.writing(()) as session:
        session.connection().execute(PROCESSES.delete())
    deadline = time.monotonic() + 10
    while len(seen) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert set(seen) == {1}
    assert api.evaluate(OWN_PLAN).status_code == 200


@on_postgresql_only
def test_a_process_that_hears_nothing_of_the_database_answers_nothing(
    api_on_both: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once its lease is over; it says so, and answers again with the next beat that succeeds."""
    api = api_on_both
    service = api.service
    assert api.evaluate(OWN_PLAN).status_code == 200
    with monkeypatch.context() as patch:

        def fail(*_: object) -> None:
            raise OSError("no route")

        patch.setattr(Membership, "note", fail)
        time.sleep(2 * watch.BEAT_SECONDS)  # A beat that was under way is over.
        assert api.evaluate(OWN_PLAN).status_code == 200
        service.in_service.grant(time.monotonic())
        assert api.evaluate(OWN_PLAN).status_code == 503
        assert api.call("GET", "/v1/policy").status_code == 503
        assert "too long" in api.call("GET", "/readyz", token=None).text
        assert api.call("GET", "/healthz", token=None).status_code == 200
    deadline = time.monotonic() + 10
    while api.evaluate(OWN_PLAN).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@on_postgresql_only
def test_a_process_that_ends_is_waited_for_no_longer(api_on_both: Api, database: Database) -> None:
    """It takes its row along, and nobody else's."""
    before = known(database)
    with serving(api_on_both.settings, api_on_both.clock):
        assert len(known(database)) == len(before) + 1
    assert known(database) == before
