"""A record is durable before whoever made it goes on, or they are told that it is not."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from authz_service.trail import segments
from authz_service.trail.segments import read_groups
from authz_service.trail.writer import TrailUnavailableError
from tests.trail.conftest import event

if TYPE_CHECKING:
    from tests.trail.conftest import Trail


def records_on_disk(trail: Trail) -> list[bytes]:
    return [r for path in sorted(trail.folder.glob("*.segment")) for g in read_groups(path) for r in g.records]


def test_every_record_is_on_disk_when_its_future_is_done(trail: Trail) -> None:
    async def run() -> None:
        writer = trail.writer()
        await writer.start()

        async def one(number: int) -> None:
            await writer.append(event(number))
            assert event(number) in records_on_disk(trail)

        await asyncio.gather(*(one(number) for number in range(60)))
        await writer.stop()
        assert writer.records == 60
        assert writer.groups < 30  # Those who come while a group is written share the next one.

    asyncio.run(run())


def test_a_full_segment_is_continued_by_the_next(trail: Trail) -> None:
    async def run() -> None:
        writer = trail.writer()
        await writer.start()
        for number in range(100):
            await writer.append(event(number) + b" " * 3000)
        await writer.stop()

    asyncio.run(run())
    assert len(list(trail.folder.glob("*.segment"))) > 3
    assert len([r for r in records_on_disk(trail) if b'"event"' in r]) == 100


def test_a_failing_disk_refuses_the_record_and_is_used_again_once_it_works(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite
    broken = threading.Event()

    def pwrite(descriptor: int, data: bytes, offset: int) -> int:
        if broken.is_set():
            raise OSError(28, "No space left on device")
        return real(descriptor, data, offset)

    monkeypatch.setattr(segments.os, "pwrite", pwrite)

    async def run() -> None:
        writer = trail.writer()
        await writer.start()
        await writer.append(event(1))
        broken.set()
        for number in (2, 3):
            with pytest.raises(TrailUnavailableError, match="No space left"):
                await writer.append(event(number))
        assert writer.problem
        broken.clear()
        await writer.append(event(4))
        assert writer.problem is None
        await writer.stop()

    asyncio.run(run())
    assert sorted(r for r in records_on_disk(trail) if b'"event"' in r) == [event(1), event(4)]


def test_a_hanging_disk_refuses_within_the_time_given_and_at_once_after_that(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite
    hold = threading.Event()
    hold.set()

    def pwrite(descriptor: int, data: bytes, offset: int) -> int:
        hold.wait(10)
        return real(descriptor, data, offset)

    monkeypatch.setattr(segments.os, "pwrite", pwrite)

    async def run() -> None:
        writer = trail.writer(timeout=0.2)
        await writer.start()
        hold.clear()
        begun = time.monotonic()
        with pytest.raises(TrailUnavailableError, match="too long"):
            await writer.append(event(1))
        with pytest.raises(TrailUnavailableError, match="too long"):
            await writer.append(event(2))
        assert time.monotonic() - begun < 2
        hold.set()
        await asyncio.sleep(0.2)
        assert writer.problem is None
        await writer.append(event(3))
        await writer.stop()

    asyncio.run(run())


def test_nobody_who_gives_up_takes_the_others_record_with_them(trail: Trail) -> None:
    async def run() -> None:
        writer = trail.writer()
        await writer.start()

        async def one(number: int) -> None:
            await writer.append(event(number))

        tasks = [asyncio.create_task(one(number)) for number in range(5)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await writer.stop()
        assert results[1:] == [None] * 4

    asyncio.run(run())
    assert len([r for r in records_on_disk(trail) if b'"event"' in r]) == 5
