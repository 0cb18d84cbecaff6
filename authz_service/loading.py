"""The trail's loader in a process of its own, which takes only the time that decisions leave: `Loading` starts it.

The service writes lines of JSON to it: `{"segments": [chains]}` whenever it has begun one, `{"catch_up": number}` when
somebody waits for the table. It answers `{"caught_up": number, "all": true}` and says `{"problem": text}` (null when it
is over). When the service is gone its input ends; it then loads what is left, and ends too.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

import orjson
import structlog

from authz_service.clock import system_clock
from authz_service.logs import configure_logs
from authz_service.priority import yield_to_answers
from authz_service.settings import read_settings
from authz_service.storage import Database
from authz_service.tokens.keys import ensure_key
from authz_service.trail.loader import TrailLoader

if TYPE_CHECKING:
    from authz_service.trail.writer import TrailWriter

_COMMAND = (sys.executable, "-m", "authz_service.loading")
_PAUSE_SECONDS = 1.0  # before another is started in place of one that ended
_STOP_SECONDS = 10.0
_log = structlog.get_logger()


class Loading:
    """What the service holds of the process: the same as a `TrailLoader` of its own."""

    def __init__(self, writer: TrailWriter) -> None:
        self.problem: str | None = None
        self._writer = writer
        self._process: subprocess.Popen[bytes] | None = None
        # Held to write to the process, to start it and to forget it: nothing is written to a pipe that was closed.
        self._piping = threading.Lock()
        self._stopping = threading.Event()
        self._answered = threading.Condition()
        self._asked = 0
        self._answers: dict[int, bool] = {}
        # The trail's writer must never wait for this process, so a thread of its own fills the pipe.
        self._outgoing: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=work, name="trail-loading", daemon=True) for work in (self._run, self._send)
        ]

    def start(self) -> None:
        """Start the process; what earlier ones left behind comes first."""
        self._writer.on_segment = self._tell
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let it load the rest, sign it and end."""
        self._stopping.set()
        self._outgoing.put(None)
        if (process := self._process) is not None:
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)

    def catch_up(self, timeout: float = 2.0) -> bool:
        """Wait until everything that is durable now is in the table; False when that takes too long."""
        with self._answered:
            self._asked += 1
            number = self._asked
            self._outgoing.put({"catch_up": number, "timeout": timeout})
            self._answered.wait_for(lambda: number in self._answers, timeout + 0.5)
            return self._answers.pop(number, False)

    def _tell(self) -> None:
        self._outgoing.put({"segments": self._writer.chains})

    def _send(self) -> None:
        while (line := self._outgoing.get()) is not None:
            with self._piping, suppress(OSError):  # It may be ending; the next one is told of every segment.
                if self._process is not None:
                    _pipe(self._process.stdin).write(orjson.dumps(line) + b"\n")
                    _pipe(self._process.stdin).flush()
        with self._piping, suppress(OSError):
            if self._process is not None:
                _pipe(self._process.stdin).close()

    def _run(self) -> None:
        while (process := self._begin()) is not None:
            self._tell()
            for line in _pipe(process.stdout):
                self._hear(orjson.loads(line))
            process.wait()
            self._forget(process)
            if not self._stopping.is_set():
                self.problem = "the process that loads the trail ended"
                _log.error("trail_loading_ended", status=process.returncode)
                self._stopping.wait(_PAUSE_SECONDS)

    def _begin(self) -> subprocess.Popen[bytes] | None:
        """The process, started; None when the service is stopping."""
        with self._piping:
            if not self._stopping.is_set():
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
                return self._process
        return None

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        with self._piping:
            self._process = None
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # What was still to be written to it has nobody to read it.
                    _pipe(pipe).close()

    def _hear(self, said: dict[str, Any]) -> None:
        if "problem" in said:
            self.problem = said["problem"]
        else:
            with self._answered:
                self._answers[said["caught_up"]] = said["all"]
                self._answered.notify_all()


class _Segments:
    """The writer as the loader's process knows it: the segments that the service began, of which the last is open."""

    chains: tuple[str, ...] = ()
    records = 0  # The scheduler sees to it that answers come first, so there is nothing to count here.

    @property
    def open_segment(self) -> str | None:
        return self.chains[-1] if self.chains else None


class _Saying(TrailLoader):
    """A loader that says what troubles it."""

    def __init__(self, *args: Any, out: IO[bytes], **kwargs: Any) -> None:
        self._out, self._saying = out, threading.Lock()
        self._said: str | None = None
        super().__init__(*args, **kwargs)

    @property
    def problem(self) -> str | None:
        return self._said

    @problem.setter
    def problem(self, problem: str | None) -> None:
        if problem != self._said:
            self._said = problem
            self.say({"problem": problem})

    def say(self, line: dict[str, Any]) -> None:
        with self._saying, suppress(BrokenPipeError):  # The service may be gone; what it left is loaded all the same.
            self._out.write(orjson.dumps(line) + b"\n")
            self._out.flush()


def _load() -> None:
    """The process."""
    yield_to_answers()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # Its input ends with the service, and then so does it.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # So that no log line comes among the answers.
    configure_logs()
    settings, segments = read_settings(), _Segments()
    database = Database(settings.access_database_url)
    key = ensure_key(settings.keys_dir / "trail.pem")
    loader = _Saying(
        database, settings.trail_dir, segments, checkpoints=settings.checkpoints, key=key, clock=system_clock, out=out
    )
    loader.say({"problem": None})
    started = False
    for line in sys.stdin.buffer:
        said = orjson.loads(line)
        if "segments" in said:
            segments.chains = tuple(said["segments"])
            if not started:
                loader.start()
                started = True
        else:
            loader.say({"caught_up": said["catch_up"], "all": loader.catch_up(said["timeout"])})
    segments.chains = ()  # From here on they are left behind, for whoever gets their locks.
    if not started:
        loader.start()
    loader.stop()
    database.dispose()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise OSError("the process has no pipe")
    return stream


if __name__ == "__main__":
    _load()
