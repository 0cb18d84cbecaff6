"""What is declared and never read: facts, parameters, values, actions and helpers."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from authz_service.engine.bundle import FACTS
from authz_service.engine.diagram import nodes
from authz_service.engine.facts import Side, show
from authz_service.engine.tokens import EFFECTS
from authz_service.workbench.linting.findings import Doubt, Finding, Level
from authz_service.workbench.questions import questions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.engine.facts import Fact, Facts
    from authz_service.engine.lint import Text
    from authz_service.engine.policy import Policy


def unread_facts(policy: Policy, facts: Facts) -> Iterator[Finding]:
    """Facts that no rule's diagram tests, at all, with a parameter, or of a type; and values it never tells apart."""
    read: dict[str, set[str]] = defaultdict(set)
    alike: dict[str, set[frozenset[int]]] = {}
    for question in questions(policy):
        for node in nodes(*question.rule_diagrams.values()):
            name = question.diagrams.names[node.level]
            read[name].add(question.subject_type if facts.facts[name].side is Side.SUBJECT else question.resource_type)
            groups: dict[object, set[int]] = defaultdict(set)
            for index, child in enumerate(node.children):
                groups[child].add(index)
            parts = {frozenset(group) for group in groups.values()}
            known = alike.get(name, {frozenset(range(len(node.children)))})
            alike[name] = {one & other for one in known for other in parts if one & other}
    bases: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts.facts.values():
        bases[fact.base].append(fact)
    for base, instances in bases.items():
        first = instances[0]
        types = {name for fact in instances for name in read[fact.name]}
        unread = [str(fact.parameter) for fact in instances if not read[fact.name]]
        lacking = [name for name in first.of if name not in types]
        if not types:
            message = f"no rule reads {base}: take it out, or write the rule that it is for"
            yield _at(first, Doubt.UNREAD_FACT, message)
        elif unread:
            message = (
                f"no rule reads {base} with {', '.join(unread)}: take the word out of its parameter, or add the rule"
            )
            yield _at(first, Doubt.UNREAD_PARAMETER, message)
        if types and lacking:
            message = f"no rule reads {base} of {', '.join(lacking)}: take the type out of `of`, or write the rule"
            yield _at(first, Doubt.UNREAD_FOR_TYPE, message)
        if first.parameter is None and (same := [group for group in alike.get(base, ()) if len(group) > 1]):
            words = (", ".join(show(first.values[i]) for i in sorted(group)) for group in sorted(same, key=min))
            message = f"no rule tells these values of {base} apart: {'; '.join(words)}"
            yield _at(first, Doubt.ALIKE_VALUES, f"{message}; one value would do, unless they are told apart elsewhere")


def dead_actions(policy: Policy, facts: Facts) -> Iterator[Finding]:
    """Actions that nobody is ever allowed."""
    for resource in facts.resources.values():
        for action, line in resource.actions.items():
            asked = (policy.question(subject, action, resource.name) for subject in facts.subjects)
            if all(question is None or question.diagram is False for question in asked):
                message = f"nobody is ever allowed to {action} {resource.name}: take the action out, or permit it"
                yield Finding(FACTS, line, Doubt.DEAD_ACTION, Level.WARNING, message)


def unused_helpers(text: Text) -> Iterator[Finding]:
    """Predicates that neither a rule nor `allow` calls, directly or through others."""
    called = {*EFFECTS, "allow"}
    while True:
        more = {name for clause in text.clauses if clause.predicate in called for name in clause.calls} - called
        if not more:
            break
        called |= more
    reported = set(called)
    for clause in text.clauses:
        if clause.predicate not in reported:
            reported.add(clause.predicate)
            message = f"no rule calls {clause.predicate}: take it out, or write the rule that it is for"
            yield Finding(clause.file, clause.line, Doubt.UNUSED_HELPER, Level.WARNING, message)


def _at(fact: Fact, doubt: Doubt, message: str) -> Finding:
    level = Level.NOTE if doubt is Doubt.ALIKE_VALUES else Level.WARNING
    return Finding(fact.file, fact.line, doubt, level, message)
