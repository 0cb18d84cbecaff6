"""The bundle as plain Polar answers it: the reference that the diagrams must equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.engine.build import Tracer, combine, decide
from authz_service.engine.polar import Situation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.diagram import Diagram, Diagrams, Value


class Reference:
    """Asks Polar; slow, and free of the diagrams that serve."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def allows(self, key: QuestionKey, subject: Mapping[str, Value], resource: Mapping[str, Value]) -> bool:
        """What `allow` says in a complete situation, given by fact key.

        Raises:
            PolarError: Polar cannot answer.
        """
        polar = self._tracer.polar
        reader = Situation(self._tracer.paths, subject, resource)
        return polar.holds("allow", polar.subject(reader, key[0]), key[1], polar.resource(reader, key[2]))

    def rest(self, diagrams: Diagrams, key: QuestionKey, known: Mapping[str, Value]) -> Diagram:
        """What is left to decide when only these facts (by name) are known: every rule traced over all others.

        Raises:
            PolarError, TooManyLeavesError: a rule cannot be traced.
        """
        subject_type, action, resource_type = key
        fixed = {name: (value,) for name, value in known.items()}
        pair = frozenset({(action, resource_type)})
        subject = self._tracer.facts.subjects[subject_type]
        rules = self._tracer.text.rules
        own: dict[str, Diagram] = {}
        for rule in rules.values():
            leaves = self._tracer.leaves(rule, subject_type, self._tracer.pairs(rule, subject) & pair, fixed)
            own |= dict.fromkeys([rule.id], combine(diagrams, leaves).get((action, resource_type), False))
        return decide(diagrams, rules, own, impossible=False).decision
