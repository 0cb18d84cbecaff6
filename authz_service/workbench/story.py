"""The smallest counterexample of an invariant, told so that its reader sees who does what, and by which rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.engine.facts import Side, show
from authz_service.engine.forcing import reachable
from authz_service.workbench.terms import implies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authz_service.engine.policy import Policy, Question
    from authz_service.engine.prove import Proof


def story(policy: Policy, proof: Proof) -> list[str]:
    """The lines of the story of a broken invariant."""
    if proof.question is None or proof.path is None:
        raise ValueError("the invariant holds, so there is no story to tell")
    question = policy.question(*proof.question)
    if question is None:
        raise ValueError("the proof is of another policy")
    subject, action, resource = proof.question
    allowed = proof.invariant.never
    outcome = "is allowed, and never may be" if allowed else "is denied, and always must be allowed"
    lines = [f"{_article(subject)} asks for {action} on {_article(resource)}, and {outcome}:"]
    path = _needed(question, proof)
    facts = [policy.facts[question.diagrams.names[level]] for level in sorted(path)]
    for side in Side:
        for fact in facts:
            if fact.side is side:
                level = question.diagrams.levels[fact.name]
                lines.append(f"  - {fact.says}: {show(fact.values[path[level]])} ({fact.name})")
    lines.append("  all other facts may be anything" if facts else "  whatever the facts are")
    lines += [f"  {text}" for text in _rules(policy, question, path, allowed=allowed)]
    return lines


def _needed(question: Question, proof: Proof) -> dict[int, int]:
    """The facts of the counterexample without those that only lie on the way to it; what `when` names stays."""
    diagrams = question.diagrams.scratch()
    broken = question.diagram if proof.invariant.never else diagrams.negate(question.diagram)
    upper = diagrams.either(broken, question.impossible_diagram)
    path = dict(proof.path or {})
    for level in sorted(path, reverse=True):
        fewer = {other: (index,) for other, index in path.items() if other != level}
        if diagrams.names[level] not in proof.invariant.when and implies(fewer, upper):
            del path[level]
    return path


def _rules(policy: Policy, question: Question, path: Mapping[int, int], *, allowed: bool) -> Iterator[str]:
    effect = "permit" if allowed else "forbid"
    found = [
        (rule_id, diagram)
        for rule_id, diagram in question.rule_diagrams.items()
        if policy.rules[rule_id].effect == effect and reachable(diagram, path)
    ]
    certain = [rule_id for rule_id, diagram in found if not reachable(diagram, path, answer=False)]
    word = "permitted by" if allowed else "forbidden by"
    for rule_id in certain or [rule_id for rule_id, _ in found]:
        rule = policy.rules[rule_id]
        says = f": {rule.says}" if rule.says else ""
        yield f"{word}{'' if certain else ', in some of them,'} {rule.id} ({rule.file}:{rule.line}){says}"
    if not found:
        yield "no rule permits it"


def _article(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
