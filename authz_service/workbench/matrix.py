"""Who may do what under which conditions: one table for a subject type, every cell exact.

The heads are the values of one fact of the subject, or the parameters of a flag (`subject.role`: each held alone).
Below them stand all questions. What every condition of the table, of a group or of a row needs is said there, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz_service.engine.errors import suggest
from authz_service.engine.facts import show
from authz_service.workbench.terms import Cube, Term, clause_diagram, clauses, cover, named, narrowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authz_service.engine.diagram import Diagram, Diagrams, Value
    from authz_service.engine.facts import Fact
    from authz_service.engine.policy import Policy, Question


class MatrixError(ValueError):
    """The table that was asked for cannot be drawn; the message names what is wrong and what there is."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Always (True), never (False), or (None) where the needs hold and what the cell adds.

    It adds clauses, which all must hold (`every`), or terms, of which one must (`some`), whichever is shorter; where
    both stand, both count.
    """

    answer: bool | None
    every: tuple[Term, ...] = ()
    some: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One question, and the clauses that its conditions share beyond those of the group."""

    action: str
    resource_type: str
    needs: tuple[Term, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that depend on one instance of a fact, and the clauses that their conditions share."""

    name: str | None
    needs: tuple[Term, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A table: its heads, the clauses that all conditions share, its groups, and what is denied under every head."""

    subject_type: str
    by: str
    heads: tuple[str, ...]
    needs: tuple[Term, ...]
    groups: tuple[Group, ...]
    denied: tuple[tuple[str, str], ...]
    domains: Mapping[str, tuple[Value, ...]]


def tabulate(
    policy: Policy, subject_type: str, by: str | None = None, group: str | None = None, fixed: Term | None = None
) -> Matrix:
    """Draw the table of a subject type, over the situations in which the fixed facts have these values.

    `by` names the fact of the heads; without it, the first one with texts as values. `group` names a fact with a
    parameter: questions that depend on the same instances of it stand together. Questions on a resource type that lacks
    a fixed fact are left out.

    Raises:
        MatrixError: the bundle has no such type or fact.
    """
    if subject_type not in policy.subject_types:
        known = suggest(subject_type, policy.subject_types)
        raise MatrixError(f"{subject_type} is no subject type{known}")
    slots = policy.subject_slots(subject_type)
    by = by or default_heads(slots)
    instances = _instances(slots, group) if group is not None else ()
    return draw(policy, (subject_type, by), heads_of(slots, by), instances=instances, fixed=fixed)


def draw(
    policy: Policy,
    title: tuple[str, str],
    heads: Mapping[str, Term],
    *,
    instances: Sequence[Fact] = (),
    fixed: Term | None = None,
    only: tuple[str, str] | None = None,
) -> Matrix:
    """A table with these heads (head -> its facts), for the subject type that the title starts with.

    `only` is the one action and resource type to show.
    """
    subject_type, by = title
    fixed = fixed or {}
    agreeing = {head: both for head, facts in heads.items() if (both := _agreed(fixed, facts)) is not None}
    drafts = [
        _Draft(question, agreeing)
        for resource_type, actions in policy.resource_types.items()
        for action in actions
        if only in (None, (action, resource_type))
        if (question := policy.question(subject_type, action, resource_type)) is not None and _has(question, fixed)
    ]
    shown = [draft for draft in drafts if draft.cases]
    common = _shared(shown, ())
    grouped: dict[str | None, list[_Draft]] = {name: [] for name in (*(fact.parameter for fact in instances), None)}
    for draft in shown:
        grouped[draft.group(instances)].append(draft)
    return Matrix(
        subject_type=subject_type,
        by=by,
        heads=tuple(agreeing),
        needs=common,
        groups=tuple(_group(name, members, common) for name, members in grouped.items() if members),
        denied=tuple((draft.question.action, draft.question.resource_type) for draft in drafts if not draft.cases),
        domains={name: fact.values for name, fact in policy.facts.items()},
    )


def _agreed(one: Term, other: Term) -> Term | None:
    """Both terms at once; None when they contradict each other."""
    both = {**one, **other}
    for name in one.keys() & other.keys():
        both[name] = tuple(value for value in one[name] if value in other[name])
    return both if all(both.values()) else None


def _has(question: Question, facts: Mapping[str, object]) -> bool:
    """Whether the question has all these facts."""
    return {fact.name for fact in (*question.subject_slots, *question.resource_slots)}.issuperset(facts)


def _group(name: str | None, drafts: Sequence[_Draft], common: tuple[Term, ...]) -> Group:
    own = _shared(drafts, common) if name is not None else ()
    return Group(name, own, tuple(draft.row((*common, *own)) for draft in drafts))


def default_heads(slots: Sequence[Fact]) -> str:
    """The first fact with texts as values, else the first one at all.

    Raises:
        MatrixError: the type has no facts.
    """
    if not slots:
        raise MatrixError("this subject type has no facts, so there is nothing to tabulate by")
    return next((fact.name for fact in slots if not fact.is_flag), slots[0].base)


def heads_of(slots: Sequence[Fact], by: str) -> dict[str, Term]:
    """Each head with the facts that it fixes.

    Raises:
        MatrixError: there is no such fact.
    """
    one = next((fact for fact in slots if fact.name == by), None)
    if one is not None:
        return {show(value): {one.name: (value,)} for value in one.values}
    flags = [fact for fact in slots if fact.base == by and fact.is_flag and len(fact.values) == 2]
    if not flags:
        names = dict.fromkeys([*(fact.base for fact in slots), *(fact.name for fact in slots)])
        raise MatrixError(f"{by} is no fact of this subject type{suggest(by, names)}")
    return {str(fact.parameter): {other.name: (other is fact,) for other in flags} for fact in flags}


def _instances(slots: Sequence[Fact], group: str) -> tuple[Fact, ...]:
    found = tuple(fact for fact in slots if fact.base == group and fact.parameter is not None)
    if not found:
        known = suggest(group, dict.fromkeys(fact.base for fact in slots if fact.parameter is not None))
        raise MatrixError(f"{group} is no fact with a parameter{known}")
    return found


class _Draft:
    """One question under each head; `cases` are the heads under which something is allowed, with what can occur."""

    def __init__(self, question: Question, heads: Mapping[str, Term]) -> None:
        self.question = question
        self.diagrams: Diagrams = question.diagrams.scratch()
        self.heads = heads
        possible = self.diagrams.negate(question.impossible_diagram)
        self.cases: dict[str, tuple[Diagram, Diagram]] = {}
        for head, facts in heads.items():
            there = self.diagrams.both(possible, self.diagrams.cube(self.cube(facts)))
            allowed = self.diagrams.both(question.diagram, there)
            if allowed is not False:
                self.cases[head] = (allowed, there)
        self.conditions = [allowed for allowed, there in self.cases.values() if allowed is not there]
        self.clauses = [
            named(self.diagrams, clause)
            for allowed, there in self.cases.values()
            if allowed is not there
            for clause in clauses(self.diagrams, allowed, there)
        ]

    def cube(self, term: Term) -> Cube:
        """A term in the levels of these diagrams."""
        found = {}
        for name, values in term.items():
            level = self.diagrams.levels[name]
            indices = (self.diagrams.index(level, value) for value in values)
            found[level] = tuple(index for index in indices if index is not None)
        return found

    def implies(self, clause: Term) -> bool:
        """Whether every condition of this question implies the clause, and could name its facts."""
        if not self.conditions:
            return True
        if not _has(self.question, clause):
            return False
        diagram = clause_diagram(self.diagrams, self.cube(clause))
        return all(self.diagrams.without(allowed, diagram) is False for allowed in self.conditions)

    def row(self, above: tuple[Term, ...]) -> Row:
        own = _shared([self], above)
        care = self.diagrams.all_of(clause_diagram(self.diagrams, self.cube(need)) for need in (*above, *own))
        cells = tuple(self.cell(head, care) for head in self.heads)
        return Row(self.question.action, self.question.resource_type, own, cells)

    def cell(self, head: str, care: Diagram) -> Cell:
        if head not in self.cases:
            return Cell(answer=False)
        allowed, there = self.cases[head]
        if allowed is there:
            return Cell(answer=True)
        meant = self.diagrams.both(care, there)
        every = [named(self.diagrams, clause) for clause in clauses(self.diagrams, allowed, meant)]
        every.sort(key=len)
        told = cover(self.diagrams, allowed, self.diagrams.either(allowed, self.diagrams.negate(meant)))
        some = [named(self.diagrams, narrowed(self.diagrams, cube, allowed)) for cube in told]
        if sum(map(len, some)) < sum(map(len, every)):
            return Cell(None, some=tuple(some))
        return Cell(None, every=tuple(every))

    def group(self, instances: Sequence[Fact]) -> str | None:
        support = {self.diagrams.names[level] for level in self.diagrams.support(self.question.diagram)}
        return next((fact.parameter for fact in instances if fact.name in support), None)


def _shared(drafts: Sequence[_Draft], above: tuple[Term, ...]) -> tuple[Term, ...]:
    """The clauses that every condition of these questions implies, beyond those above; each said once."""
    candidates = [clause for draft in drafts for clause in draft.clauses]
    found: list[Term] = []
    for clause in candidates:
        if clause not in found and clause not in above and all(draft.implies(clause) for draft in drafts):
            found.append(clause)
    return tuple(clause for clause in found if not any(_stronger(other, clause) for other in found))


def _stronger(one: Term, other: Term) -> bool:
    """Whether a clause says more than another: fewer facts, or fewer values of one."""
    return one != other and all(name in other and set(values) <= set(other[name]) for name, values in one.items())
