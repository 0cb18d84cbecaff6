"""Revoked means revoked: no decision that begins after a change was acknowledged uses what held before it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from authz_service.storage import AccessStore
from authz_service.storage.cache import CachedAccess, Touched
from authz_service.trail.changes import Origin
from models.tables.access import PracticeSwitchRow, WithholdRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ORIGIN = Origin(caller="test", request_id="r1", actor="staff/jo")
FLIPS = 40
READERS = 3


@pytest.fixture
def store(sqlite_files: Path, tmp_path: Path) -> Iterator[AccessStore]:
    path = tmp_path / "access.db"
    path.write_bytes((sqlite_files / "seeded.db").read_bytes())
    found = AccessStore(f"sqlite:///{path}")
    yield found
    found.close()


def stale_answers(store: AccessStore) -> tuple[int, int]:
    """Flip a switch again and again while others read; how many answers were older than what had been acknowledged."""
    acknowledged = 0  # even: on, odd: off
    done = threading.Event()
    found = {"stale": 0, "asked": 0}

    def read() -> None:
        while not done.is_set():
            before = acknowledged
            with store.deciding() as access:
                relation = access.relation("dana", "mia")
            after = acknowledged
            found["asked"] += 1
            # Had the flip after `before` been under way, either answer is right; so judge only where nothing moved.
            if before == after and relation is not None:
                is_on = relation.practice.switches["messages"]
                found["stale"] += is_on is not (before % 2 == 0) and begun == before

    begun = 0
    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    for flip in range(1, FLIPS + 1):
        begun = flip
        with store.writing(["northgate"], ORIGIN) as writer:
            writer.put(PracticeSwitchRow, practice_id="northgate", feature="messages", is_on=flip % 2 == 0)
        acknowledged = flip
        with store.deciding() as access:
            relation = access.relation("dana", "mia")
        assert relation is not None
        found["stale"] += relation.practice.switches["messages"] is not (flip % 2 == 0)
    done.set()
    for reader in readers:
        reader.join()
    return found["stale"], found["asked"]


def test_no_answer_is_older_than_the_last_acknowledged_change(store: AccessStore) -> None:
    """The writer's own next question, and those of readers beside it, see every change that was acknowledged."""
    stale, asked = stale_answers(store)
    assert stale == 0
    assert asked > FLIPS


def test_the_control_without_forgetting_is_noticed(store: AccessStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same test fails when writes do not make the cache forget."""
    monkeypatch.setattr(CachedAccess, "forget", lambda _self, _touched: None)
    stale, _ = stale_answers(store)
    assert stale > 0


def fill_across_a_write(store: AccessStore, forget: Callable[[CachedAccess, Touched], None]) -> bool:
    """A read begins, a write is acknowledged, the read ends: is the old state what the next question gets?"""
    read_done, write_done = threading.Event(), threading.Event()

    @contextmanager
    def slow_reading() -> Iterator[object]:
        with store.reading() as reading:
            reading.relation("sam", "mia")  # The transaction's view is fixed from here on.
            read_done.set()
            write_done.wait(5)
            yield reading

    cache = CachedAccess(store.reading)
    cache.relation("sam", "leo")  # The house and whatever else is shared are at hand.
    cache.client("mia")
    cache._open_reading = slow_reading
    filler = threading.Thread(target=lambda: cache.relation("sam", "mia"))
    filler.start()
    assert read_done.wait(5)
    with store.writing(["northgate"], ORIGIN) as writer:
        writer.put(
            WithholdRow,
            practice_id="northgate",
            account_id="sam",
            client_id="mia",
            resource_type="document",
            resource_id="doc_mia_school",
        )
    forget(cache, writer.touched)
    write_done.set()
    filler.join()
    cache._open_reading = store.reading
    relation = cache.relation("sam", "mia")
    assert relation is not None
    return ("document", "doc_mia_school") not in relation.withheld


def test_a_read_that_began_before_a_change_is_not_kept(store: AccessStore) -> None:
    """What a slow read brings home after the change was acknowledged does not stay."""
    assert fill_across_a_write(store, CachedAccess.forget) is False


def test_the_control_that_only_drops_entries_keeps_the_slow_read(store: AccessStore) -> None:
    """The same test fails when a change drops what is there but does not stop reads under way from being kept."""

    def drop_only(cache: CachedAccess, touched: Touched) -> None:
        writes = cache._writes
        cache.forget(touched)
        cache._writes = writes

    assert fill_across_a_write(store, drop_only) is True


def test_a_change_of_one_client_leaves_others_in_memory(store: AccessStore) -> None:
    """Forgetting is no excuse for reading everything anew."""
    with store.deciding() as access:
        kept, dropped = access.relation("rosa", "rosa"), access.relation("sam", "mia")
    with store.writing(["northgate"], ORIGIN) as writer:
        ids = {"account_id": "sam", "client_id": "mia"}
        writer.put(WithholdRow, practice_id="northgate", **ids, resource_type="form", resource_id="form_mia_intake")
    with store.deciding() as access:
        assert access.relation("rosa", "rosa") is kept
        assert access.relation("sam", "mia") is not dropped
