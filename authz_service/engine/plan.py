"""Plans: what remains of a question when the subject is known, as a condition on the raw properties of the resource."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from authz_service.engine import conditions
from authz_service.engine.diagram import Diagram, Diagrams, Node, branches, nodes
from authz_service.engine.question import MISSING, InvalidSituationError, Question, no_value
from authz_service.engine.sources import Bindings, PlanError, condition_on, names_read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz_service.engine.conditions import Condition
    from authz_service.engine.facts import Fact

__all__ = ["MissingFactsError", "Plan", "PlanError", "PlanKind", "any_of", "render_plan", "residual"]

# A diagram that unrolls to more comparisons than this is cut in the middle instead: what is shared is then not repeated
# without end.
_UNROLLED = 64


class PlanKind(StrEnum):
    """The three answers a plan can be."""

    ALWAYS_ALLOWED = "always_allowed"
    ALWAYS_DENIED = "always_denied"
    CONDITIONAL = "conditional"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which resources are allowed: all, none, or those that meet the condition (grammar in `conditions`)."""

    kind: PlanKind
    condition: Condition | None = None

    @classmethod
    def of(cls, condition: Condition) -> Plan:
        """The plan that allows exactly what meets the condition."""
        if isinstance(condition, bool):
            return cls(PlanKind.ALWAYS_ALLOWED if condition else PlanKind.ALWAYS_DENIED)
        return cls(PlanKind.CONDITIONAL, condition)

    @property
    def whole(self) -> Condition:
        """The condition, also where the plan is constant."""
        return self.kind is PlanKind.ALWAYS_ALLOWED if self.condition is None else self.condition

    def within(self, condition: Condition) -> Plan:
        """The plan limited to what also meets the condition, such as one client's items."""
        return Plan.of(conditions.all_of([condition, self.whole]))


class MissingFactsError(Exception):
    """The plan depends on facts of the subject that are missing; `missing` names them."""

    def __init__(self, missing: Iterable[str]) -> None:
        self.missing = tuple(missing)
        super().__init__(f"the plan depends on facts that are missing: {', '.join(self.missing)}")


def any_of(plans: Iterable[Plan]) -> Plan:
    """What at least one of the plans allows: the or over grants and clients."""
    return Plan.of(conditions.any_of(plan.whole for plan in plans))


@lru_cache(maxsize=4096)
def residual(question: Question, s: tuple[object, ...]) -> Diagram:
    """What remains to be known of the resource: the decision with the subject's facts fixed, False where impossible.

    Raises:
        MissingFactsError: the answer hangs on a missing fact of the subject.
        InvalidSituationError: a value is outside its domain.
    """
    diagrams = question.diagrams.scratch()
    fixed, missing = fixed_levels(diagrams, question.subject_slots, s)
    remaining = diagrams.without(
        diagrams.restrict(question.diagram, fixed), diagrams.restrict(question.impossible_diagram, fixed)
    )
    hanging = [diagrams.names[level] for level in diagrams.support(remaining) if level in missing]
    if hanging:
        raise MissingFactsError(hanging)
    return remaining


def fixed_levels(
    diagrams: Diagrams, slots: tuple[Fact, ...], values: tuple[object, ...]
) -> tuple[dict[int, int], set[int]]:
    """The known facts as level -> value index, and the levels of the missing ones.

    Raises:
        InvalidSituationError: a value is outside its domain.
    """
    fixed: dict[int, int] = {}
    missing: set[int] = set()
    for fact, value in zip(slots, values, strict=True):
        level = diagrams.levels[fact.name]
        if value is MISSING:
            missing.add(level)
            continue
        index = diagrams.index(level, value)
        if index is None:
            raise InvalidSituationError(no_value(fact, value))
        fixed[level] = index
    return fixed, missing


def render_plan(question: Question, s: tuple[object, ...], bindings: Bindings) -> Plan:
    """The plan for one subject. Its condition is kept for the next time and must not be changed.

    Raises:
        PlanError: a fact the plan depends on has no usable source; it is named.
        MissingFactsError, InvalidSituationError: as `residual`.
    """
    remaining = residual(question, s)
    if isinstance(remaining, bool):
        return Plan.of(remaining)
    read = _names_read(question, remaining)
    return _rendered(question, remaining, _Bound({name: bindings[name] for name in read if name in bindings}))


