"""The process that loads the trail: the table follows, also when it or the service dies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from authz_service.loading import Loading
from authz_service.trail.chain import EVERYTHING
from models.tables.trail import RECORDS
from tests.conftest import ROOT
from tests.trail.conftest import event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from authz_service.trail.writer import TrailWriter
    from tests.trail.conftest import Trail

SEGMENT_BYTES = 65_536


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def surroundings(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> Trail:
    """The trail of a data directory, as the process finds it by its settings."""
    monkeypatch.setenv("KINGUARD_DATA_DIR", str(trail.folder))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    trail.folder = trail.folder / "trail"
    return trail


@asynccontextmanager
async def loading(trail: Trail) -> AsyncIterator[tuple[TrailWriter, Loading]]:
    writer = trail.writer(SEGMENT_BYTES)
    await writer.start()
    process = Loading(writer)
    process.start()
    try:
        yield writer, process
    finally:
        await writer.stop()
        await asyncio.to_thread(process.stop)


def loaded(trail: Trail) -> int:
    with trail.database.reading(EVERYTHING) as connection:
        count = connection.scalar(select(func.count()).select_from(RECORDS).where(RECORDS.c.action == "noted"))
    return int(count or 0)


async def caught_up(process: Loading) -> bool:
    """Whether it caught up within half a minute, its start included."""
    for _ in range(15):
        if await asyncio.to_thread(process.catch_up):
            return True
    return False


@pytest.mark.anyio
async def test_what_is_durable_is_in_the_table_once_it_has_caught_up(surroundings: Trail) -> None:
    async with loading(surroundings) as (writer, process):
        for number in range(3):
            await writer.append(event(number))
            assert await caught_up(process)
            assert loaded(surroundings) == number + 1


@pytest.mark.anyio
async def test_records_of_many_segments_all_arrive_and_the_trail_verifies(surroundings: Trail) -> None:
    async with loading(surroundings) as (writer, process):
        await asyncio.gather(*(writer.append(event(number)) for number in range(400)))
        for first in range(400, 3000, 100):
            await asyncio.gather(*(writer.append(event(number)) for number in range(first, first + 100)))
        assert len(writer.chains) > 2
        assert await caught_up(process)
        assert loaded(surroundings) == 3000
    assert list(surroundings.folder.glob("decisions.*")) == [], "what is loaded and signed is cleared away"


@pytest.mark.anyio
async def test_another_takes_over_when_it_is_killed(surroundings: Trail) -> None:
    async with loading(surroundings) as (writer, process):
        await writer.append(event(1))
        assert await caught_up(process)
        assert process._process is not None
        first = process._process.pid
        os.kill(first, signal.SIGKILL)
        await writer.append(event(2))
        for _ in range(30):
            if await asyncio.to_thread(process.catch_up) and loaded(surroundings) == 2:
                break
        assert loaded(surroundings) == 2
        assert process._process is not None
        assert process._process.pid != first
        assert process.problem is None


_SERVICE = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from authz_service.loading import Loading
from authz_service.trail.writer import TrailWriter
from tests.trail.conftest import event

async def main():
    writer = TrailWriter(Path(sys.argv[1]), lambda: datetime(2026, 6, 15, 19, tzinfo=UTC), 65536, 2.0)
    await writer.start()
    Loading(writer).start()
    for number in range(50):
        await writer.append(event(number))
    print("written", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_what_a_killed_service_made_durable_is_loaded_all_the_same(surroundings: Trail) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVICE, str(surroundings.folder)], stdout=subprocess.PIPE, cwd=ROOT
    ) as service:
        assert service.stdout is not None
        assert service.stdout.readline() == b"written\n"
        service.kill()
    deadline = time.monotonic() + 30
    while loaded(surroundings) < 50 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert loaded(surroundings) == 50
