"""Rules that decide nothing, exactly: over every situation there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.workbench.linting.findings import Doubt, Finding, Level
from authz_service.workbench.questions import questions
from authz_service.workbench.rules import rule_uses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.engine.lint import Rule
    from authz_service.engine.policy import Policy
    from authz_service.workbench.rules import RuleUse


def idle_rules(policy: Policy) -> Iterator[Finding]:
    """Rules without which every answer stays, each once, under the name that says most about it."""
    twins = twin_rules(policy)
    for rule, first in twins.items():
        twin = policy.rules[first]
        yield _at(
            policy.rules[rule],
            Doubt.SAME_CONDITION,
            f"the {twin.effect} {rule} holds exactly where {first} does ({twin.file}:{twin.line}): "
            "keep one of them, or say in the condition what tells them apart",
        )
    for use in rule_uses(policy):
        rule = use.rule.id
        if not use.decides and twins.get(rule, rule) not in {twins.get(other, other) for other in use.because}:
            yield _idle(policy, use)


def twin_rules(policy: Policy) -> dict[str, str]:
    """Each rule that holds exactly where an earlier one of its effect does, with that one."""
    places: dict[str, list[tuple[object, ...]]] = {rule_id: [] for rule_id in policy.rules}
    for number, question in enumerate(questions(policy)):
        diagrams = question.diagrams.scratch()
        # Equal diagrams of different scratches need not be the same object: number them within this one.
        numbers: dict[object, int] = {}
        for rule_id, diagram in question.rule_diagrams.items():
            there = diagrams.without(diagram, question.impossible_diagram)
            if there is not False:
                places[rule_id].append((number, numbers.setdefault(there, len(numbers))))
    firsts: dict[tuple[object, ...], str] = {}
    found = {}
    for rule_id, rule in policy.rules.items():
        first = firsts.setdefault((rule.effect, *places[rule_id]), rule_id)
        if first != rule_id:
            found[rule_id] = first
    return found


def _idle(policy: Policy, use: RuleUse) -> Finding:
    rule, others = use.rule, ", ".join(use.because)
    if not use.because:
        return _at(
            rule,
            Doubt.SECOND_WALL,
            f"the forbid {rule.id} is a second wall: nothing is permitted where it holds, "
            "and it changes no answer until a permit grows",
            Level.NOTE,
        )
    if rule.effect == "permit" and _is_shadowed(policy, rule.id):
        return _at(
            rule,
            Doubt.SHADOWED_PERMIT,
            f"the permit {rule.id} never allows anything: wherever it holds, {others} forbids; "
            "take it out, or narrow what forbids it",
        )
    return _at(
        rule,
        Doubt.REDUNDANT_RULE,
        f"the {rule.effect} {rule.id} never changes an answer, because of {others}: "
        "take it out, or change its condition",
    )


def _is_shadowed(policy: Policy, rule_id: str) -> bool:
    for question in questions(policy):
        if rule_id in question.rule_diagrams:
            diagrams = question.diagrams.scratch()
            there = diagrams.without(question.rule_diagrams[rule_id], question.impossible_diagram)
            if diagrams.without(there, question.forbid_diagram) is not False:
                return False
    return True


def _at(rule: Rule, doubt: Doubt, message: str, level: Level = Level.WARNING) -> Finding:
    return Finding(rule.file, rule.line, doubt, level, message)
