"""What a change of a bundle changes: every situation that two policies answer otherwise, exactly."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz_service.engine.facts import show
from authz_service.facts.shapes import source_of
from authz_service.workbench.questions import keys_of
from authz_service.workbench.terms import Term, cover, named, narrowed
from authz_service.workbench.union import Translation, merged, union_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.diagram import Diagram, Value
    from authz_service.engine.facts import Fact
    from authz_service.engine.policy import Policy, Question

NO_RULE_PERMITS = "no rule permits"


@dataclass(frozen=True, slots=True)
class Change:
    """The situations of one question that become allowed, or denied.

    `terms`: among what the allowing policy allows, exactly the situations where one of them holds are meant.
    `situations` of the `space` that can occur in either policy. `before` and `after` are the rules that decide in some
    of them: permits where it is allowed, forbids (or that no rule permits) where it is denied.
    """

    question: QuestionKey
    now_allowed: bool
    situations: int
    space: int
    terms: tuple[Term, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs; `declarations` are sentences on what may be named, `domains` the values of all facts."""

    declarations: tuple[str, ...]
    changes: tuple[Change, ...]
    domains: Mapping[str, tuple[Value, ...]]

    @property
    def allowed(self) -> tuple[Change, ...]:
        """What is newly allowed."""
        return tuple(change for change in self.changes if change.now_allowed)

    @property
    def denied(self) -> tuple[Change, ...]:
        """What is newly denied."""
        return tuple(change for change in self.changes if not change.now_allowed)

    def __bool__(self) -> bool:
        return bool(self.declarations or self.changes)


def compare(old: Policy, new: Policy) -> Difference:
    """Compare two policies over the whole space of both."""
    comparison = _Comparison(old, new)
    changes = [change for key in _keys(old, new) for change in comparison.changes(key)]
    changes.sort(key=lambda change: not change.now_allowed)
    diagrams = comparison.diagrams
    domains = dict(zip(diagrams.names, diagrams.values, strict=True))
    return Difference(tuple(_declarations(old, new, comparison)), tuple(changes), domains)


def _keys(old: Policy, new: Policy) -> list[QuestionKey]:
    found = keys_of(new)
    known = set(found)
    return [*found, *(key for key in keys_of(old) if key not in known)]


class _Comparison:
    def __init__(self, old: Policy, new: Policy) -> None:
        self.diagrams = union_of(old, new)
        self.sides = (Translation(old, self.diagrams), Translation(new, self.diagrams))
        self._terms: dict[tuple[Diagram, Diagram], tuple[Term, ...]] = {}

    def questions(self, key: QuestionKey) -> tuple[Question | None, Question | None]:
        old, new = (side.policy.question(*key) for side in self.sides)
        return old, new

    def levels(self, key: QuestionKey) -> set[int]:
        return {
            self.diagrams.levels[fact.name]
            for question in self.questions(key)
            if question is not None
            for fact in (*question.subject_slots, *question.resource_slots)
        }

    def occurring(self, key: QuestionKey) -> Diagram:
        """What can occur in either policy."""
        return self.diagrams.any_of(
            side.occurring(question)
            for side, question in zip(self.sides, self.questions(key), strict=True)
            if question is not None
        )

    def changes(self, key: QuestionKey) -> Iterator[Change]:
        questions = self.questions(key)
        before, after = (
            False if question is None else side.allowed(question)
            for side, question in zip(self.sides, questions, strict=True)
        )
        if before is after:
            return
        levels = self.levels(key)
        space = self.diagrams.count(self.occurring(key), levels)
        for now_allowed, having, lacking in ((True, after, before), (False, before, after)):
            changed = self.diagrams.without(having, lacking)
            if changed is not False:
                yield Change(
                    question=key,
                    now_allowed=now_allowed,
                    situations=self.diagrams.count(changed, levels),
                    space=space,
                    terms=self.terms(changed, having),
                    before=tuple(self.deciding(0, questions[0], changed, allowed=not now_allowed)),
                    after=tuple(self.deciding(1, questions[1], changed, allowed=now_allowed)),
                )

    def terms(self, changed: Diagram, having: Diagram) -> tuple[Term, ...]:
        """What tells the changed situations from the others that the allowing policy allows."""
        found = self._terms.get((changed, having))
        if found is None:
            cubes = cover(self.diagrams, changed, self.diagrams.either(changed, self.diagrams.negate(having)))
            told = [narrowed(self.diagrams, cube, changed) for cube in cubes]
            found = self._terms[changed, having] = tuple(named(self.diagrams, cube) for cube in told)
        return found

    def deciding(self, at: int, question: Question | None, changed: Diagram, *, allowed: bool) -> Iterator[str]:
        if question is None:
            yield "the question is not known"
            return
        side = self.sides[at]
        effect = "permit" if allowed else "forbid"
        for rule_id, diagram in question.rule_diagrams.items():
            if question.rules[rule_id].effect == effect:
                there = self.diagrams.both(side.carry(diagram, question.diagrams), side.occurring(question))
                if self.diagrams.both(there, changed) is not False:
                    yield rule_id
        if not allowed:
            permitted = side.carry(question.permit_diagram, question.diagrams)
            possible = self.diagrams.both(changed, side.occurring(question))
            if self.diagrams.without(possible, permitted) is not False:
                yield NO_RULE_PERMITS
            if possible is not changed:
                yield "the situation cannot occur"


