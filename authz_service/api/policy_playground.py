"""A copy of a version that is tried on, in a process of its own; what serves is never touched."""

from __future__ import annotations

import fcntl
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from authz_service.api.conduct import acting_of
from authz_service.api.policy_files import exact
from authz_service.api.problems import ProblemError
from authz_service.api.trail import deciding_actor
from authz_service.api.versions import find_version
from authz_service.deploying.texts import BYTES_MAX, check_texts
from authz_service.engine import Problem
from authz_service.review.trial import SUITES, run_trial
from models.wire import policy_playground as wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from authz_service.api.routing import Call, Reply

ANSWER_SECONDS_MAX = 25.0  # longer than a trial may take
RUNS_MAX = 2  # at once, in all processes of this machine
_SUITE_NAME = re.compile(r"suites/[A-Za-z0-9_][A-Za-z0-9_-]{0,99}\.yaml")


def try_copy(call: Call) -> Reply:
    """Check a copy, compare it, prove it, ask it and run its suites."""
    acting_of(call)
    deciding_actor(call, "run", "policy")
    body = call.body(wire.Copy)
    _policy, against = find_version(call, body.against)
    if problems := _misnamed(body.files):
        found = [{"file": each.file, "line": each.line, "message": each.message} for each in problems]
        return exact({"problems": found, "problems_left_out": 0})
    ask = None if body.ask is None else body.ask.model_dump()
    settings = call.service.settings
    with _slot(settings.data_dir):
        return exact(run_trial(body.files, against, settings.bundles_dir, ask))


def _misnamed(files: dict[str, str]) -> list[Problem]:
    """What is wrong with names and sizes, before anything is read."""
    suites = {name for name in files if name.startswith(SUITES)}
    problems = check_texts({name: text for name, text in files.items() if name not in suites})
    shape = f"a suite is named {SUITES}something.yaml"
    problems += [Problem(name[:120], 0, shape) for name in sorted(suites) if not _SUITE_NAME.fullmatch(name)]
    if sum(len(files[name].encode(errors="replace")) for name in suites) > BYTES_MAX:
        problems.append(Problem(SUITES, 0, f"the suites are larger than {BYTES_MAX // 1024} KiB"))
    return problems


@contextmanager
def _slot(folder: Path) -> Iterator[None]:
    """One of the places for runs, which is free again when its process has ended, however that was."""
    for number in range(RUNS_MAX):
        with (folder / f"playground-{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield
            return
    says = f"{RUNS_MAX} copies are being tried just now, which is the most at once; try again in half a minute"
    raise ProblemError(429, says, headers={"retry-after": "30"})