@lru_cache(maxsize=4096)
def _names_read(question: Question, remaining: Diagram) -> tuple[str, ...]:
    names = {question.diagrams.names[level] for level in question.diagrams.support(remaining)}
    return tuple(
        dict.fromkeys(name for fact in question.resource_slots if fact.name in names for name in names_read(fact))
    )


class _Bound:
    """Bindings that compare by what they say."""

    __slots__ = ("_said", "bindings")

    def __init__(self, bindings: Bindings) -> None:
        self.bindings = bindings
        # Sets of one content may be written in another order: that costs a second rendering, never a wrong one.
        self._said = repr(bindings)

    def __hash__(self) -> int:
        return hash(self._said)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Bound) and self._said == other._said


@lru_cache(maxsize=4096)
def _rendered(question: Question, remaining: Diagram, bound: _Bound) -> Plan:
    return Plan.of(_Rendering(question, bound.bindings).render(remaining))


class _Rendering:
    """One diagram on its way to a condition."""

    def __init__(self, question: Question, bindings: Bindings) -> None:
        self.question = question
        self.bindings = bindings
        self.facts = {question.diagrams.levels[fact.name]: fact for fact in question.resource_slots}
        self.memo: dict[Diagram, Condition] = {}
        self.sizes: dict[Diagram, int] = {True: 0, False: 0}
        self.accepted: dict[tuple[int, tuple[int, ...]], Condition] = {}

    def render(self, d: Diagram) -> Condition:
        if isinstance(d, bool):
            return d
        found = self.memo.get(d)
        if found is None:
            found = self.unroll(d) if self.unrolled(d) <= _UNROLLED else self.cut(d)
            self.memo[d] = found
        return found

    def unrolled(self, root: Node) -> int:
        """How many comparisons the diagram unrolls to."""
        if root not in self.sizes:
            for node in nodes(root):
                self.sizes[node] = sum(1 + self.sizes[child] for child in branches(node) if child is not False)
        return self.sizes[root]

    def unroll(self, node: Node) -> Condition:
        """One alternative for each different child."""
        cases = [(self.accept(node.level, indices), child) for child, indices in branches(node).items()]
        reachable = [(test, child) for test, child in cases if test is not False and child is not False]
        always = [test for test, child in reachable if child is True]
        others = [(test, self.render(child)) for test, child in reachable if child is not True]
        # Whatever the other case asks for suffices by itself where every remaining value is allowed anyway.
        if always and len(others) == 1 and len(reachable) == len([1 for test, _ in cases if test is not False]):
            return conditions.any_of([*always, others[0][1]])
        return conditions.any_of([*always, *(conditions.all_of(pair) for pair in others)])

    def accept(self, level: int, indices: tuple[int, ...]) -> Condition:
        key = (level, indices)
        found = self.accepted.get(key)
        if found is None:
            values = self.question.diagrams.values[level]
            found = condition_on(self.facts[level], [values[i] for i in indices], self.bindings)
            self.accepted[key] = found
        return found

    def cut(self, top: Node) -> Condition:
        """Split at the middle fact: reach one of the nodes below the cut, and meet what that node asks for."""
        diagrams = self.question.diagrams.scratch()
        levels = diagrams.support(top)
        middle = levels[len(levels) // 2]
        below = _below(top, middle)
        return conditions.any_of(
            conditions.all_of([self.render(_reaching(diagrams, top, target, middle)), self.render(target)])
            for target in below
        )


def _below(top: Node, middle: int) -> list[Diagram]:
    """The different diagrams, but False, which paths from the top come to at the middle level."""
    found: dict[Diagram, None] = {}
    seen: set[Diagram] = set()

    def walk(d: Diagram) -> None:
        if isinstance(d, Node) and d.level < middle:
            if d not in seen:
                seen.add(d)
                for child in d.children:
                    walk(child)
        elif d is not False:
            found[d] = None

    walk(top)
    return list(found)


def _reaching(diagrams: Diagrams, top: Diagram, target: Diagram, middle: int) -> Diagram:
    """True where the path from the top comes to the target."""
    memo: dict[Diagram, Diagram] = {}

    def walk(d: Diagram) -> Diagram:
        if isinstance(d, bool) or d.level >= middle:
            return d is target
        found = memo.get(d)
        if found is None:
            found = memo[d] = diagrams.node(d.level, [walk(child) for child in d.children])
        return found

    return walk(top)
