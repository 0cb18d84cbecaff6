"""Which suites exercise a rule: the cells that it decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz_service.workbench.cases import holding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz_service.engine.policy import Policy
    from authz_service.facts.decision import Decision, Situation
    from authz_service.workbench.cases import Case


@dataclass(slots=True)
class Exercise:
    """A rule in a suite: the cells that it decided, those that it decided alone, and one of them as an example."""

    suite: str
    cells: int = 0
    alone: int = 0
    example: str = ""


def exercises(policy: Policy, cases: Iterable[Case]) -> dict[str, list[Exercise]]:
    """Ask every cell; the suites that exercise each rule, in their order."""
    found: dict[str, dict[str, Exercise]] = {}
    known: dict[Situation, tuple[frozenset[str], frozenset[str]]] = {}
    for case in cases:
        decided = _decided(case.ask(policy), known)
        for rule_id in decided:
            exercise = found.setdefault(rule_id, {}).setdefault(case.suite, Exercise(case.suite))
            exercise.cells += 1
            if len(decided) == 1:
                if not exercise.alone:
                    exercise.example = ": ".join(part for part in (case.scene, case.name) if part)
                exercise.alone += 1
    return {rule_id: list(by_suite.values()) for rule_id, by_suite in found.items()}


def _decided(
    decision: Decision, known: dict[Situation, tuple[frozenset[str], frozenset[str]]]
) -> frozenset[str] | set[str]:
    """The permits that allowed; or the forbids that denied what something permitted."""
    for situation in decision.situations:
        if situation not in known:
            known[situation] = (holding([situation], "permit"), holding([situation], "forbid"))
    if decision.allowed:
        return known[decision.situations[-1]][0]
    return {rule_id for one in decision.situations for rule_id in known[one][1] if known[one][0]}
