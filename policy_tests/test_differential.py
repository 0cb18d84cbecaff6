"""Diagram, Polar and oracle answer alike: random situations of our bundle, put to all three.

Polar is asked about every complete situation and, as each takes it many runs, about every third with missing facts.

KINGUARD_CASES sets how many (default a few thousand; at 100,000 every rule must have decided at least 100 of them),
KINGUARD_SEED another beginning.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from authz_service.engine import Policy, load_policy
from policy_tests import oracle
from policy_tests.situations import Case, Situations, deciding_rule, slots, usual_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from authz_service.engine import Question

POLICIES = Path(__file__).parents[1] / "policies"
CASES = int(os.environ.get("KINGUARD_CASES", "4000"))
SEED = int(os.environ.get("KINGUARD_SEED", "20260615"))
FULL_SIZE = 100_000
WORKERS = 2


@dataclass(slots=True)
class Tally:
    """What a run has seen."""

    cases: int = 0
    allowed: int = 0
    incomplete: int = 0
    decided_by: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.cases += other.cases
        self.allowed += other.allowed
        self.incomplete += other.incomplete
        self.decided_by += other.decided_by
        self.disagreements += other.disagreements


@cache
def bundle() -> Policy:
    return load_policy(POLICIES)


def completions(policy: Policy, case: Case) -> Iterator[Case]:
    """Every way to give the missing facts a value, without what cannot occur."""
    question = policy.question(case.subject_type, case.action, case.resource_type)
    assert question is not None
    sides = [(question.subject_slots, case.subject), (question.resource_slots, case.resource)]
    gaps = [[fact for fact in declared if fact.key not in facts] for declared, facts in sides]
    for values in product(*(fact.values for side in gaps for fact in side)):
        given = iter(values)
        subject, resource = (
            {**facts, **{fact.key: next(given) for fact in gap}} for (_, facts), gap in zip(sides, gaps, strict=True)
        )
        whole = replace(case, subject=subject, resource=resource)
        if not question.impossible(*slots(question, whole)):
            yield whole


def oracle_answer(policy: Policy, case: Case) -> bool | None:
    """The oracle's answer; None when it hangs on a fact that is missing."""
    answers = {
        oracle.allowed(whole.subject_type, whole.subject, whole.action, whole.resource_type, whole.resource)
        for whole in completions(policy, case)
    }
    return answers.pop() if len(answers) == 1 else None


def engine_answer(policy: Policy, case: Case, engine: Literal["diagram", "polar"]) -> bool | None:
    """An engine's answer; None when it names missing facts. Any other error is a failure."""
    answer = policy.answer(
        case.subject_type, case.subject, case.action, case.resource_type, case.resource, engine=engine
    )
    if answer.error is None:
        return answer.decision
    assert answer.missing, answer.error
    assert answer.decision is False
    return None


def answers(case: Case, diagram: Policy, polar: Policy | None) -> list[bool | None]:
    """What oracle, diagram and Polar say."""
    said = [oracle_answer(diagram, case), engine_answer(diagram, case, "diagram")]
    return said if polar is None else [*said, engine_answer(polar, case, "polar")]


def is_complete(question: Question, case: Case) -> bool:
    """Whether no fact is missing."""
    return len(case.subject) == len(question.subject_slots) and len(case.resource) == len(question.resource_slots)


def shrink(case: Case, diagram: Policy, polar: Policy) -> Case:
    """The same disagreement with as many facts as possible at their usual value."""
    for key in case.subject:
        usual = usual_value(key)
        if usual is None or usual == case.subject[key]:
            continue
        simpler = replace(case, subject={**case.subject, key: usual})
        if len(set(answers(simpler, diagram, polar))) > 1:
            case = simpler
    return case


def compare(cases: Iterable[Case], diagram: Policy, polar: Policy, most: int = 5) -> Tally:
    """Put each case to all three; stop after `most` disagreements."""
    tally = Tally()
    for case in cases:
        question = diagram.question(case.subject_type, case.action, case.resource_type)
        assert question is not None
        complete = is_complete(question, case)
        said = answers(case, diagram, polar if complete or tally.incomplete % 3 == 0 else None)
        tally.cases += 1
        tally.allowed += said[0] is True
        if complete:
            said.append(question.decide(*slots(question, case)))
            tally.decided_by[deciding_rule(question, case) or "several"] += 1
        else:
            tally.incomplete += 1
        if len(set(said)) > 1:
            small = shrink(case, diagram, polar)
            tally.disagreements.append(f"{small}: oracle, diagram, Polar say {answers(small, diagram, polar)}")
            if len(tally.disagreements) >= most:
                break
    return tally