def _declarations(old: Policy, new: Policy, comparison: _Comparison) -> Iterator[str]:
    yield from _named("subject type", old.subject_types, new.subject_types)
    yield from _named("resource type", tuple(old.resource_types), tuple(new.resource_types))
    for name, actions in new.resource_types.items():
        if name in old.resource_types:
            yield from _named(f"action of {name}", old.resource_types[name], actions)
    yield from _named("fact", tuple(old.facts), tuple(new.facts))
    for name in merged(list(old.facts), list(new.facts)):
        if name in old.facts and name in new.facts:
            yield from _fact(name, old.facts[name], new.facts[name])
    yield from _impossible(comparison, [key for key in keys_of(new) if key in set(keys_of(old))])


def _named(what: str, old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    if added := [name for name in new if name not in old]:
        yield f"{what} added: {', '.join(added)}"
    if removed := [name for name in old if name not in new]:
        yield f"{what} removed: {', '.join(removed)}"


def _fact(name: str, old: Fact, new: Fact) -> Iterator[str]:
    yield from _named(f"value of {name}", _shown(old.values, new.values), _shown(new.values, old.values))
    yield from _named(f"type that has {name}", old.of, new.of)
    if source_of(old) != source_of(new):
        yield f"{name} is read from {source_of(new)}, no longer from {source_of(old)}"


def _shown(values: Iterable[Value], others: Iterable[Value]) -> tuple[str, ...]:
    """The values as written, in quotes where a flag of the same spelling stands on the other side."""
    flags = {show(value) for value in others if isinstance(value, bool)}
    return tuple(f'"{value}"' if isinstance(value, str) and value in flags else show(value) for value in values)


def _impossible(comparison: _Comparison, keys: Iterable[QuestionKey]) -> Iterator[str]:
    """Situations, with values that both know, that one policy alone declares impossible."""
    diagrams = comparison.diagrams
    counts: dict[bool, dict[tuple[str, str], int]] = defaultdict(dict)
    for subject, action, resource in keys:
        old, new = comparison.questions((subject, action, resource))
        if old is None or new is None or (subject, resource) in counts[True]:
            continue
        sides = list(zip(comparison.sides, (old, new), strict=True))
        before, after = (side.carry(question.impossible_diagram, question.diagrams) for side, question in sides)
        known = diagrams.all_of(
            diagrams.either(side.occurring(question), impossible)
            for (side, question), impossible in zip(sides, (before, after), strict=True)
        )
        levels = comparison.levels((subject, action, resource))
        for added, more, less in ((True, after, before), (False, before, after)):
            counts[added][subject, resource] = diagrams.count(
                diagrams.both(known, diagrams.without(more, less)), levels
            )
    for added, verb in ((True, "can no longer occur"), (False, "can occur now")):
        for (subject, resource), count in counts[added].items():
            if count:
                yield f"{subject} and {resource}: {count:,} situation{'s' if count > 1 else ''} {verb}"
