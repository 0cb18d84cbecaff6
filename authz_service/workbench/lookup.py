"""What a partial situation decides: everything one may do in it (`what`), and everyone who may do one thing (`who`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz_service.engine.build import matches_diagram
from authz_service.engine.errors import shorten, suggest
from authz_service.engine.facts import Side, show
from authz_service.workbench.matrix import Cell, MatrixError, default_heads, draw, heads_of
from authz_service.workbench.questions import levels_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.diagram import Value
    from authz_service.engine.policy import Policy
    from authz_service.workbench.terms import Term


class FixingError(ValueError):
    """A partial situation that is none; the message names the slip and the way out."""


@dataclass(frozen=True, slots=True)
class Possibility:
    """One question under one head, over the situations that the partial one leaves open and that can occur.

    The cell is always, never, or the condition; `situations` of the `space` are allowed.
    """

    question: QuestionKey
    head: str
    cell: Cell
    situations: int
    space: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """The possibilities of one subject type, and the clauses that their conditions share."""

    subject_type: str
    by: str | None
    needs: tuple[Term, ...]
    possibilities: tuple[Possibility, ...]
    domains: Mapping[str, tuple[Value, ...]]


def read_fixed(policy: Policy, given: Iterable[str]) -> Term:
    """A partial situation from `fact=value` or `fact=value,value`.

    Raises:
        FixingError: a fact or a value is not declared, or stands twice.
    """
    fixed: Term = {}
    for text in given:
        name, equals, written = text.partition("=")
        fact = policy.facts.get(name)
        if not equals:
            raise FixingError(f"{shorten(text)} fixes nothing; write fact=value, such as subject.kind=self")
        if fact is None:
            raise FixingError(f"{shorten(name)} is no declared fact{suggest(name, policy.facts)}")
        if name in fixed:
            raise FixingError(f"{name} is fixed twice; write {name}=one,other for several values")
        known = {show(value): value for value in fact.values}
        for part in written.split(","):
            if part not in known:
                raise FixingError(f"{shorten(part) or 'nothing'} is no value of {name}{suggest(part, known)}")
        fixed[name] = tuple(known[part] for part in dict.fromkeys(written.split(",")))
    return fixed


def what(policy: Policy, fixed: Term, subject_type: str | None = None) -> list[Lookup]:
    """Everything that subjects may do in a partial situation; types that lack one of its facts are left out.

    Raises:
        FixingError: no subject type, or no question, has all these facts.
    """
    types = _subject_types(policy, fixed, subject_type)
    return _some([_lookup(policy, (name, None), {"": {}}, fixed) for name in types], fixed)


def who(
    policy: Policy, asked: tuple[str, str], fixed: Term, subject_type: str | None = None, by: str | None = None
) -> list[Lookup]:
    """Everyone who may do one thing (action, resource type) in a partial situation.

    They are told apart by a fact of theirs: `by`, as in a matrix.

    Raises:
        FixingError: there is no such question or fact, or no subject type has all the fixed facts.
    """
    action, resource_type = asked
    actions = policy.resource_types.get(resource_type)
    if actions is None:
        raise FixingError(
            f"{shorten(resource_type)} is no resource type{suggest(resource_type, policy.resource_types)}"
        )
    if action not in actions:
        raise FixingError(f"{shorten(action)} is no action of {resource_type}{suggest(action, actions)}")
    found = []
    for name in _subject_types(policy, fixed, subject_type):
        slots = policy.subject_slots(name)
        try:
            heads = heads_of(slots, by or default_heads(slots))
        except MatrixError as error:
            raise FixingError(str(error)) from None
        found.append(_lookup(policy, (name, by or default_heads(slots)), heads, fixed, asked))
    return _some(found, fixed)


def _some(lookups: list[Lookup], fixed: Term) -> list[Lookup]:
    found = [lookup for lookup in lookups if lookup.possibilities]
    if not found:
        raise FixingError(f"no situation that can occur has all of {' and '.join(fixed)} as fixed")
    return found


def _subject_types(policy: Policy, fixed: Term, chosen: str | None) -> Sequence[str]:
    if chosen is not None and chosen not in policy.subject_types:
        raise FixingError(f"{shorten(chosen)} is no subject type{suggest(chosen, policy.subject_types)}")
    asked = policy.subject_types if chosen is None else (chosen,)
    named = [name for name in fixed if policy.facts[name].side is Side.SUBJECT]
    having = [name for name in asked if all(name in policy.facts[fact].of for fact in named)]
    if not having:
        raise FixingError(f"no subject type has all of {', '.join(named)}")
    return having


def _lookup(
    policy: Policy,
    title: tuple[str, str | None],
    heads: Mapping[str, Term],
    fixed: Term,
    only: tuple[str, str] | None = None,
) -> Lookup:
    subject_type, by = title
    matrix = draw(policy, (subject_type, by or ""), heads, fixed=fixed, only=only)
    found = []
    for row in (row for group in matrix.groups for row in group.rows):
        key = (subject_type, row.action, row.resource_type)
        for head, cell in zip(matrix.heads, row.cells, strict=True):
            told = cell if cell.answer is not None else Cell(None, (*row.needs, *cell.every), cell.some)
            found.append(_counted(policy, key, head, told, [fixed, heads[head]]))
    for action, resource_type in matrix.denied:
        key = (subject_type, action, resource_type)
        found += [_counted(policy, key, head, Cell(answer=False), [fixed, heads[head]]) for head in matrix.heads]
    possible = tuple(possibility for possibility in found if possibility.space)
    return Lookup(subject_type, by, matrix.needs, possible, matrix.domains)


def _counted(policy: Policy, key: QuestionKey, head: str, cell: Cell, terms: Sequence[Term]) -> Possibility:
    question = policy.question(*key)
    assert question is not None
    diagrams = question.diagrams.scratch()
    levels = levels_of(question)
    there = diagrams.all_of(matches_diagram(diagrams, term) for term in terms)
    there = diagrams.without(there, question.impossible_diagram)
    allowed = diagrams.count(diagrams.both(question.diagram, there), levels)
    return Possibility(key, head, cell, allowed, diagrams.count(there, levels))
