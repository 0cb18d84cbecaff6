"""Logs for machines: one JSON object a line on standard output, with ids and nothing else of a person."""

from __future__ import annotations

import atexit
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_FLUSH_SECONDS = 0.1


class _BufferedOutput:
    """Gathers lines for a moment, so that a request does not wait for a system call of its own."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="log-output", daemon=True)
        self._some = threading.Event()
        self._thread.start()

    def write(self, line: bytes) -> None:
        self._lines.append(line)
        if not self._some.is_set():
            self._some.set()

    def flush(self) -> None:
        with self._lock:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            sys.stdout.buffer.write(b"".join(lines))
            sys.stdout.buffer.flush()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._some.wait()
            pause.wait(_FLUSH_SECONDS)
            self._some.clear()
            self.flush()


class _Logger:
    """What structlog hands a rendered line to."""

    def __init__(self, output: _BufferedOutput) -> None:
        self._output = output

    def msg(self, line: bytes) -> None:
        self._output.write(line + b"\n")

    debug = info = warning = error = critical = exception = msg


def configure_logs() -> None:
    """Sets structlog up for this process. Called once, by the programs and not by the tests."""
    output = _BufferedOutput()
    structlog.configure(
        processors=[
            _render,
        ],
        logger_factory=lambda *_: _Logger(output),
        wrapper_class=structlog.make_filtering_bound_logger(20),
        cache_logger_on_first_use=True,
    )
    atexit.register(output.flush)


def _render(logger: Any, name: str, event: MutableMapping[str, Any]) -> bytes:
    if "exc_info" in event:
        structlog.processors.format_exc_info(logger, name, event)
    event["level"] = name
    event["time"] = datetime.now(UTC)
    return orjson.dumps(event, default=repr, option=orjson.OPT_UTC_Z)
