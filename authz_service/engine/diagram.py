"""Reduced ordered multi-valued decision diagrams: a function from finite facts to yes or no, in canonical form.

A diagram is `True`, `False` or a `Node`. Two diagrams of one manager stand for the same function exactly when they are
the same object.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Value: TypeAlias = str | bool


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One test: `children[i]` is what remains when the variable at `level` has its i-th value.

    Only a `Diagrams` builds nodes.
    """

    level: int
    children: tuple[Diagram, ...]


Diagram: TypeAlias = Node | bool
_Key: TypeAlias = tuple[int, tuple[Diagram, ...]]


class FrozenDiagramsError(Exception):
    """A node was to be added to diagrams that are shared between threads; work in `Diagrams.scratch()`."""


class Variables:
    """The ordered variables of diagrams; a variable's level is its place.

    Values are strings or booleans, and `True` is not `"true"` nor `1`.
    """

    def __init__(self, variables: Mapping[str, Sequence[Value]]) -> None:
        self.names = tuple(variables)
        self.values: tuple[tuple[Value, ...], ...] = tuple(tuple(values) for values in variables.values())
        self.sizes = tuple(len(values) for values in self.values)
        self.levels = {name: level for level, name in enumerate(self.names)}
        self._indices: list[dict[tuple[type, object], int]] = [
            {(type(value), value): i for i, value in enumerate(values)} for values in self.values
        ]

    def index(self, level: int, value: object) -> int | None:
        """The place of `value` among the values of the variable, or None when it is not one of them."""
        if not isinstance(value, str | bool):
            return None
        return self._indices[level].get((type(value), value))


