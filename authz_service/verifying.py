"""The trail's verification in a process of its own, which takes only the time that decisions leave.

The service writes one line of JSON to it, an `Order` as a mapping, and need not wait: how far it is stands in a file
beside the segments, and what it found is an event of the trail. One runs at a time: it holds a lock that it was given.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from authz_service.priority import yield_to_answers
from authz_service.storage import Database
from authz_service.tokens.keys import read_key
from authz_service.tokens.signatures import KeyRefusedError, KeySet, public_jwk, read_jwk
from authz_service.trail.chain import EVERYTHING
from authz_service.trail.changes import record_event_once
from authz_service.trail.results import result_of
from authz_service.trail.verification import verify_trail
from models.tables.trail import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMAND = (sys.executable, "-m", "authz_service.verifying")
_LOCK, _PROGRESS = "verification.lock", "verification.json"
_TOLD = ("whole", "records", "chains", "checkpoints", "problems")  # of the result, on the page of the record
_SAID_SECONDS = 0.5  # between two words on how far it is
_LOCK_SECONDS = 1.0
_PAUSE_SECONDS = 0.05
_SECONDS_MAX = 3600  # of the whole


@dataclass(frozen=True, slots=True)
class Order:
    """What to verify, and the event that is entered when it is done: its `details` and `result` are filled in."""

    url: str
    folder: str
    checkpoints: str
    key: str  # the file of the key that signs checkpoints
    id: str
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest verification that was begun, of whatever practice, while it is not in the trail yet."""

    id: str
    at: int  # microseconds since the epoch
    by: str | None
    practice_id: str | None
    groups: int
    of: int
    problem: str | None  # why it could not be done
    is_running: bool


def newest_attempt(folder: Path) -> Attempt | None:
    """What is known of the newest verification; None when there never was one, and when it was entered."""
    try:
        said = orjson.loads((folder / _PROGRESS).read_bytes())
    except FileNotFoundError:
        return None
    with _lock(folder, fcntl.LOCK_SH) as lock:
        return None if said.pop("entered") else Attempt(**said, is_running=lock is None)


def begin(order: Order, seconds: float) -> None:
    """Start the process, unless one runs, and wait for it for at most these seconds. Raises OSError."""
    with _lock(Path(order.folder), fcntl.LOCK_EX, _LOCK_SECONDS) as lock:
        if lock is None:
            return
        _say(order, 0)
        # The lock is the process's from here on, and ends with it.
        command = (*_COMMAND, str(lock))
        process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(lock,))  # noqa: S603 - our own module
    try:
        process.communicate(orjson.dumps(asdict(order)) + b"\n", seconds)
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.wait, name="trail-verifying", daemon=True).start()


@contextmanager
def _lock(folder: Path, kind: int, seconds: float = 0) -> Iterator[int | None]:
    """The file of the lock, held until the block ends; None when it cannot be had."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + seconds
    try:
        while not _try_lock(descriptor, kind):
            if time.monotonic() >= until:
                yield None
                return
            time.sleep(_PAUSE_SECONDS)  # Whoever only looks whether it is held has it for a moment.
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _say(order: Order, groups: int, of: int = 0, *, problem: str | None = None, entered: bool = False) -> None:
    event = order.event
    said = {
        "id": order.id,
        "at": event["at"],
        "by": event["actor"],
        "practice_id": event["practice_id"],
        "groups": groups,
        "of": max(of, groups),
        "problem": problem,
        "entered": entered,
    }
    path = Path(order.folder) / _PROGRESS
    beside = path.with_suffix(".part")
    beside.write_bytes(orjson.dumps(said))
    beside.rename(path)


class _Verifying:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._began = self._said_at = time.monotonic()
        self._of = 0

    def run(self) -> None:
        order = self._order
        database = Database(order.url)
        try:
            with database.reading(EVERYTHING) as connection:
                self._of = connection.scalar(select(func.count()).select_from(GROUPS)) or 0
            keys = KeySet([read_jwk(public_jwk(read_key(Path(order.key)).public_key()))])
            report = verify_trail(database, Path(order.folder), Path(order.checkpoints), keys, self._hear)
            event = order.event
            seconds = round(time.monotonic() - self._began, 1)
            result = result_of(report, event["practice_id"], seconds)
            event["details"] = {name: result[name] for name in _TOLD}
            with database.writing(EVERYTHING) as session:
                record_event_once(session, order.id, event | {"result": result})
            _say(order, report.groups, entered=True)
        except (OSError, SQLAlchemyError, KeyRefusedError) as error:
            _say(order, 0, problem=str(error).partition("\n")[0])
            sys.stderr.write(f"the trail cannot be verified: {str(error).strip()}\n")
            sys.exit(1)
        finally:
            database.dispose()

    def _hear(self, groups: int) -> None:
        if time.monotonic() - self._said_at > _SAID_SECONDS:
            _say(self._order, groups, self._of)
            self._said_at = time.monotonic()


def _verify() -> None:
    """The process."""
    yield_to_answers()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.alarm(_SECONDS_MAX)
    _Verifying(Order(**orjson.loads(sys.stdin.buffer.readline()))).run()
    os.close(int(sys.argv[1]))  # The next one need not wait until this process has ended.


if __name__ == "__main__":
    _verify()
