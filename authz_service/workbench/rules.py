"""Where each rule decides, and which rules make another one redundant: over the whole space, exactly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from authz_service.workbench.questions import levels_of, questions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.diagram import Diagram, Diagrams
    from authz_service.engine.lint import Rule
    from authz_service.engine.policy import Policy, Question


@dataclass(frozen=True, slots=True)
class Place:
    """One question in which a rule holds: in how many of all situations, and in how many of these it decides."""

    key: QuestionKey
    space: int
    situations: int
    decides: int


@dataclass(slots=True)
class RuleUse:
    """A rule over all questions: where it holds, and where the answer would be another without it.

    `questions` and `situations` count where it holds, `decides` where it alone makes the answer; `places` has both
    counts for each question in which it holds. When it decides nowhere, `because` are the rules that make it so, a
    smallest set of them; a forbid may also stand where nothing is permitted anyway (`behind`).
    """

    rule: Rule
    questions: int = 0
    situations: int = 0
    decides: int = 0
    places: list[Place] = field(default_factory=list)
    because: list[str] = field(default_factory=list)
    behind: bool = False


def rule_uses(policy: Policy, only: Collection[str] | None = None) -> list[RuleUse]:
    """Every rule, or only these, in the order of the files."""
    uses = {rule_id: RuleUse(rule) for rule_id, rule in policy.rules.items() if only is None or rule_id in only}
    for question in questions(policy):
        diagrams = question.diagrams.scratch()
        levels = levels_of(question)
        key = (question.subject_type, question.action, question.resource_type)
        for rule_id in question.rule_diagrams.keys() & uses.keys():
            there = diagrams.without(question.rule_diagrams[rule_id], question.impossible_diagram)
            if there is False:
                continue
            space = diagrams.count(diagrams.negate(question.impossible_diagram), levels)
            holds = diagrams.count(there, levels)
            decides = diagrams.count(decisive(diagrams, question, rule_id), levels)
            use = uses[rule_id]
            use.places.append(Place(key, space, holds, decides))
            use.questions += 1
            use.situations += holds
            use.decides += decides
    idle = [rule_id for rule_id, use in uses.items() if use.questions and not use.decides]
    for question in questions(policy):
        for rule_id in idle:
            if rule_id in question.rule_diagrams:
                _blame(question, uses[rule_id])
    return list(uses.values())


def decisive(diagrams: Diagrams, question: Question, rule_id: str) -> Diagram:
    """Where the answer would be another without the rule (adds nodes)."""
    effect = question.rules[rule_id].effect
    others = diagrams.any_of(diagram for other, diagram in _rivals(question, rule_id, effect).items())
    alone = diagrams.without(question.rule_diagrams[rule_id], others)
    if effect == "permit":
        alone = diagrams.without(alone, question.forbid_diagram)
    else:
        alone = diagrams.both(alone, question.permit_diagram)
    return diagrams.without(alone, question.impossible_diagram)


def _rivals(question: Question, rule_id: str, effect: str) -> Mapping[str, Diagram]:
    return {
        other: diagram
        for other, diagram in question.rule_diagrams.items()
        if other != rule_id and question.rules[other].effect == effect
    }


def _blame(question: Question, use: RuleUse) -> None:
    diagrams = question.diagrams.scratch()
    rule_id, effect = use.rule.id, use.rule.effect
    there = diagrams.without(question.rule_diagrams[rule_id], question.impossible_diagram)
    if effect == "forbid":
        open_there = diagrams.both(there, question.permit_diagram)
        use.behind = use.behind or open_there is not there
        there = open_there
    blamed = dict(_rivals(question, rule_id, effect))
    if effect == "permit":
        blamed |= _rivals(question, rule_id, "forbid")
    kept = [other for other, diagram in blamed.items() if diagrams.both(there, diagram) is not False]
    # Those already named are kept before others.
    for other in sorted(kept, key=use.because.__contains__):
        fewer = [name for name in kept if name != other]
        if diagrams.without(there, diagrams.any_of(blamed[name] for name in fewer)) is False:
            kept = fewer
    use.because += [name for name in kept if name not in use.because]
