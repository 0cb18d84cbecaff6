"""Cells of suites: one question each, with the answer it must have and the rules it is laid to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz_service.engine.forcing import reachable
from authz_service.engine.plan import fixed_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.policy import Policy
    from authz_service.facts.decision import Decision, Situation

NO_RULE_PERMITS = "no rule permits"


class SuiteError(ValueError):
    """A suite says something that cannot be; the message names the file and what."""


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of a suite in one scene of it (empty: the suite itself, else what the variation says).

    `because`: for an allowed cell exactly the permits that hold, for a denied one some forbids that hold or
    `NO_RULE_PERMITS`; None where the suite gives no reason.
    """

    suite: str
    scene: str
    name: str
    key: QuestionKey
    expected: bool
    because: frozenset[str] | None
    ask: Callable[[Policy], Decision]

    @property
    def place(self) -> str:
        """Suite, scene and cell, as a failure names them."""
        return ": ".join(part for part in (self.suite, self.scene, self.name) if part)


def judge(case: Case, decision: Decision) -> str | None:
    """What is wrong with an answer, if anything."""
    if decision.allowed is not case.expected:
        if decision.allowed:
            return f"allowed by {_listed(deciding(decision))}, though the suite does not list it"
        reason = decision.error or _listed(holding(decision.situations, "forbid") or {NO_RULE_PERMITS})
        return f"denied ({reason}), though the suite lists it"
    if decision.error and not decision.reason:
        return f"could not be decided: {decision.error}"
    if case.because is None:
        return None
    if decision.allowed:
        if deciding(decision) != case.because:
            return f"allowed by {_listed(deciding(decision))}, and not by {_listed(case.because)} as the suite says"
    elif not explains(decision, case.because):
        held = holding(decision.situations, "forbid") or {NO_RULE_PERMITS}
        return f"denied by {_listed(held)}, and not by {_listed(case.because)} as the suite says"
    return None


def known(situation: Situation) -> Mapping[int, int]:
    """What a situation says: level -> value index, without the missing facts."""
    question = situation.question
    levels, _ = fixed_levels(question.diagrams, question.subject_slots, situation.subject)
    return levels | fixed_levels(question.diagrams, question.resource_slots, situation.resource)[0]


def holding(situations: Iterable[Situation], effect: str) -> frozenset[str]:
    """The rules of one effect that hold in some of these situations, whatever facts are missing."""
    return frozenset(
        rule_id
        for situation in situations
        for rule_id, diagram in situation.question.rule_diagrams.items()
        if situation.question.rules[rule_id].effect == effect
        if not reachable(diagram, known(situation), answer=False)
    )


def deciding(decision: Decision) -> frozenset[str]:
    """The permits that hold in the situation that allowed."""
    return holding(decision.situations[-1:], "permit")


def explains(decision: Decision, because: frozenset[str]) -> bool:
    """Whether a denial is due to these rules (or to no permit)."""
    if because == {NO_RULE_PERMITS}:
        return not holding(decision.situations, "permit")
    return because <= holding(decision.situations, "forbid")


def _listed(rules: Iterable[str]) -> str:
    return " + ".join(sorted(rules)) or "nothing"
