"""From segments to table: a thread loads what is durable, signs checkpoints, and clears away what both hold."""

from __future__ import annotations

import fcntl
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from sqlalchemy import func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from authz_service.trail.chain import EVERYTHING
from authz_service.trail.checkpoints import append_checkpoint
from authz_service.trail.records import rows_of
from authz_service.trail.segments import MAGIC, SUFFIX, Link, read_groups, torn_at
from models.tables.trail import GROUPS, HEADS, RECORDS

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from authz_service.clock import Clock
    from authz_service.tokens.signatures import PrivateKey
    from authz_service.trail.chain import TrailDatabase
    from authz_service.trail.segments import Group

TORN = ".torn"
_PAUSE_SECONDS = 0.25
_BREATH_SECONDS = 0.02
_CALM_RECORDS = 250  # made since the pass before
_BYTES_A_TRANSACTION = 64 * 1024
_CHECKPOINT_SECONDS = 60.0
_CHECKPOINT_RECORDS = 1000

_log = structlog.get_logger()


class Segments(Protocol):
    """What is to be known of the writer whose segments are loaded."""

    @property
    def chains(self) -> tuple[str, ...]:
        """Every segment it began, in order."""

    @property
    def open_segment(self) -> str | None:
        """The one that is being written."""

    @property
    def records(self) -> int:
        """How many records it has made durable."""


class _Progress:
    """How far a segment has been loaded."""

    __slots__ = ("last", "offset")

    def __init__(self) -> None:
        self.last: Link | None = None
        self.offset = len(MAGIC)


