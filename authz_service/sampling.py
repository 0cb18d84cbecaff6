"""One live question in a thousand is put to Polar again, in another process; a different answer raises an alarm.

The answer that was given stands: this watches the engine, it does not decide. When more is asked than Polar can follow
in the time that answers leave, samples are passed over and counted.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import structlog

from authz_service.engine import MISSING, load_policy
from authz_service.engine.evaluate import evaluate_line
from authz_service.priority import yield_to_answers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from authz_service.facts.decision import Situation

SAMPLE_EVERY = 1000
_WAITING_MAX = 100
_log = structlog.get_logger()


class Sampler:
    """Takes the samples on the event loop; a thread asks the reference process, which is begun at the first sample."""

    def __init__(self, policies: Path, store: Path, digest: str, every: int = SAMPLE_EVERY) -> None:
        self._store = store
        self._every = every
        self._count = 0
        self._waiting: queue.Queue[tuple[str, bytes, bool] | None] = queue.Queue(_WAITING_MAX)
        self._asked_of = (policies, digest)
        self._answering: str | None = None  # the digest of the reference process
        self._thread = threading.Thread(target=self._run, name="sampling", daemon=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self.agreed = 0
        self.differed = 0
        self.passed_over = 0  # too many at once, of a policy that serves no longer, or not answered

    def start(self) -> None:
        """Begins to wait for samples."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the reference process; samples that still wait are passed over."""
        self._stopping = True
        process = self._process
        if process is not None:
            process.kill()
        while True:
            try:
                self._waiting.put_nowait(None)
                break
            except queue.Full:
                self._waiting.get()
        self._thread.join()

    def turn_to(self, policies: Path, digest: str) -> None:
        """Another policy serves from now on; the reference process for it is begun at its first sample."""
        self._asked_of = (policies, digest)

    def note(self, situations: Sequence[Situation], digest: str, *, allowed: bool) -> None:
        """The policy of a digest answered without error; the last of its situations gave the answer."""
        self._count += 1
        if self._count < self._every or not situations:
            return
        self._count = 0
        try:
            self._waiting.put_nowait((digest, _write_line(situations[-1]), allowed))
        except queue.Full:
            self.passed_over += 1

    def _run(self) -> None:
        while (sample := self._waiting.get()) is not None and not self._stopping:
            digest, line, allowed = sample
            policies, serving = self._asked_of
            if digest != serving:
                self.passed_over += 1
                continue
            if self._answering != digest:
                self._end()
                self._answering = digest
            try:
                answer = self._ask(line, policies, digest)
            except OSError as error:
                self.passed_over += 1
                if not self._stopping:
                    _log.error("sample_not_answered", error=str(error))
                continue
            if answer == {"decision": allowed}:
                self.agreed += 1
            else:
                self.differed += 1
                _log.critical("engines_differ", question=line.decode(), answered=allowed, polar=answer)
        self._end()

    def _ask(self, line: bytes, policies: Path, digest: str) -> object:
        if self._process is None:
            command = [sys.executable, "-m", "authz_service.sampling", str(policies), str(self._store), digest]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        said = b""
        try:
            _pipe(self._process.stdin).write(line + b"\n")
            _pipe(self._process.stdin).flush()
            said = _pipe(self._process.stdout).readline()
            return orjson.loads(said)
        except (OSError, orjson.JSONDecodeError) as error:
            self._end()
            raise OSError(f"the reference process ended or said {said[:80]!r}") from error

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # What was still to be written to it has nobody to read it.
                    _pipe(pipe).close()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise OSError("the reference process has no pipe")
    return stream


def _write_line(situation: Situation) -> bytes:
    question = situation.question
    subject, resource = (
        {fact.key: value for fact, value in zip(slots, values, strict=True) if value is not MISSING}
        for slots, values in (
            (question.subject_slots, situation.subject),
            (question.resource_slots, situation.resource),
        )
    )
    return orjson.dumps(
        {
            "subject": {"type": question.subject_type, "facts": subject},
            "action": question.action,
            "resource": {"type": question.resource_type, "facts": resource},
        }
    )


def _answer(policies: Path, store: Path, digest: str) -> None:
    """The reference process: a line of JSON in, Polar's answer out, until the input ends."""
    yield_to_answers()
    policy = load_policy(policies, store)
    if policy.digest != digest:
        sys.exit("the policy files are no longer those that served")
    for line in sys.stdin.buffer:
        sys.stdout.write(evaluate_line(policy, line, "polar") + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _answer(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
