"""Diagrams of several policies made comparable: equal shapes are equal conditions on the raw properties of an item."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from authz_service.engine import Question
    from authz_service.engine.diagram import Diagram, Node
    from authz_service.engine.facts import Fact

Shape: TypeAlias = int | bool


class Shapes:
    """Numbers diagrams by what they test and from where it is read.

    Different shapes may still be equal conditions, where two policies order their facts or values otherwise.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[object, ...], int] = {}
        # By node, which belongs to one policy; the node is kept, so another cannot take its place.
        self._known: dict[Node, Shape] = {}

    def of(self, question: Question, d: Diagram) -> Shape:
        """The shape of a diagram over the facts of a question, such as its own or what `residual` leaves."""
        if isinstance(d, bool):
            return d
        found = self._known.get(d)
        if found is None:
            name = question.diagrams.names[d.level]
            fact = next(fact for fact in (*question.resource_slots, *question.subject_slots) if fact.name == name)
            tests = tuple(
                (type(value), value, self.of(question, child))
                for value, child in zip(fact.values, d.children, strict=True)
            )
            key = (name, source_of(fact), tests)
            # Told from True and False, which equal 1 and 0.
            found = self._known[d] = self._numbers.setdefault(key, len(self._numbers) + 2)
        return found


def source_of(fact: Fact) -> str:
    """From where a fact is read, in its own order: the first entry of a `match` wins."""
    return json.dumps(fact.source, default=str)


def is_read_alike(one: Fact, other: Fact) -> bool:
    """Whether both facts get the same value from the same rows, as long as it is a value of both."""
    if source_of(one) != source_of(other):
        return False
    # What is left over of a `match` stands for whatever is not listed.
    return "match" not in (one.source or {}) or set(one.values) == set(other.values)
