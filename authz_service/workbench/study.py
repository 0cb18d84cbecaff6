"""Everything there is to know of one rule: where it decides, what it reads, and which invariants rest on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz_service.engine.prove import meant_by
from authz_service.workbench.questions import questions
from authz_service.workbench.rules import decisive, rule_uses

if TYPE_CHECKING:
    from authz_service.engine.facts import Fact
    from authz_service.engine.policy import Policy
    from authz_service.engine.prove import Invariant
    from authz_service.workbench.rules import RuleUse


@dataclass(frozen=True, slots=True)
class Study:
    """A rule: its use, the facts on which it depends, and the invariants.

    `resting` would not hold without the rule; `meeting` speak of situations in which it holds.
    """

    use: RuleUse
    facts: tuple[Fact, ...]
    resting: tuple[Invariant, ...]
    meeting: tuple[Invariant, ...]


def study(policy: Policy, rule_id: str) -> Study:
    """Study one rule of a policy."""
    (use,) = rule_uses(policy, (rule_id,))
    invariants = policy.invariants()
    read: set[str] = set()
    resting: set[str] = set()
    meeting: set[str] = set()
    for question in questions(policy):
        diagram = question.rule_diagrams.get(rule_id, False)
        if diagram is False:
            continue
        diagrams = question.diagrams.scratch()
        read |= {diagrams.names[level] for level in diagrams.support(diagram)}
        there = diagrams.without(diagram, question.impossible_diagram)
        alone = decisive(diagrams, question, rule_id)
        key = (question.subject_type, question.action, question.resource_type)
        names = {fact.name for fact in (*question.subject_slots, *question.resource_slots)}
        for invariant in invariants:
            meant = meant_by(invariant, diagrams, key, names, question.impossible_diagram)
            if meant is None or diagrams.both(meant, there) is False:
                continue
            meeting.add(invariant.id)
            # Without a forbid something more is allowed, without a permit something less.
            if invariant.never is (use.rule.effect == "forbid") and diagrams.both(meant, alone) is not False:
                resting.add(invariant.id)
    return Study(
        use,
        tuple(fact for name, fact in policy.facts.items() if name in read),
        tuple(invariant for invariant in invariants if invariant.id in resting),
        tuple(invariant for invariant in invariants if invariant.id in meeting - resting),
    )


def readers(policy: Policy) -> dict[str, list[str]]:
    """The rules that depend on each fact, by the fact's name without its parameter."""
    found: dict[str, dict[str, None]] = {}
    for rule_id in policy.rules:
        for question in questions(policy):
            diagram = question.rule_diagrams.get(rule_id, False)
            for level in question.diagrams.support(diagram):
                found.setdefault(policy.facts[question.diagrams.names[level]].base, {})[rule_id] = None
    return {base: list(rules) for base, rules in found.items()}
