"""Suites run over a version in a process of its own, behind everything else, so that none that serves waits."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from authz_service.engine import BundleError, load_policy
from authz_service.workbench.cases import SuiteError
from authz_service.workbench.exercise import Exercise, exercises
from authz_service.workbench.suites import read_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS_MAX = 300.0
_NICE = 10
_ROOT = Path(__file__).resolve().parents[2]


class UnexercisedError(Exception):
    """The suites cannot be run over this version; the message is one sentence that says why."""


def exercise(texts: Path, store: Path, suites: Path, seconds: float = SECONDS_MAX) -> dict[str, list[Exercise]]:
    """The suites that exercise each rule of the bundle in a folder, whose diagrams are in the store.

    Raises UnexercisedError.
    """
    command = [sys.executable, "-m", "authz_service.review.exercising", str(texts), str(store), str(suites)]
    environment = {"PYTHONPATH": str(_ROOT), "PATH": os.environ.get("PATH", "")}
    try:
        done = subprocess.run(  # noqa: S603 (this interpreter and this module)
            command, env=environment, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise UnexercisedError(f"they did not end within {seconds:g} seconds") from None
    try:
        said = orjson.loads(done.stdout)
    except orjson.JSONDecodeError:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]
        raise UnexercisedError(last or f"the process that ran them ended with {done.returncode}") from None
    if "problem" in said:
        raise UnexercisedError(said["problem"])
    return {rule_id: [Exercise(**each) for each in found] for rule_id, found in said["rules"].items()}


def _exercise(texts: Path, store: Path, suites: Path) -> Mapping[str, object]:
    try:
        policy = load_policy(texts, store)
        found = exercises(policy, read_cases(policy, suites))
    except (SuiteError, BundleError) as error:
        return {"problem": str(error).partition("\n")[0]}
    except OSError as error:
        return {"problem": f"a suite cannot be read: {error.strerror}"}
    return {"rules": {rule_id: [asdict(each) for each in by_suite] for rule_id, by_suite in found.items()}}


if __name__ == "__main__":
    os.nice(_NICE)
    sys.stdout.buffer.write(orjson.dumps(_exercise(*map(Path, sys.argv[1:4]))))
