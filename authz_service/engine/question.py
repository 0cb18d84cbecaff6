"""One question of a policy: may this kind of subject do this action on this kind of resource?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from authz_service.engine.compile import compile_diagram
from authz_service.engine.diagram import Diagram, Diagrams, Node
from authz_service.engine.errors import shorten, suggest
from authz_service.engine.facts import Facts, Side, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.engine.build import Decision, QuestionKey
    from authz_service.engine.facts import Fact
    from authz_service.engine.lint import Rule


class Missing(Enum):
    """Stands in a slot for a fact that is not known."""

    MISSING = "missing"

    __hash__ = object.__hash__  # Enum's own is written in Python, and tuples of facts are hashed for every record.


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Answer:
    """Allowed or not; what was wrong with the question, and the missing facts on which the answer depends."""

    decision: bool
    error: str | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What a situation says: value indices by level, and the facts it lacks."""

    fixed: Mapping[int, int]
    missing: tuple[Fact, ...]


class InvalidSituationError(Exception):
    """A slot holds no value of its fact, the number of slots is wrong, or the situation cannot occur."""


class Question:
    """Immutable, shared between threads.

    A situation is two tuples, `s` and `r`, with one domain value for each fact in `subject_slots` and `resource_slots`.
    `decide(s, r)` answers complete situations; a value outside its domain (`MISSING` too) that it meets is denied.
    `impossible(s, r)` tells situations that are declared to be impossible: to meet one is an error and denied.
    """

    __slots__ = (
        "_facts", "action", "decide", "diagram", "diagrams", "forbid_diagram", "impossible", "impossible_diagram",
        "permit_diagram", "resource_slots", "resource_type", "rule_diagrams", "rules", "subject_slots", "subject_type",
    )  # fmt: skip

    def __init__(
        self, key: QuestionKey, facts: Facts, diagrams: Diagrams, rules: Mapping[str, Rule], decision: Decision
    ) -> None:
        self.subject_type, self.action, self.resource_type = key
        self._facts = facts
        self.subject_slots = facts.slots(Side.SUBJECT, self.subject_type)
        self.resource_slots = facts.slots(Side.RESOURCE, self.resource_type)
        self.diagrams = diagrams
        self.rules = rules
        self.rule_diagrams = decision.rules
        self.permit_diagram, self.forbid_diagram = decision.permit, decision.forbid
        self.diagram = decision.decision
        self.impossible_diagram = decision.impossible
        places = {diagrams.levels[fact.name]: f"s[{i}]" for i, fact in enumerate(self.subject_slots)}
        places |= {diagrams.levels[fact.name]: f"r[{i}]" for i, fact in enumerate(self.resource_slots)}
        self.decide = compile_diagram(self.diagram, diagrams.variables, places)
        self.impossible = compile_diagram(self.impossible_diagram, diagrams.variables, places, "impossible")

    def answer(self, s: tuple[object, ...], r: tuple[object, ...]) -> Answer:
        """Answer any situation, also one with missing facts: allowed or denied if every completion of it is.

        An invalid or impossible situation, and one whose completions differ, is denied with an error.
        """
        try:
            known = self.know(s, r)
        except InvalidSituationError as error:
            return Answer(decision=False, error=str(error))
        if not known.missing:
            return Answer(self.decide(s, r))
        return self.conclude(self.diagrams.scratch().restrict(self.diagram, known.fixed), known)

    def know(self, s: tuple[object, ...], r: tuple[object, ...]) -> Known:
        """Read a situation.

        Raises:
            InvalidSituationError: it is none, or it cannot occur.
        """
        slots = (*self.subject_slots, *self.resource_slots)
        if len(s) != len(self.subject_slots) or len(r) != len(self.resource_slots):
            raise InvalidSituationError("the number of facts does not fit the question")
        fixed: dict[int, int] = {}
        missing: list[Fact] = []
        errors: list[str] = []
        for fact, value in zip(slots, (*s, *r), strict=True):
            level = self.diagrams.levels[fact.name]
            index = self.diagrams.index(level, value)
            if value is MISSING:
                missing.append(fact)
            elif index is None:
                errors.append(no_value(fact, value))
            else:
                fixed[level] = index
        if errors:
            raise InvalidSituationError("; ".join(errors))
        excluded = (
            self.diagrams.scratch().restrict(self.impossible_diagram, fixed) if missing else self.impossible(s, r)
        )
        if excluded is True:
            raise InvalidSituationError(self._impossible_text(fixed))
        return Known(fixed, tuple(missing))

    def conclude(self, rest: Diagram, known: Known) -> Answer:
        """The answer when `rest` is what remains to be decided by the missing facts."""
        if not isinstance(rest, Node):
            return Answer(decision=rest)
        deciding = [self.diagrams.names[level] for level in self.diagrams.support(rest)]
        error = f"the answer depends on missing facts: {', '.join(deciding)}"
        if others := [fact.name for fact in known.missing if fact.name not in deciding]:
            error += f" (also missing: {', '.join(others)})"
        return Answer(decision=False, error=error, missing=tuple(deciding))

    def _impossible_text(self, fixed: Mapping[int, int]) -> str:
        values = {self.diagrams.names[level]: self.diagrams.values[level][index] for level, index in fixed.items()}
        for entry in self._facts.impossible:
            if all(values.get(name) in accepted for name, accepted in entry.matches.items()):
                facts = " and ".join(f"{name} = {show(values[name])}" for name in entry.matches)
                return f"this situation cannot occur: {facts} ({entry.file}:{entry.line})"
        return "this situation cannot occur, whatever the missing facts"


def no_value(fact: Fact, value: object) -> str:
    """The sentence for a value outside a fact's domain."""
    try:
        written = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        written = repr(value)
    return f"{shorten(written)} is no value of {fact.name}{suggest(str(value), map(show, fact.values))}"
