"""The trail's writer: records of the moment become one group, and whoever waits for it is told when it is durable.

All state lives on the event loop; only the writing itself happens in a thread, one group at a time. While a group is
being written the next one gathers.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from authz_service.trail.segments import Segment, SegmentFullError, drop_spare, prepare_spare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from authz_service.clock import Clock
    from authz_service.trail.segments import Link


_PAUSE_SECONDS = 0.05  # after each MiB of the file that the next segment begins with


class TrailUnavailableError(Exception):
    """The record could not be made durable in time, so what it records must not happen."""


class _Durable(asyncio.Future[None]):
    """Shared by everyone whose record is in the group, so none of them may cancel it."""

    def cancel(self, msg: object = None) -> bool:
        del msg
        return False


class _Group:
    __slots__ = ("future", "records", "timer")

    def __init__(self, future: _Durable, timer: asyncio.TimerHandle) -> None:
        self.future = future
        self.timer = timer
        self.records: list[bytes] = []


class TrailWriter:
    """Appends records to the segment of this process. Used on one event loop, between `start` and `stop`."""

    def __init__(self, folder: Path, clock: Clock, segment_bytes: int, timeout: float) -> None:
        self._folder = folder
        self._clock = clock
        self._segment_bytes = segment_bytes
        self._timeout = timeout
        self._gathering: _Group | None = None
        self._writing = False
        self._stalled = False
        self._queue: queue.SimpleQueue[_Group | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._segment: Segment | None = None
        self._previous: Link | None = None
        self.problem: str | None = None  # why the last group could not be written
        self.chains: tuple[str, ...] = ()  # every segment this process began, in order
        self.on_segment: Callable[[], None] = lambda: None  # called when one more has begun; it must not wait
        self.groups = 0
        self.records = 0

    async def start(self) -> None:
        """Opens the first segment; TrailUnavailableError when that cannot be done."""
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(self._open_segment)
        except OSError as error:
            raise TrailUnavailableError(f"the trail cannot be written: {error}") from error
        self._thread = threading.Thread(target=self._write_groups, name="trail-writer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Writes what has gathered and closes the segment."""
        while self._gathering is not None or self._writing:
            await asyncio.sleep(0.005)
            if self._stalled:
                break
        self._queue.put(None)
        if self._thread is not None and not self._stalled:
            await asyncio.to_thread(self._thread.join, self._timeout)
            drop_spare(self._folder, self._segment_bytes)

    @property
    def open_segment(self) -> str | None:
        """The chain of the segment that is being written."""
        return self._segment.chain if self._segment is not None else None

    def append(self, record: bytes) -> asyncio.Future[None]:
        """A future that is done when the record is durable; TrailUnavailableError when it is not in time."""
        group = self._gathering
        if group is None:
            if self._stalled:
                raise TrailUnavailableError("the trail cannot be written: a write is taking too long")
            future = _Durable(loop=self._loop)
            group = _Group(future, self._loop.call_later(self._timeout, self._expire, future))
            self._gathering = group
            if not self._writing:
                self._loop.call_soon(self._hand_over)
        group.records.append(record)
        return group.future

    def _hand_over(self) -> None:
        group = self._gathering
        if group is not None and not self._writing:
            self._gathering = None
            self._writing = True
            self._queue.put(group)

    def _settle(self, group: _Group, error: Exception | None) -> None:
        self._writing = False
        self._stalled = False
        group.timer.cancel()
        self.problem = None if error is None else str(error)
        self._resolve(group.future, None if error is None else f"the trail cannot be written: {error}")
        if error is None:
            self.groups += 1
            self.records += len(group.records)
        self._hand_over()

    def _expire(self, future: _Durable) -> None:
        if not future.done():
            self._stalled = True
            self.problem = "a write is taking too long"
            self._resolve(future, "the trail cannot be written: a write is taking too long")

    @staticmethod
    def _resolve(future: _Durable, problem: str | None) -> None:
        if future.done():
            return
        if problem is None:
            future.set_result(None)
        else:
            future.set_exception(TrailUnavailableError(problem))
            future.exception()  # Whoever waits is told; a group that nobody waits for any more is no news.

    # ---- in the thread -----------------------------------------------------------------------------------------------

    def _write_groups(self) -> None:
        while (group := self._queue.get()) is not None:
            error: Exception | None = None
            try:
                self._write(group.records)
            except Exception as caught:  # noqa: BLE001 (handed to everyone who waits for the group)
                error = caught
                self._abandon_segment()
            try:
                self._loop.call_soon_threadsafe(self._settle, group, error)
            except RuntimeError:  # The loop is gone, and with it everyone who waited.
                break
        self._abandon_segment()

    def _write(self, records: list[bytes]) -> None:
        if self._segment is None:
            self._open_segment()
        try:
            self._append(records)
        except SegmentFullError:
            self._abandon_segment()
            self._open_segment()
            try:
                self._append(records)
            except SegmentFullError as error:
                raise OSError("a group is larger than a segment") from error

    def _append(self, records: list[bytes]) -> None:
        if self._segment is None:
            raise OSError("no segment is open")
        self._previous = self._segment.append(records)

    def _open_segment(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        segment = Segment(self._folder, self._segment_bytes, self._clock(), self._previous)
        self._segment, self._previous = segment, segment.link
        self.chains += (segment.chain,)
        self.on_segment()
        threading.Thread(target=self._prepare_next, name="trail-spare", daemon=True).start()

    def _prepare_next(self) -> None:
        with suppress(OSError):  # Tried again, and reported, when the next segment is begun.
            prepare_spare(self._folder, self._segment_bytes, pause=_PAUSE_SECONDS)

    def _abandon_segment(self) -> None:
        # After a failed write nobody knows what the file holds behind the last good group, so nothing is added to it.
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()
