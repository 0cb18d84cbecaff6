"""Which facts force an answer, and which changes of facts would bring another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.engine.diagram import Diagram, Diagrams, Node, nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def reachable(d: Diagram, known: Mapping[int, int], answer: bool = True) -> bool:
    """Whether some situation with these known facts (level -> value index) has the answer."""
    waiting: list[Diagram] = [d]
    seen: set[Diagram] = set()
    while waiting:
        at = waiting.pop()
        if isinstance(at, bool):
            if at is answer:
                return True
        elif at not in seen:
            seen.add(at)
            index = known.get(at.level)
            if index is None:
                waiting.extend(at.children)
            else:
                waiting.append(at.children[index])
    return False


def sufficient(counter: Diagram, known: Mapping[int, int], order: Iterable[int]) -> dict[int, int] | None:
    """A minimal part of the known facts under which `counter` cannot hold; None when all of them do not exclude it.

    Facts that come early in `order` are given up first; leaving out any fact of the result would let `counter` hold.
    """
    if reachable(counter, known):
        return None
    read = {node.level for node in nodes(counter)}
    kept = {level: index for level, index in known.items() if level in read}
    for level in order:
        if level in kept:
            index = kept.pop(level)
            if reachable(counter, kept):
                kept[level] = index
    return kept


def cheapest(
    target: Diagram, known: Mapping[int, int], weights: Mapping[int, int]
) -> tuple[int, dict[int, int]] | None:
    """The lightest changes of known facts after which `target` holds (level -> new value index), with their weight.

    A fact that is not known has to be supplied, which costs its weight as well. None when nothing makes it hold.
    """
    memo: dict[Diagram, int | None] = {True: 0, False: None}

    def steps(node: Node) -> list[tuple[int, bool, int]]:
        current = known.get(node.level)
        found = []
        for i, child in enumerate(node.children):
            below = cost(child)
            if below is not None:
                found.append((below + (0 if i == current else weights[node.level]), i != current, i))
        return found

    def cost(d: Diagram) -> int | None:
        if d not in memo and isinstance(d, Node):
            memo[d] = min((step[0] for step in steps(d)), default=None)
        return memo[d]

    total = cost(target)
    if total is None:
        return None
    changes: dict[int, int] = {}
    at = target
    while isinstance(at, Node):
        _, changed, index = min(steps(at))
        if changed:
            changes[at.level] = index
        at = at.children[index]
    return total, changes


def alternatives(
    diagrams: Diagrams, target: Diagram, known: Mapping[int, int], weights: Mapping[int, int], limit: int
) -> list[dict[int, int]]:
    """The lightest minimal sets of changes after which `target` holds, lightest first (adds nodes).

    No result contains another, because after each at least one of its facts has to stay as it is.
    """
    found: list[dict[int, int]] = []
    while len(found) < limit:
        step = cheapest(target, known, weights)
        if step is None or not step[1]:
            break
        changes = step[1]
        found.append(changes)
        unchanged = [diagrams.test(level, [known[level]]) for level in changes if level in known]
        target = diagrams.both(target, diagrams.any_of(unchanged))
    return found
