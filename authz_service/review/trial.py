"""A copy of a bundle, tried: checked, compared with a kept bundle, proven, asked and tested; nothing is written.

Run as a module it is the child of `run_trial`: it reads the texts from its standard input, gives itself limits before
it looks at them, and may write no file.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from authz_service.engine.bundle import INVARIANTS, bundle_of, read_bundle
from authz_service.engine.errors import BundleError, Problem
from authz_service.engine.facts import Side
from authz_service.engine.policy import build_policy, load_policy
from authz_service.engine.store import stored_path
from authz_service.workbench.cases import SuiteError
from authz_service.workbench.difference import compare
from authz_service.workbench.explanation import as_mapping, explain_question
from authz_service.workbench.fact_suites import fact_cases
from authz_service.workbench.story import story
from authz_service.workbench.suites import run
from authz_service.workbench.terms import phrase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authz_service.engine.policy import Policy
    from authz_service.engine.prove import Proof
    from authz_service.workbench.difference import Change, Difference

SECONDS_MAX = 20.0
MEMORY_BYTES_MAX = 1024**3
ANSWER_BYTES_MAX = 3 * 1024 * 1024
PROBLEMS_MAX, CHANGES_MAX, TERMS_MAX, FAILURES_MAX = 200, 200, 20, 100
SUITES = "suites/"
_ROOT = Path(__file__).resolve().parents[2]
_NICE = 10  # who is waited for by families goes first


@dataclass(frozen=True, slots=True)
class Limits:
    """What a trial may use; `seconds` of the wall clock and of the processor alike."""

    seconds: float = SECONDS_MAX
    memory: int = MEMORY_BYTES_MAX


def run_trial(
    files: Mapping[str, str],
    against: Path,
    store: Path,
    ask: Mapping[str, Any] | None = None,
    limits: Limits = Limits(),
) -> dict[str, Any]:
    """Try the texts against the bundle in a folder; what the limits stop is one of the `problems`.

    Files below `suites/` are suites over facts. The names must have been checked: nothing is written, and still they
    are shown.
    """
    order = {"files": dict(files), "against": str(against), "store": str(store), "ask": ask}
    command = [sys.executable, "-m", "authz_service.review.trial", str(limits.memory), str(int(limits.seconds) + 1)]
    environment = {"PYTHONPATH": str(_ROOT), "PATH": os.environ.get("PATH", "")}
    began = time.monotonic()
    # A session of its own, so that all of it can be ended at once.
    with subprocess.Popen(  # noqa: S603 (this interpreter and this module)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd="/",
        start_new_session=True,
    ) as child:
        try:
            said, complaint = child.communicate(json.dumps(order).encode(), timeout=limits.seconds)
        except subprocess.TimeoutExpired:
            return _stopped(f"this took longer than {limits.seconds:g} seconds, so it was stopped")
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
    if child.returncode == -signal.SIGXCPU:
        return _stopped(f"this took longer than {limits.seconds:g} seconds, so it was stopped")
    if child.returncode == -signal.SIGSEGV:
        return _stopped("the text is nested too deeply to be read")
    try:
        found: dict[str, Any] = json.loads(said[:ANSWER_BYTES_MAX])
    except ValueError:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2][:200]
        return _stopped(f"it could not be tried: {last or f'its process ended with {child.returncode}'}")
    return found | {"seconds": round(time.monotonic() - began, 1)}


def _stopped(reason: str) -> dict[str, Any]:
    return {"problems": [{"file": "", "line": 0, "message": reason}], "problems_left_out": 0}


def try_texts(files: Mapping[str, str], against: Path, store: Path, ask: Mapping[str, Any] | None) -> dict[str, Any]:
    """The trial itself, as it travels. A broken invariant is told in `invariants`, and keeps nothing else from view."""
    suites = {name: text for name, text in files.items() if name.startswith(SUITES)}
    texts = {name: text for name, text in files.items() if name not in suites}
    try:
        bundle = bundle_of(texts)
        # Without its invariants, so that the difference is seen also where one of them is broken.
        policy = build_policy(bundle_of({name: text for name, text in texts.items() if name != INVARIANTS}))
        proofs = [] if bundle.invariants is None else policy.prove(policy.invariants(bundle.invariants))
        tested = {name: _tested(policy, name, text) for name, text in suites.items()}
    except BundleError as error:
        return _refused(error.problems)
    except SuiteError as error:
        return _refused([Problem(SUITES, 0, str(error))])
    serving = _kept(against, store)
    return {
        "problems": [],
        "problems_left_out": 0,
        "digest": bundle.digest,
        "against": serving.digest,
        "difference": _difference(compare(serving, policy)),
        "invariants": [_proof(policy, proof) for proof in proofs],
        "suites": [{"file": name, **found} for name, found in tested.items()],
        "answer": None if ask is None else _answer(policy, serving, ask),
    }


def _kept(folder: Path, store: Path) -> Policy:
    """The kept bundle, with its stored diagrams where there are some: none can be stored from here."""
    stored = stored_path(store, read_bundle(folder).digest).exists()
    return load_policy(folder, store if stored else None)


def _refused(problems: Sequence[Problem]) -> dict[str, Any]:
    shown = [asdict(problem) for problem in problems[:PROBLEMS_MAX]]
    return {"problems": shown, "problems_left_out": len(problems) - len(shown)}


def _difference(difference: Difference) -> dict[str, Any]:
    """Newly allowed before newly denied; questions that changed alike stand together."""
    groups: dict[object, list[Change]] = {}
    for change in difference.changes:
        told = tuple(tuple(term.items()) for term in change.terms)
        groups.setdefault((change.now_allowed, change.question[0], told, change.before, change.after), []).append(
            change
        )
    listed = [_group(group, difference) for group in list(groups.values())[:CHANGES_MAX]]
    return {
        "same": not difference,
        "declarations": list(difference.declarations)[:PROBLEMS_MAX],
        "newly_allowed": [group for group in listed if group["now_allowed"]],
        "newly_denied": [group for group in listed if not group["now_allowed"]],
        "left_out": len(groups) - len(listed),
    }


def _group(group: Sequence[Change], difference: Difference) -> dict[str, Any]:
    first = group[0]
    return {
        "now_allowed": first.now_allowed,
        "questions": [
            {
                **dict(zip(("subject_type", "action", "resource_type"), change.question, strict=True)),
                "situations": change.situations,
                "space": change.space,
            }
            for change in group
        ],
        "where": [phrase(term, difference.domains) for term in first.terms[:TERMS_MAX]],
        "where_left_out": max(0, len(first.terms) - TERMS_MAX),
        "before": list(first.before),
        "after": list(first.after),
    }


def _proof(policy: Policy, proof: Proof) -> dict[str, Any]:
    invariant = proof.invariant
    broken = proof.counterexample is not None
    return {
        "id": invariant.id,
        "says": invariant.says,
        "file": invariant.file,
        "line": invariant.line,
        "fate": "broken" if broken else "proven" if proof.situations else "empty",
        "questions": proof.questions,
        "situations": proof.situations,
        "story": story(policy, proof) if broken else [],
    }


def _tested(policy: Policy, name: str, text: str) -> dict[str, Any]:
    report = run(policy, fact_cases(policy, text, name))
    failures = [{"case": case.place, "wrong": wrong} for case, wrong in report.failures]
    listed = failures[:FAILURES_MAX]
    return {"cases": len(report.cases), "failures": listed, "failures_left_out": len(failures) - len(listed)}


def _answer(policy: Policy, serving: Policy, ask: Mapping[str, Any]) -> dict[str, Any]:
    """The copy's answer with its reasons, and what the kept bundle answers (`before`, None where it cannot)."""
    sides: dict[str, dict[str, object]] = {side: {} for side in Side}
    for name, value in ask["facts"].items():
        side, _dot, key = name.partition(".")
        sides.setdefault(side, {})[key] = value
    key = (ask["subject_type"], sides[Side.SUBJECT], ask["action"], ask["resource_type"], sides[Side.RESOURCE])
    told = dict(as_mapping(explain_question(policy, *key)))
    told["rules"] = [
        {"id": rule.id, "effect": rule.effect, "file": rule.file, "line": rule.line, "says": rule.says}
        for rule in (policy.rules[name] for name in told["rules"])  # type: ignore[attr-defined]
    ]
    before = explain_question(serving, *key)
    return told | {"before": None if before.error else before.decision}


def _limit(memory: int, seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    os.nice(_NICE)


def _serve() -> dict[str, Any]:
    try:
        order = json.loads(sys.stdin.buffer.read())
        return try_texts(order["files"], Path(order["against"]), Path(order["store"]), order["ask"])
    except MemoryError:
        return _stopped("this needs more memory than a trial may have, so it was stopped")
    except RecursionError:
        return _stopped("the text is nested too deeply to be read")


if __name__ == "__main__":
    _limit(int(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write(json.dumps(_serve()))