class Diagrams:
    """The owner of every node: it keeps them unique, and so the diagrams canonical.

    One thread builds; after `freeze()` any number of threads may read, and work in scratches of their own.
    """

    def __init__(self, variables: Variables, inherited: Mapping[_Key, Node] = MappingProxyType({})) -> None:
        self.variables = variables
        self.names, self.values, self.sizes = variables.names, variables.values, variables.sizes
        self.levels, self.index = variables.levels, variables.index
        self._inherited = inherited
        self._nodes: dict[_Key, Node] = {}
        self._and: dict[tuple[Diagram, Diagram], Diagram] = {}
        self._or: dict[tuple[Diagram, Diagram], Diagram] = {}
        self._xor: dict[tuple[Diagram, Diagram], Diagram] = {}
        self._not: dict[Diagram, Diagram] = {}
        self._frozen = False

    def scratch(self) -> Diagrams:
        """A private manager over the same variables that reuses these nodes and adds its own; these must be frozen."""
        if not self._frozen:
            raise ValueError("freeze the diagrams before working in a scratch of them")
        # A scratch of a scratch must find the nodes of both, or equal diagrams would be different objects.
        return Diagrams(self.variables, {**self._inherited, **self._nodes} if self._inherited else self._nodes)

    def freeze(self) -> None:
        """Allow no further node, and forget what only building needs."""
        self._frozen = True
        self._and, self._or, self._xor, self._not = {}, {}, {}, {}

    # Building

    def node(self, level: int, children: Iterable[Diagram]) -> Diagram:
        """The test of one variable; its children test later variables only."""
        kept = tuple(children)
        first = kept[0]
        if all(child is first for child in kept):
            return first
        key = (level, kept)
        found = self._inherited.get(key) or self._nodes.get(key)
        if found is None:
            if self._frozen:
                raise FrozenDiagramsError("these diagrams are shared; work in a scratch of them")
            found = self._nodes[key] = Node(level, kept)
        return found

    def test(self, level: int, accepted: Iterable[int]) -> Diagram:
        """True where the variable has one of the accepted values (by index)."""
        chosen = frozenset(accepted)
        return self.node(level, [i in chosen for i in range(self.sizes[level])])

    def cube(self, accepted: Mapping[int, Iterable[int]]) -> Diagram:
        """True where every named variable has one of its accepted values (by index)."""
        result: Diagram = True
        for level in sorted(accepted, reverse=True):
            chosen = frozenset(accepted[level])
            result = self.node(level, [result if i in chosen else False for i in range(self.sizes[level])])
        return result

    def both(self, a: Diagram, b: Diagram) -> Diagram:
        """Where a and b hold."""
        if a is False or b is False:
            return False
        if a is True or a is b:
            return b
        if b is True:
            return a
        return self._merge(self.both, self._and, a, b)

    def either(self, a: Diagram, b: Diagram) -> Diagram:
        """Where a or b holds."""
        if a is True or b is True:
            return True
        if a is False or a is b:
            return b
        if b is False:
            return a
        return self._merge(self.either, self._or, a, b)

    def differ(self, a: Diagram, b: Diagram) -> Diagram:
        """True where a and b give different answers."""
        if a is b:
            return False
        if isinstance(a, bool):
            return self.negate(b) if a else b
        if isinstance(b, bool):
            return self.negate(a) if b else a
        return self._merge(self.differ, self._xor, a, b)

    def without(self, a: Diagram, b: Diagram) -> Diagram:
        """Where a holds and b does not."""
        return self.both(a, self.negate(b))

    def choose(self, test: Diagram, then: Diagram, otherwise: Diagram) -> Diagram:
        """`then` where test holds, `otherwise` elsewhere."""
        return self.either(self.both(test, then), self.without(otherwise, test))

    def negate(self, a: Diagram) -> Diagram:
        """Where a does not hold."""
        if isinstance(a, bool):
            return not a
        found = self._not.get(a)
        if found is None:
            found = self.node(a.level, [self.negate(child) for child in a.children])
            self._not[a] = found
            self._not[found] = a
        return found

    def all_of(self, diagrams: Iterable[Diagram]) -> Diagram:
        """True where every one holds; combined pairwise, so that intermediate diagrams stay small."""
        return self._fold(self.both, diagrams, True)

    def any_of(self, diagrams: Iterable[Diagram]) -> Diagram:
        """True where at least one holds."""
        return self._fold(self.either, diagrams, False)

    def restrict(self, a: Diagram, fixed: Mapping[int, int]) -> Diagram:
        """What remains of `a` when the variables in `fixed` (level -> value index) have these values."""
        memo: dict[Node, Diagram] = {}

        def walk(d: Diagram) -> Diagram:
            if isinstance(d, bool):
                return d
            found = memo.get(d)
            if found is None:
                known = fixed.get(d.level)
                if known is None:
                    found = self.node(d.level, [walk(child) for child in d.children])
                else:
                    found = walk(d.children[known])
                memo[d] = found
            return found

        return walk(a)

    def _merge(
        self,
        operation: Callable[[Diagram, Diagram], Diagram],
        memo: dict[tuple[Diagram, Diagram], Diagram],
        a: Node,
        b: Node,
    ) -> Diagram:
        key = (a, b) if id(a) < id(b) else (b, a)
        found = memo.get(key)
        if found is None:
            if a.level == b.level:
                pairs = zip(a.children, b.children, strict=True)
                found = self.node(a.level, [operation(x, y) for x, y in pairs])
            else:
                first, other = (a, b) if a.level < b.level else (b, a)
                found = self.node(first.level, [operation(child, other) for child in first.children])
            memo[key] = found
        return found

    @staticmethod
    def _fold(operation: Callable[[Diagram, Diagram], Diagram], diagrams: Iterable[Diagram], unit: bool) -> Diagram:
        row = list(diagrams)
        if not row:
            return unit
        while len(row) > 1:
            paired = [operation(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
            row = paired + row[len(row) - len(row) % 2 :]
        return row[0]

    # Reading: these add no node unless they say so

    def holds(self, a: Diagram, situation: Mapping[int, int]) -> bool:
        """The answer in one situation (level -> value index), which must give every variable that is asked for."""
        while isinstance(a, Node):
            a = a.children[situation[a.level]]
        return a

    def support(self, a: Diagram) -> tuple[int, ...]:
        """The levels the answer depends on, ascending."""
        return tuple(sorted({node.level for node in nodes(a)}))

    def count(self, a: Diagram, levels: Iterable[int], within: Diagram = True) -> int:
        """In how many situations over exactly these variables `a` and `within` hold; `within` adds nodes."""
        order = sorted(set(levels))
        place = {level: i for i, level in enumerate(order)}
        tails = [1] * (len(order) + 1)
        for i in range(len(order) - 1, -1, -1):
            tails[i] = tails[i + 1] * self.sizes[order[i]]
        memo: dict[Node, int] = {}

        def below(d: Diagram, start: int) -> int:
            if isinstance(d, bool):
                return tails[start] if d else 0
            at = place.get(d.level)
            if at is None:
                raise ValueError(f"the diagram depends on {self.variables.names[d.level]}, which is not counted over")
            found = memo.get(d)
            if found is None:
                found = memo[d] = sum(below(child, at + 1) for child in d.children)
            return found * (tails[start] // tails[at])

        return below(self.both(a, within), 0)

    def shortest(self, a: Diagram) -> dict[int, int] | None:
        """The path to True that decides the fewest variables (level -> value index), if there is one."""
        memo: dict[Node, int] = {}
        never = len(self.sizes) + 1

        def cost(d: Diagram) -> int:
            if isinstance(d, bool):
                return 0 if d else never
            found = memo.get(d)
            if found is None:
                found = memo[d] = min(never, 1 + min(cost(child) for child in d.children))
            return found

        if cost(a) >= never:
            return None
        path: dict[int, int] = {}
        while isinstance(a, Node):
            path[a.level] = i = min(range(len(a.children)), key=[cost(child) for child in a.children].__getitem__)
            a = a.children[i]
        return path

    def paths(self, a: Diagram, answer: bool = True) -> Iterator[dict[int, tuple[int, ...]]]:
        """Every path to the answer, as level -> the value indices that take it.

        The paths partition the situations with that answer.
        """
        path: dict[int, tuple[int, ...]] = {}

        def walk(d: Diagram) -> Iterator[dict[int, tuple[int, ...]]]:
            if isinstance(d, bool):
                if d is answer:
                    yield dict(path)
                return
            for child, indices in branches(d).items():
                path[d.level] = indices
                yield from walk(child)
            del path[d.level]

        return walk(a)


def branches(node: Node) -> dict[Diagram, tuple[int, ...]]:
    """The different children of a node, each with the value indices that lead to it."""
    grouped: dict[Diagram, list[int]] = {}
    for i, child in enumerate(node.children):
        grouped.setdefault(child, []).append(i)
    return {child: tuple(indices) for child, indices in grouped.items()}


def nodes(*roots: Diagram) -> Iterator[Node]:
    """Every node below the roots once, children before parents."""
    seen: set[Node] = set()

    def walk(d: Diagram) -> Iterator[Node]:
        if isinstance(d, Node) and d not in seen:
            seen.add(d)
            for child in d.children:
                yield from walk(child)
            yield d

    for root in roots:
        yield from walk(root)
