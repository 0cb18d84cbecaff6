"""A bundle loaded and proven in a process of its own, bounded in time and memory, so that none that serves waits."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from authz_service.engine import BundleError, Problem, load_policy
from authz_service.engine.prove import failures
from authz_service.facts.decision import Decider
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from authz_service.engine import Policy

SECONDS_MAX = 60.0
MEMORY_BYTES_MAX = 1024**3
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Proven:
    """What there is in a bundle that was loaded and proven."""

    digest: str
    rules: int
    questions: int
    invariants: int


def prove_bundle(texts: Path, store: Path, seconds: float = SECONDS_MAX, memory: int = MEMORY_BYTES_MAX) -> Proven:
    """Load the bundle in a folder, prove it, and leave its diagrams in the store.

    Raises BundleError with every reason.
    """
    command = [sys.executable, "-m", "authz_service.deploying.proving", str(texts), str(store), str(memory)]
    environment = {"PYTHONPATH": str(_ROOT), "PATH": os.environ.get("PATH", "")}
    try:
        done = subprocess.run(  # noqa: S603 (this interpreter and this module)
            command, env=environment, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise BundleError([Problem("bundle", 0, f"could not be proven within {seconds:g} seconds")]) from None
    try:
        said = orjson.loads(done.stdout)
    except orjson.JSONDecodeError:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]
        reason = last or f"the process that proved it ended with {done.returncode}"
        raise BundleError([Problem("bundle", 0, f"could not be proven: {reason}")]) from None
    if "problems" in said:
        raise BundleError(Problem(**each) for each in said["problems"])
    return Proven(**said)


def look_at(policy: Policy) -> Proven:
    """What there is in a policy. Raises BundleError when this service could not serve by it, or never replace it."""
    Decider(policy)
    question = policy.question(SubjectType.STAFF, "deploy", "policy")
    if question is None or question.diagram is False:
        raise BundleError([Problem("bundle", 0, "lets nobody deploy a policy, so it could never be replaced")])
    questions = len(policy.subject_types) * sum(len(actions) for actions in policy.resource_types.values())
    return Proven(policy.digest, len(policy.rules), questions, len(policy.invariants()))


def _prove(texts: Path, store: Path) -> dict[str, object]:
    try:
        policy = load_policy(texts, store)
        problems = failures(policy.prove())  # Stored diagrams are proven once more.
        proven = look_at(policy)
    except BundleError as error:
        problems = error.problems
    if problems:
        return {"problems": [asdict(problem) for problem in problems]}
    return asdict(proven)


if __name__ == "__main__":
    _memory = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (_memory, _memory))
    sys.stdout.buffer.write(orjson.dumps(_prove(Path(sys.argv[1]), Path(sys.argv[2]))))
