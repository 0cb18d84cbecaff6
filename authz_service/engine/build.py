"""Traces every rule of a bundle and combines the leaves into the diagrams of every question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from authz_service.engine.diagram import Diagram, Diagrams, Variables
from authz_service.engine.errors import Problem
from authz_service.engine.facts import Side
from authz_service.engine.polar import PolarError
from authz_service.engine.tokens import Kind
from authz_service.engine.trace import Leaf, Paths, TooManyLeavesError, trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authz_service.engine.diagram import Value
    from authz_service.engine.facts import Facts, TypeName
    from authz_service.engine.lint import Rule, Text
    from authz_service.engine.objects import PolicyTextError
    from authz_service.engine.polar import Polar
    from authz_service.engine.trace import Pair

QuestionKey: TypeAlias = tuple[str, str, str]
"""A subject type, an action and a resource type."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The diagrams of one question: each rule that can hold there, what they make together, and what cannot occur."""

    rules: Mapping[str, Diagram]
    permit: Diagram
    forbid: Diagram
    decision: Diagram
    impossible: Diagram


def variables_of(facts: Facts) -> Variables:
    """The facts as diagram variables, in their order."""
    return Variables({fact.name: fact.values for fact in facts.facts.values()})


def question_keys(facts: Facts) -> list[QuestionKey]:
    """Every question the bundle knows."""
    return [
        (subject, action, resource.name)
        for subject in facts.subjects
        for resource in facts.resources.values()
        for action in resource.actions
    ]


def impossible_diagrams(diagrams: Diagrams, facts: Facts) -> dict[QuestionKey, Diagram]:
    """The situations of every question that cannot occur."""
    cubes = [
        ([facts.facts[name] for name in entry.matches], matches_diagram(diagrams, entry.matches))
        for entry in facts.impossible
    ]
    found: dict[tuple[str, str], Diagram] = {}
    for subject, _, resource in question_keys(facts):
        if (subject, resource) not in found:
            of = {Side.SUBJECT: subject, Side.RESOURCE: resource}
            found[subject, resource] = diagrams.any_of(
                cube for named, cube in cubes if all(of[fact.side] in fact.of for fact in named)
            )
    return {key: found[key[0], key[2]] for key in question_keys(facts)}


def matches_diagram(diagrams: Diagrams, matches: Mapping[str, Iterable[Value]]) -> Diagram:
    """Where every named fact has one of its accepted values."""
    cube: dict[int, list[int]] = {}
    for name, accepted in matches.items():
        level = diagrams.variables.levels[name]
        indices = (diagrams.variables.index(level, value) for value in accepted)
        cube[level] = [index for index in indices if index is not None]
    return diagrams.cube(cube)


@dataclass(frozen=True, slots=True)
class Tracer:
    """Traces the rules of one loaded bundle."""

    facts: Facts
    text: Text
    polar: Polar
    paths: Paths

    def leaves(
        self,
        rule: Rule,
        subject_type: str,
        pairs: frozenset[Pair],
        known: Mapping[str, tuple[Value, ...]],
    ) -> list[Leaf]:
        """The leaves of one rule over these pairs, the known facts held fast.

        Raises:
            PolarError, TooManyLeavesError: the rule cannot be traced.
        """
        if not pairs:
            return []
        polar = self.polar
        return trace(
            lambda run: polar.holds(
                rule.effect, polar.subject(run, subject_type), run.action, polar.resource(run, None), rule.id
            ),
            self.paths,
            pairs,
            known,
        )

    def pairs(self, rule: Rule, subject: TypeName) -> frozenset[Pair]:
        """The pairs that a head of the rule can match for this subject type."""
        found: set[Pair] = set()
        for head in self.text.heads[rule.id]:
            who, action, what, _ = head.parameters
            if who.cls not in (None, subject.cls):
                continue
            for resource in self.facts.resources.values():
                if what.cls in (None, resource.cls):
                    found |= {(name, resource.name) for name in resource.actions if action.literal in (None, name)}
        return frozenset(found)

    def trace_all(self, diagrams: Diagrams) -> tuple[dict[QuestionKey, dict[str, Diagram]], list[Problem]]:
        """The diagram of every rule in every question where it can hold, and what the traces found wrong."""
        found: dict[QuestionKey, dict[str, Diagram]] = {key: {} for key in question_keys(self.facts)}
        problems: list[Problem] = []
        for rule in self.text.rules.values():
            for subject in self.facts.subjects.values():
                try:
                    leaves = self.leaves(rule, subject.name, self.pairs(rule, subject), {})
                except PolarError as error:
                    place = (error.file, error.line) if error.file and error.line else (rule.file, rule.line)
                    problems.append(Problem(*place, f"the rule {rule.id} cannot be run: {error.message}"))
                    break
                except TooManyLeavesError:
                    message = f"the rule {rule.id} tells too many situations apart to be read; split it"
                    problems.append(Problem(rule.file, rule.line, message))
                    break
                problems += self.judge(rule, leaves)
                for (action, resource), diagram in combine(diagrams, leaves).items():
                    found[subject.name, action, resource][rule.id] = diagram
        return found, problems

    def judge(self, rule: Rule, leaves: Iterable[Leaf]) -> Iterable[Problem]:
        """What the leaves of one rule show to be wrong with its text."""
        for leaf in leaves:
            if leaf.error:
                file, line = self.locate(rule, leaf.error)
                yield Problem(file, line, f"{leaf.error.message}, in the rule {rule.id}")
            elif leaf.holds and rule.effect == "permit" and not leaf.typed:
                yield Problem(
                    rule.file,
                    rule.line,
                    f"the rule {rule.id} permits without ever saying on what type: "
                    "type its resource, or reach a head that does",
                )

    def locate(self, rule: Rule, error: PolicyTextError) -> tuple[str, int]:
        """Where the word of an error stands, in the rule or in what it calls; else where the rule stands."""
        for clause in self.text.reach(rule.id):
            for token in (*clause.head, *clause.body):
                literal = token.kind is not Kind.NAME or token.text in ("true", "false", "nil")
                if token.text == error.needle and literal is error.literal:
                    return clause.file, token.line
        return rule.file, rule.line


def combine(diagrams: Diagrams, leaves: Iterable[Leaf]) -> dict[Pair, Diagram]:
    """The diagram of one rule for each pair where it can hold."""
    cubes: dict[Pair, list[Diagram]] = {}
    for leaf in leaves:
        if leaf.holds:
            cube = matches_diagram(diagrams, leaf.narrowed)
            for pair in leaf.pairs:
                cubes.setdefault(pair, []).append(cube)
    # Most pairs of a rule have the same leaves.
    shared: dict[tuple[Diagram, ...], Diagram] = {}
    found: dict[Pair, Diagram] = {}
    for pair, parts in cubes.items():
        key = tuple(parts)
        if key not in shared:
            shared[key] = diagrams.any_of(parts)
        found[pair] = shared[key]
    return found


def decide(diagrams: Diagrams, rules: Mapping[str, Rule], own: Mapping[str, Diagram], impossible: Diagram) -> Decision:
    """Some permit and no forbid."""
    permit = diagrams.any_of(diagram for name, diagram in own.items() if rules[name].effect == "permit")
    forbid = diagrams.any_of(diagram for name, diagram in own.items() if rules[name].effect == "forbid")
    return Decision(own, permit, forbid, diagrams.without(permit, forbid), impossible)
