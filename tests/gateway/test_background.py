"""Background work goes on whatever fails, and in one process at a time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from gateway.background import EVERY, Background, Beat
from gateway.records.store import RecordsStore

pytestmark = pytest.mark.anyio
KEY = 0x6B67_7465  # of a lock that nothing else takes
SQLITE = pytest.mark.parametrize("records_url", ["sqlite"], indirect=True)


@SQLITE
async def test_a_beat_that_fails_stops_neither_the_others_nor_itself(store: RecordsStore) -> None:
    ran: list[str] = []
    enough = asyncio.Event()

    async def broken(_state: Any) -> None:
        ran.append("broken")
        raise RuntimeError("it broke")

    async def sound(_state: Any) -> None:
        ran.append("sound")
        if ran.count("broken") >= 2 and ran.count("sound") >= 2:
            enough.set()

    state = SimpleNamespace(records=store)
    running = asyncio.create_task(Background(state, (Beat(0.01, broken), Beat(0.01, sound))).run())
    await asyncio.wait_for(enough.wait(), 20)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_one_process_has_the_turn_until_it_gives_up(seeded_postgres: str) -> None:
    """Two stores stand for two processes; a connection that was cut costs one look, and the turn can be had again."""
    first, second = RecordsStore(seeded_postgres), RecordsStore(seeded_postgres)
    ours, theirs = first.turn(KEY), second.turn(KEY)
    assert await ours.is_ours()
    assert await ours.is_ours()
    assert not await theirs.is_ours()
    with second.engine.connect() as connection:
        held = "pg_locks JOIN pg_database ON pg_database.oid = database AND datname = current_database()"
        cut = f"SELECT pg_terminate_backend(pid, 5000) FROM {held} WHERE locktype = 'advisory' AND granted"
        assert connection.execute(text(cut)).scalars().all() == [True]  # It is gone, not only told to go.
    with pytest.raises(Exception, match=r"terminat|closed"):
        await ours.is_ours()
    assert await theirs.is_ours()
    assert not await ours.is_ours()
    theirs.give_up()
    assert await ours.is_ours()
    first.close()
    second.close()


def test_every_beat_has_a_name_and_a_pause() -> None:
    names = [beat.name for beat in EVERY]
    assert len(set(names)) == len(names)
    assert all(beat.seconds >= 1 for beat in EVERY)