class TrailLoader:
    """Loads the segments of one folder: those of this process's writer, and what dead processes left behind."""

    def __init__(
        self,
        database: TrailDatabase,
        folder: Path,
        writer: Segments,
        *,
        checkpoints: Path,
        key: PrivateKey,
        clock: Clock,
    ) -> None:
        self._database = database
        self._folder = folder
        self._checkpoints = checkpoints
        self._key = key
        self._clock = clock
        self._writer = writer
        self._progress: dict[Path, _Progress] = {}
        self._unsigned: dict[str, Link] = {}
        self._unsigned_records = 0
        self._signed: dict[str, int] = {}
        self._finished: list[Path] = []  # loaded whole, waiting for a checkpoint that covers them
        self._signed_at = float("-inf")
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._drained = 0
        self._waiting = 0
        self._passed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="trail-loader", daemon=True)
        self.problem: str | None = None

    def start(self) -> None:
        """Starts loading; what earlier processes left behind comes first."""
        self._thread.start()

    def stop(self) -> None:
        """Loads the rest, signs it and ends."""
        self._stopping.set()
        self._wanted.set()
        self._thread.join(timeout=10)

    def catch_up(self, timeout: float = 2.0) -> bool:
        """Waits until everything that is durable now is in the table; False when that takes too long."""
        with self._passed:
            target = self._drained + 2  # The pass under way may have read the segment before.
            self._waiting += 1
            self._wanted.set()
            try:
                return self._passed.wait_for(lambda: self._drained >= target, timeout)
            finally:
                self._waiting -= 1

    def _run(self) -> None:
        seen = 0
        while True:
            last = self._stopping.is_set()
            try:
                more = self.load(sign=last)
                self.problem = None
            except (OSError, SQLAlchemyError) as error:
                more = False
                self.problem = f"the trail cannot be loaded: {type(error).__name__}"
                _log.warning("trail_load_failed", error=str(error).partition("\n")[0])
            with self._passed:
                if not more:
                    self._drained += 1
                    self._passed.notify_all()
                self._wanted.clear()
                # Read after that: who stops meanwhile is seen here, or wakes the wait below.
                hurried = self._waiting > 0 or self._stopping.is_set()
            if last and not more:
                return
            if not hurried:
                # While many requests come in, their answers come first: the table may lag, the trail does not.
                calm = more and self._writer.records - seen < _CALM_RECORDS
                self._wanted.wait(_BREATH_SECONDS if calm else _PAUSE_SECONDS)
            seen = self._writer.records

    def load(self, *, sign: bool = False) -> bool:
        """One pass over the folder, of one transaction for each segment; whether there is more to load."""
        more = False
        opened = self._writer.open_segment  # Read first: a segment closed in the meantime is finished in the next pass.
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            if path in self._finished:
                continue
            if path.stem in self._writer.chains:
                more |= self._load_segment(path, closed=path.stem != opened)
            else:
                more |= self._load_left_behind(path)
        with self._database.reading(EVERYTHING) as connection:
            for link in _changed_heads(connection, self._signed):
                self._unsigned[link.chain] = link
        self._sign(force=(sign and not more) or bool(self._finished))
        return more

    def _load_left_behind(self, path: Path) -> bool:
        with path.open("rb+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # Another process writes or loads it.
                return False
            return path.exists() and self._load_segment(path, closed=True)

    def _load_segment(self, path: Path, *, closed: bool) -> bool:
        progress = self._progress.get(path)
        if progress is None:
            progress = self._progress[path] = _Progress()
            self._skip_loaded(path, progress)
        batch: list[Group] = []
        size = 0
        for group in read_groups(path, progress.last, progress.offset):
            batch.append(group)
            size += sum(map(len, group.records))
            if size >= _BYTES_A_TRANSACTION:
                self._insert(batch, progress)
                return True
        if batch:
            self._insert(batch, progress)
        if closed:
            self._progress.pop(path)
            if torn_at(path, progress.offset) is None:
                self._finished.append(path)
            else:
                _log.warning("trail_segment_torn", segment=path.name, offset=progress.offset)
                path.rename(path.with_suffix(TORN))
        return False

    def _skip_loaded(self, path: Path, progress: _Progress) -> None:
        chain = path.stem
        with self._database.reading(EVERYTHING) as connection:
            loaded = connection.scalar(select(func.max(GROUPS.c.number)).where(GROUPS.c.chain == chain))
        if loaded is None:
            return
        for group in read_groups(path):
            if group.link.number > loaded:
                return
            progress.last, progress.offset = group.link, group.end
            self._unsigned[chain] = group.link

    def _insert(self, groups: list[Group], progress: _Progress) -> None:
        records: list[dict[str, Any]] = []
        for group in groups:
            for position, record in enumerate(group.records):
                records += rows_of(group.link, position, record)
        links = [
            {"chain": g.link.chain, "number": g.link.number, "count": len(g.records), "hash": g.link.hash}
            for g in groups
        ]
        with self._database.writing(EVERYTHING) as session:
            connection = session.connection()
            connection.execute(insert(GROUPS), links)
            connection.execute(insert(RECORDS), records)
        progress.last, progress.offset = groups[-1].link, groups[-1].end
        self._unsigned[groups[-1].link.chain] = groups[-1].link
        self._unsigned_records += sum(len(group.records) for group in groups)

    def _sign(self, *, force: bool) -> None:
        due = time.monotonic() - self._signed_at
        many = self._unsigned_records >= _CHECKPOINT_RECORDS and due >= 1.0
        if self._unsigned and (force or many or due >= _CHECKPOINT_SECONDS):
            append_checkpoint(self._checkpoints, self._key, int(self._clock().timestamp() * 1_000_000), self._unsigned)
            self._signed |= {chain: link.number for chain, link in self._unsigned.items()}
            self._unsigned = {}
            self._unsigned_records = 0
            self._signed_at = time.monotonic()
        if not self._unsigned:
            for path in self._finished:
                path.unlink(missing_ok=True)
            self._finished = []


def _changed_heads(connection: Connection, signed: dict[str, int]) -> list[Link]:
    rows = connection.execute(select(HEADS.c.chain, HEADS.c.number, HEADS.c.hash))
    return [Link(chain, number, digest) for chain, number, digest in rows if signed.get(chain) != number]
