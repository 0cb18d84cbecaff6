"""One space for two policies, in which their diagrams can be compared.

It has the facts of both, each with the values of both. A policy that does not declare a fact does not read it; a
situation with a value that a policy does not declare is denied by it, and cannot occur there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.engine.diagram import Diagrams, Node, Variables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authz_service.engine.diagram import Diagram, Value
    from authz_service.engine.policy import Policy, Question


def merged(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """The second order, with what only the first has behind what it follows there."""
    order = list(second)
    known = set(second)
    before: str | None = None
    for name in first:
        if name not in known:
            order.insert(order.index(before) + 1 if before is not None else 0, name)
        before = name
    return order


def merged_values(first: Sequence[Value], second: Sequence[Value]) -> tuple[Value, ...]:
    """The values of the second, then those only the first has; `true` is not "true"."""
    kept = {(type(value), value) for value in second}
    return (*second, *(value for value in first if (type(value), value) not in kept))


def union_of(old: Policy, new: Policy) -> Diagrams:
    """Diagrams over the facts of both policies."""
    variables: dict[str, tuple[Value, ...]] = {}
    for name in merged(list(old.facts), list(new.facts)):
        values = [policy.facts[name].values if name in policy.facts else () for policy in (old, new)]
        variables[name] = merged_values(*values)
    return Diagrams(Variables(variables))


class Translation:
    """Carries the diagrams of one policy into the union."""

    def __init__(self, policy: Policy, into: Diagrams) -> None:
        self.policy, self.into = policy, into
        self._done: dict[Node, Diagram] = {}
        self._domains: dict[tuple[str, str], Diagram] = {}

    def carry(self, d: Diagram, source: Diagrams) -> Diagram:
        """The same function; where a fact has a value that the policy does not declare, False."""
        if isinstance(d, bool):
            return d
        found = self._done.get(d)
        if found is None:
            name = source.names[d.level]
            level = self.into.levels[name]
            values = self.into.values[level]
            indices = [source.index(d.level, value) for value in values]
            children = [False if i is None else self.carry(d.children[i], source) for i in indices]
            if all(isinstance(child, bool) or child.level > level for child in children):
                found = self.into.node(level, children)
            else:
                # The two policies list their facts in different orders.
                found = self.into.any_of(
                    self.into.both(self.into.test(level, [i]), child) for i, child in enumerate(children)
                )
            self._done[d] = found
        return found

    def occurring(self, question: Question) -> Diagram:
        """Where the policy knows every value and does not declare the situation impossible."""
        key = (question.subject_type, question.resource_type)
        found = self._domains.get(key)
        if found is None:
            known = {
                self.into.levels[fact.name]: [
                    i
                    for i, value in enumerate(self.into.values[self.into.levels[fact.name]])
                    if question.diagrams.index(question.diagrams.levels[fact.name], value) is not None
                ]
                for fact in (*question.subject_slots, *question.resource_slots)
            }
            impossible = self.carry(question.impossible_diagram, question.diagrams)
            found = self._domains[key] = self.into.without(self.into.cube(known), impossible)
        return found

    def allowed(self, question: Question) -> Diagram:
        """Where the policy allows."""
        return self.into.both(self.carry(question.diagram, question.diagrams), self.occurring(question))
