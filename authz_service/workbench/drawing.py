"""A question's diagrams as they are drawn: numbered tests with their branches, and the way of one situation through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from authz_service.engine.diagram import Node, branches, nodes
from authz_service.workbench.questions import levels_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authz_service.engine.diagram import Diagram, Value
    from authz_service.engine.lint import Rule
    from authz_service.engine.policy import Question

DRAWN_MAX = 400  # tests; what lies below is told as folded
DECISION, PERMIT, FORBID, RULE = "decision", "permit", "forbid", "rule:"

End: TypeAlias = bool | Literal["folded"]


@dataclass(frozen=True, slots=True)
class Branch:
    """The values of a test that lead to the same child: a test's number, the answer, or what is folded."""

    values: tuple[Value, ...]
    to: int | End


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """One test of a fact, numbered from 1 in the order of the facts."""

    number: int
    fact: str
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A diagram. `root` is the first test, or the answer where nothing is asked; `folded` counts tests left out."""

    root: int | End
    tests: tuple[DrawnNode, ...]
    folded: int


@dataclass(frozen=True, slots=True)
class Step:
    """From a test along one branch; `value` is that of the situation, None where the fact is missing."""

    number: int
    value: Value | None
    to: int | End


@dataclass(frozen=True, slots=True)
class Way:
    """What a situation takes: the steps as far as its facts reach, and those still open behind the first missing one.

    `ends` are the answers that remain possible.
    """

    steps: tuple[Step, ...]
    open: tuple[Step, ...]
    ends: frozenset[bool]


@dataclass(frozen=True, slots=True)
class Part:
    """A diagram that a question consists of; `rule` is None for the decision and the permits and forbids together."""

    name: str
    diagram: Diagram
    rule: Rule | None

    @property
    def size(self) -> int:
        """How many tests it has."""
        return sum(1 for _ in nodes(self.diagram))


def parts_of(question: Question) -> dict[str, Part]:
    """The decision, all permits, all forbids, and each rule that can hold."""
    whole = {DECISION: question.diagram, PERMIT: question.permit_diagram, FORBID: question.forbid_diagram}
    found = {name: Part(name, diagram, None) for name, diagram in whole.items()}
    for rule_id, diagram in question.rule_diagrams.items():
        if diagram is not False:
            found[f"{RULE}{rule_id}"] = Part(f"{RULE}{rule_id}", diagram, question.rules[rule_id])
    return found


def draw(question: Question, diagram: Diagram) -> Drawing:
    """The diagram with its first `DRAWN_MAX` tests."""
    numbers = _numbers(diagram)
    names, values = question.diagrams.names, question.diagrams.values
    drawn = [
        DrawnNode(
            number,
            names[node.level],
            tuple(
                Branch(tuple(values[node.level][i] for i in indices), _end(child, numbers))
                for child, indices in branches(node).items()
            ),
        )
        for node, number in numbers.items()
        if number <= DRAWN_MAX
    ]
    return Drawing(_end(diagram, numbers), tuple(drawn), len(numbers) - len(drawn))


def way(question: Question, diagram: Diagram, known: Mapping[str, Value]) -> Way:
    """The way of a situation (values by the facts' names, each of its domain) through a diagram."""
    numbers = _numbers(diagram)
    steps: list[Step] = []
    at = diagram
    while isinstance(at, Node):
        value = known.get(question.diagrams.names[at.level])
        if value is None:
            break
        child = at.children[_index(question, at, value)]
        steps.append(Step(numbers[at], value, _end(child, numbers)))
        at = child
    further: list[Step] = []
    ends: set[bool] = set()
    waiting, seen = [at], {at}
    while waiting:
        here = waiting.pop()
        if isinstance(here, bool):
            ends.add(here)
            continue
        value = known.get(question.diagrams.names[here.level])
        children = branches(here) if value is None else {here.children[_index(question, here, value)]: ()}
        for child in children:
            further.append(Step(numbers[here], value, _end(child, numbers)))
            if child not in seen:
                seen.add(child)
                waiting.append(child)
    return Way(tuple(steps), tuple(further), frozenset(ends))


def read_facts(question: Question) -> frozenset[str]:
    """The names of the facts that any rule of the question reads, or that make a situation impossible."""
    diagrams = (*question.rule_diagrams.values(), question.impossible_diagram)
    return frozenset(question.diagrams.names[node.level] for node in nodes(*diagrams))


def situations(question: Question, diagram: Diagram) -> tuple[int, int]:
    """In how many of the situations that can occur the diagram holds, and how many can occur."""
    diagrams = question.diagrams.scratch()
    levels = levels_of(question)
    possible = diagrams.negate(question.impossible_diagram)
    return diagrams.count(diagrams.both(diagram, possible), levels), diagrams.count(possible, levels)


def _numbers(diagram: Diagram) -> dict[Node, int]:
    """Every test by level, and within one as they are met from the root: the same diagram is always numbered alike."""
    found = {node: place for place, node in enumerate(_breadth_first(diagram))}
    order = sorted(found, key=lambda node: (node.level, found[node]))
    return {node: number for number, node in enumerate(order, 1)}


def _breadth_first(diagram: Diagram) -> Iterator[Node]:
    row, seen = [diagram], {diagram}
    for at in row:
        if isinstance(at, Node):
            yield at
            for child in at.children:
                if child not in seen:
                    seen.add(child)
                    row.append(child)


def _end(child: Diagram, numbers: Mapping[Node, int]) -> int | End:
    if isinstance(child, bool):
        return child
    return numbers[child] if numbers[child] <= DRAWN_MAX else "folded"


def _index(question: Question, node: Node, value: Value) -> int:
    index = question.diagrams.index(node.level, value)
    if index is None:
        raise ValueError(f"{value!r} is no value of {question.diagrams.names[node.level]}")
    return index