def run_share(seed: int, count: int) -> Tally:
    """One worker's share of the cases."""
    drawn = islice(Situations(bundle(), random.Random(seed)), count)
    return compare(drawn, bundle(), bundle())


def run(seed: int, count: int) -> Tally:
    """The whole run; large ones on two processes."""
    if count < 10_000:
        return run_share(seed, count)
    share = 5_000
    counts = [min(share, count - done) for done in range(0, count, share)]
    seeds = [seed * 1_000 + i for i in range(len(counts))]
    tally = Tally()
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
        for part in pool.map(run_share, seeds, counts):
            tally.add(part)
    return tally


@pytest.mark.timeout(1200)
def test_diagram_polar_and_oracle_agree_on_random_situations(record_property: Callable[[str, object], None]) -> None:
    """In every drawn situation, complete or not, all three give one answer, and the draw is no easy one."""
    tally = run(SEED, CASES)
    record_property("cases", tally.cases)
    record_property("allowed", tally.allowed)
    assert tally.disagreements == [], f"KINGUARD_SEED={SEED}"
    assert tally.cases == CASES
    assert tally.allowed >= 0.3 * CASES
    assert tally.allowed <= 0.7 * CASES
    assert tally.incomplete >= 0.1 * CASES
    if CASES >= FULL_SIZE:
        rarely = {rule: tally.decided_by[rule] for rule in rules_that_can_decide() if tally.decided_by[rule] < 100}
        assert rarely == {}


def rules_that_can_decide() -> set[str]:
    """The rules that are not redundant."""
    return set(Situations(bundle(), random.Random(SEED)).deciding)


BROKEN_TABLES = [
    ("PLAN_READERS", "client_only", {"self", "guardian"}),
    ("INVOICES_TO", "co_parent", {"me", "nobody", "other"}),
    ("SIGNERS", "any_guardian", {"guardian", "adult_proxy"}),
    ("FEATURE_OF", "invoice.pay", "invoices"),
    ("POSTS_FOR", "policy.deploy", {"owner_or_administrator"}),
]


@pytest.mark.parametrize(("table", "key", "value"), BROKEN_TABLES)
def test_a_wrong_oracle_is_noticed(table: str, key: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: one wrong entry of the oracle's tables makes a disagreement."""
    monkeypatch.setitem(getattr(oracle, table), key, value)
    drawn = islice(Situations(bundle(), random.Random(SEED)), 20_000)
    disagreeing = (
        case for case in drawn if oracle_answer(bundle(), case) is not engine_answer(bundle(), case, "diagram")
    )
    assert next(disagreeing, None) is not None


@pytest.fixture(scope="session")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """Our policy with a rule that forgets windows to come, and without the invariants that would not let it load."""
    folder = tmp_path_factory.mktemp("careless") / "policies"
    shutil.copytree(POLICIES, folder, ignore=shutil.ignore_patterns("invariants.yaml"))
    path = folder / "limits/grant.polar"
    text = path.read_text(encoding="utf-8")
    broken = text.replace('rep.window != "current"', 'rep.window = "past"')
    assert broken != text
    path.write_text(broken, encoding="utf-8")
    return load_policy(folder)


def test_a_wrong_policy_is_noticed(careless: Policy) -> None:
    """Control: one weakened rule makes oracle and policy disagree."""
    drawn = islice(Situations(bundle(), random.Random(SEED)), 20_000)
    assert compare(drawn, careless, careless, most=1).disagreements != []


def test_a_wrong_diagram_is_noticed(careless: Policy) -> None:
    """Control: diagrams that differ from Polar in one rule make the two engines disagree."""
    drawn = islice(Situations(bundle(), random.Random(SEED)), 20_000)
    assert compare(drawn, careless, bundle(), most=1).disagreements != []
