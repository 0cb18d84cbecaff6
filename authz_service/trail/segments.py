"""Segments: preallocated files that one process appends groups of records to, each group one durable write.

Layout: 8 bytes magic, then frames of (payload length, count: 4 bytes each, big-endian; SHA-256: 32 bytes; payload).
A payload is its group's records, one JSON object a line; zeros follow the last frame. Group 0 is the segment's header.
A frame whose hash does not hold is where a crash cut the last write: it was never answered, and is left as it is.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import struct
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from authz_service.trail.chain import GENESIS, link_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

MAGIC = b"KGTRAIL1"
SUFFIX = ".segment"
_FRAME = struct.Struct(">II32s")
_PREPARING = threading.Lock()  # The next spare is made in the background, or at once when it is late.


class SegmentFullError(Exception):
    """The group does not fit into what is left of the segment."""


@dataclass(frozen=True, slots=True)
class Link:
    """One group's place in a chain, and its hash."""

    chain: str
    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group as read back: where it stands and its records' exact bytes."""

    link: Link
    records: tuple[bytes, ...]
    end: int  # offset of the next frame


class Segment:
    """A segment that is being written, by one thread. Every `append` is durable when it returns."""

    def __init__(self, folder: Path, size: int, now: datetime, previous: Link | None) -> None:
        stamp = now.strftime("%Y%m%dT%H%M%S%fZ")
        self.chain = f"decisions.{stamp}.{secrets.token_hex(4)}"
        self.path = folder / f"{self.chain}{SUFFIX}"
        self._size = size
        self._descriptor = _begin(self.path, size)
        self._offset = len(MAGIC)
        self._number = -1
        self._hash = GENESIS
        header = {
            "type": "segment",
            "at": int(now.timestamp() * 1_000_000),
            "chain": self.chain,
            "previous": None if previous is None else [previous.chain, previous.number, previous.hash],
        }
        try:
            self.append([orjson.dumps(header)])
        except BaseException:
            self.close()
            raise

    @property
    def link(self) -> Link:
        """The newest durable link."""
        return Link(self.chain, self._number, self._hash)

    def append(self, records: list[bytes]) -> Link:
        """Writes the records as one group.

        SegmentFullError before anything is written; after an OSError the segment is not to be used.
        """
        payload = b"\n".join(records)
        end = self._offset + _FRAME.size + len(payload)
        if end > self._size:
            raise SegmentFullError
        number = self._number + 1
        digest = link_hash(self._hash, number, payload)
        frame = _FRAME.pack(len(payload), len(records), bytes.fromhex(digest)) + payload
        written = os.pwrite(self._descriptor, frame, self._offset)
        if written != len(frame):
            raise OSError(f"{self.path}: only {written} of {len(frame)} bytes were written")
        self._offset, self._number, self._hash = end, number, digest
        return self.link

    def close(self) -> None:
        """Gives the file back."""
        os.close(self._descriptor)


def read_groups(path: Path, after: Link | None = None, offset: int = len(MAGIC)) -> Iterator[Group]:
    """The groups of a segment whose hashes hold, from `offset` on, where `after` is the group before it.

    Ends at the first frame that does not hold; `torn_at` tells whether that is the end or damage.
    """
    chain = path.stem
    number, previous = (after.number, after.hash) if after else (-1, GENESIS)
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return
        file.seek(offset)
        while len(head := file.read(_FRAME.size)) == _FRAME.size:
            length, count, digest = _FRAME.unpack(head)
            payload = file.read(length) if length else b""
            if not length or len(payload) < length or link_hash(previous, number + 1, payload) != digest.hex():
                return
            number, previous = number + 1, digest.hex()
            offset += _FRAME.size + length
            records = tuple(payload.split(b"\n"))
            if len(records) != count:
                return
            yield Group(Link(chain, number, previous), records, offset)


def in_use(path: Path) -> bool:
    """Whether a process holds the segment, to write to it or to load it."""
    with path.open("rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def torn_at(path: Path, end: int) -> int | None:
    """The offset of bytes behind the last whole group that are not zeros, or None."""
    with path.open("rb") as file:
        file.seek(end)
        while block := file.read(1 << 20):
            if block.strip(b"\0"):
                return end
    return None


def prepare_spare(folder: Path, size: int, *, pause: float = 0.0) -> None:
    """Makes the file that this process's next segment begins with, unless it is there; OSError when it cannot be.

    `pause` seconds after each MiB leave the disk to those who wait for it.
    """
    with _PREPARING:
        path = _spare(folder, size)
        if not path.exists():
            _write_zeros(path, size, pause)


def _write_zeros(path: Path, size: int, pause: float) -> None:
    # Written zeros, not a hole: later writes then change no metadata, and no full disk stops them.
    temporary = path.with_suffix(".part")
    temporary.touch(mode=0o600)
    with temporary.open("wb") as file:
        block = bytes(1 << 20)
        for start in range(0, size, len(block)):
            file.write(block[: min(len(block), size - start)])
            if pause:
                file.flush()
                os.fdatasync(file.fileno())
                time.sleep(pause)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def drop_spare(folder: Path, size: int) -> None:
    """Removes this process's spare file."""
    _spare(folder, size).unlink(missing_ok=True)


def _spare(folder: Path, size: int) -> Path:
    return folder / f"spare.{os.getpid()}.{size}"


def _begin(path: Path, size: int) -> int:
    prepare_spare(path.parent, size)
    _spare(path.parent, size).rename(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_DSYNC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Tells other processes that it is in use.
        os.pwrite(descriptor, MAGIC, 0)
        _sync_folder(path.parent)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
