"""Turns a diagram into a Python function: nested tests of two tuples, each path ending in a return.

A value outside its domain falls through every test and is answered with False.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from authz_service.engine.diagram import Diagram, Node, branches, nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authz_service.engine.diagram import Value, Variables

# Written out as a tree a diagram may explode; shared parts beyond this many tests become functions of their own.
_TREE_MAX = 300
_SHARED_MIN = 12
_DEPTH_MAX = 40


def compile_diagram(
    diagram: Diagram, variables: Variables, slots: Mapping[int, str], name: str = "decide"
) -> Callable[[tuple[object, ...], tuple[object, ...]], bool]:
    """The function of a diagram; `slots` says where each variable stands, as `s[0]` or `r[3]`."""
    scope: dict[str, Any] = {}
    exec(compile(write_source(diagram, variables, slots, name), f"<{name}>", "exec"), scope)  # noqa: S102 - text written below
    return scope[name]  # type: ignore[no-any-return]


def write_source(diagram: Diagram, variables: Variables, slots: Mapping[int, str], name: str) -> str:
    """The Python text of a diagram."""
    writer = _Writer(variables, slots, diagram)
    writer.function(name, diagram)
    while writer.waiting:
        writer.function(*writer.waiting.pop())
    return "\n".join(writer.lines)


class _Writer:
    def __init__(self, variables: Variables, slots: Mapping[int, str], root: Diagram) -> None:
        self.variables, self.slots = variables, slots
        self.lines: list[str] = []
        self.waiting: list[tuple[str, Node]] = []
        self.names: dict[Node, str] = {}
        size: dict[Diagram, int] = {True: 0, False: 0}
        parents: Counter[Diagram] = Counter()
        for node in nodes(root):
            children = branches(node)
            size[node] = 1 + sum(size[child] for child in children)
            parents.update(list(children))
        self.shared = (
            {node for node in size if isinstance(node, Node) and parents[node] > 1 and size[node] >= _SHARED_MIN}
            if size[root] > _TREE_MAX
            else set()
        )

    def function(self, name: str, diagram: Diagram) -> None:
        self.lines.append(f"def {name}(s, r):")
        self.block(diagram, 1, top=True)

    def block(self, diagram: Diagram, depth: int, *, top: bool = False) -> None:
        """Lines that answer for the diagram; every way through them returns."""
        indent = " " * depth
        if isinstance(diagram, bool):
            self.lines.append(f"{indent}return {diagram}")
            return
        if not top and (diagram in self.shared or depth > _DEPTH_MAX):
            if diagram not in self.names:
                self.names[diagram] = f"part_{len(self.names)}"
                self.waiting.append((self.names[diagram], diagram))
            self.lines.append(f"{indent}return {self.names[diagram]}(s, r)")
            return
        values = self.variables.values[diagram.level]
        groups = [
            (child, [values[i] for i in indices]) for child, indices in branches(diagram).items() if child is not False
        ]
        place = self.slots[diagram.level]
        if len(groups) > 1 and not isinstance(values[0], bool):
            self.lines.append(f"{indent}v = {place}")
            place = "v"
        for child, accepted in groups:
            self.lines.append(f"{indent}if {_test(place, accepted)}:")
            self.block(child, depth + 1)
        self.lines.append(f"{indent}return False")


def _test(place: str, accepted: list[Value]) -> str:
    first = accepted[0]
    if isinstance(first, bool):
        return f"{place} is {first}"
    if len(accepted) == 1:
        return f"{place} == {first!r}"
    return f"{place} in {{{', '.join(map(repr, accepted))}}}"
