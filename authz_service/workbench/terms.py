"""Diagrams told in few words: a short list of conditions, each as general as it can be.

A term gives some facts the values they may have (level -> value indices). A diagram is told by terms of which one must
hold, or by clauses which all must.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, TypeAlias

from authz_service.engine.diagram import Node
from authz_service.engine.facts import show
from authz_service.engine.forcing import reachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from authz_service.engine.diagram import Diagram, Diagrams, Value

WIDTH = 120

Cube: TypeAlias = dict[int, tuple[int, ...]]
"""A term in diagrams: level -> the value indices that satisfy it."""
Term: TypeAlias = "dict[str, tuple[Value, ...]]"
"""A term in words: fact -> the values that satisfy it."""


def cover(diagrams: Diagrams, lower: Diagram, upper: Diagram) -> list[Cube]:
    """Terms that together hold wherever `lower` does, and nowhere where `upper` does not; `lower` implies `upper`.

    Every term is prime (no fact can be left out, no value added) and none can be left out. Adds nodes.
    """
    found: list[tuple[Cube, Diagram]] = []
    rest = lower
    while (path := diagrams.shortest(rest)) is not None:
        cube = widened(diagrams, {level: (index,) for level, index in path.items()}, upper)
        part = diagrams.cube(cube)
        found.append((cube, part))
        rest = diagrams.without(rest, part)
    # The early terms are the short ones; a late one may be all that an early one was needed for.
    kept = list(found)
    for item in sorted(found, key=lambda pair: -len(pair[0])):
        others = [part for cube, part in kept if cube is not item[0]]
        if diagrams.without(lower, diagrams.any_of(others)) is False:
            kept = [pair for pair in kept if pair[0] is not item[0]]
    return [cube for cube, _ in kept]


def widened(diagrams: Diagrams, cube: Mapping[int, tuple[int, ...]], upper: Diagram) -> Cube:
    """The cube without every fact, and with every value, that `upper` allows; facts declared late go first."""
    wide = {level: tuple(indices) for level, indices in cube.items()}
    for level in sorted(cube, reverse=True):
        others = {other: indices for other, indices in wide.items() if other != level}
        fitting = tuple(i for i in range(diagrams.sizes[level]) if implies({**others, level: (i,)}, upper))
        if len(fitting) == diagrams.sizes[level]:
            wide = others
        else:
            wide[level] = fitting
    return dict(sorted(wide.items()))


def narrowed(diagrams: Diagrams, cube: Mapping[int, tuple[int, ...]], d: Diagram) -> Cube:
    """The cube with only those values of its facts that occur in it where the diagram holds. Adds nodes."""
    there = diagrams.both(d, diagrams.cube(cube))
    return {level: tuple(i for i in indices if reachable(there, {level: i})) for level, indices in cube.items()}


def implies(cube: Mapping[int, tuple[int, ...]], upper: Diagram) -> bool:
    """Whether the diagram holds wherever the cube does."""
    waiting: list[Diagram] = [upper]
    seen: set[Diagram] = set()
    while waiting:
        at = waiting.pop()
        if at is False:
            return False
        if isinstance(at, Node) and at not in seen:
            seen.add(at)
            accepted = cube.get(at.level)
            waiting.extend(at.children if accepted is None else [at.children[i] for i in accepted])
    return True


def clauses(diagrams: Diagrams, d: Diagram, care: Diagram) -> list[Cube]:
    """The same the other way round: within `care`, the diagram holds where every clause does, of each some fact.

    A clause gives some facts values of which one must be met; none can be left out. Adds nodes.
    """
    refused = diagrams.without(care, d)
    told = cover(diagrams, refused, diagrams.either(refused, diagrams.negate(care)))
    return [
        {level: tuple(i for i in range(diagrams.sizes[level]) if i not in indices) for level, indices in cube.items()}
        for cube in told
    ]


def clause_diagram(diagrams: Diagrams, clause: Mapping[int, Iterable[int]]) -> Diagram:
    """Where one of the facts has one of its values."""
    return diagrams.any_of(diagrams.test(level, indices) for level, indices in clause.items())


def named(diagrams: Diagrams, cube: Mapping[int, Iterable[int]]) -> Term:
    """A cube in words."""
    return {
        diagrams.names[level]: tuple(diagrams.values[level][i] for i in indices)
        for level, indices in sorted(cube.items())
    }


def phrase(term: Mapping[str, Sequence[Value]], domains: Mapping[str, Sequence[Value]], joined: str = " and ") -> str:
    """A term as it is read: `subject.kind = payer and resource.addressee != me`; `always` when it names no fact."""
    return joined.join(_phrase_fact(name, values, domains[name]) for name, values in term.items()) or "always"


def _phrase_fact(name: str, values: Sequence[Value], domain: Sequence[Value]) -> str:
    if len(values) == 1:
        return f"{name} = {show(values[0])}"
    lacking = [value for value in domain if value not in values]
    if len(lacking) == 1:
        return f"{name} != {show(lacking[0])}"
    if len(lacking) < len(values):
        return f"{name} not in [{', '.join(map(show, lacking))}]"
    return f"{name} in [{', '.join(map(show, values))}]"


def wrapped(parts: Sequence[str], first: str, indent: str) -> list[str]:
    """The parts with commas between them, on lines of at most `WIDTH` that never break inside a part."""
    text = ", ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)
    width = WIDTH - max(len(first), len(indent))
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return [(indent if i else first) + line.replace("\N{NO-BREAK SPACE}", " ") for i, line in enumerate(lines)]
