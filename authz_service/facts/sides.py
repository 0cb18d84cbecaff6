"""The questions of one subject type as two policies have them, and whether what remains of one is the same in both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from authz_service.engine.plan import MissingFactsError, residual
from authz_service.engine.question import InvalidSituationError
from authz_service.facts.shapes import Shapes, source_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from authz_service.engine import Question
    from authz_service.engine.diagram import Diagram
    from authz_service.engine.facts import Fact
    from authz_service.facts.decision import Asked, Decider
    from authz_service.facts.derive import Seat
    from models.vocabulary import SubjectType

_KEPT = 4096


class Place(NamedTuple):
    """A question as it is asked before and after; None where that policy has no such question."""

    action: str
    kind: str
    sides: tuple[Asked | None, Asked | None]
    # Whether both read the same facts of an item, from the same: what cannot be read is denied whatever remains.
    reads_alike: bool


class Sides:
    """What two policies (or one, twice) are asked, but what both deny whatever is the case.

    `without` are types of resource that are left out.
    """

    def __init__(
        self, deciders: tuple[Decider, Decider], subject_type: SubjectType, *, without: Collection[str] = ()
    ) -> None:
        self.one_policy = deciders[0] is deciders[1]
        self._deciders = deciders
        self._subject_type = subject_type
        self._shapes = Shapes()
        keys = dict.fromkeys(
            (action, kind)
            for each in deciders
            for kind, actions in each.policy.resource_types.items()
            for action in actions
            if kind not in without
        )
        self.places = [place for key in keys if (place := self._place(*key)) is not None]
        self._rests: dict[tuple[Any, ...], tuple[Diagram | None, ...]] = {}

    def _place(self, action: str, kind: str) -> Place | None:
        before, after = (each.prepared(self._subject_type, action, kind) for each in self._deciders)
        if not any(each is not None and each.question.diagram is not False for each in (before, after)):
            return None
        alike = self.one_policy or (
            before is not None
            and after is not None
            and _declared(facts_of(before.question)) == _declared(facts_of(after.question))
        )
        return Place(action, kind, (before, after), alike)

    def keep_differing(self) -> None:
        """Leave out every question that both policies answer alike, whoever asks."""
        slots = [each.policy.subject_slots(self._subject_type) for each in self._deciders]
        # A row with a value that a fact does not have is an error for every question, read there or not.
        if _declared(slots[0]) == _declared(slots[1]):
            self.places = [place for place in self.places if not self._answers_alike(place)]
            self._rests.clear()

    def _answers_alike(self, place: Place) -> bool:
        before, after = place.sides
        if before is None or after is None or not place.reads_alike:
            return False
        old, new = before.question, after.question
        return all(
            self._shapes.of(old, one) == self._shapes.of(new, other)
            for one, other in ((old.diagram, new.diagram), (old.impossible_diagram, new.impossible_diagram))
        )

    def rests_of(self, side: int, seat: Seat) -> tuple[Diagram | None, ...]:
        """What remains of each question for who sits there, in the order of `places`; None: not even that is known."""
        key = (0 if self.one_policy else side, seat.subject)
        found = self._rests.get(key)
        if found is None:
            if len(self._rests) >= _KEPT:
                self._rests.clear()
            found = self._rests[key] = tuple(_rest(place.sides[side], seat) for place in self.places)
        return found

    def alike(self, at: int, one: Diagram | None, other: Diagram | None) -> bool:
        """Whether the same remains of a question; what is not known is like nothing."""
        place = self.places[at]
        if one is None or other is None or (one is False) is not (other is False):
            return False
        if one is False or self.one_policy:
            return one is other
        before, after = place.sides
        if not place.reads_alike or before is None or after is None:
            return False
        return self._shapes.of(before.question, one) == self._shapes.of(after.question, other)


def facts_of(question: Question, remaining: Diagram | None = None) -> tuple[Fact, ...]:
    """The facts of the resource that a question reads, or only those that what remains of it tests."""
    diagram = question.diagram if remaining is None else remaining
    read = {question.diagrams.names[level] for level in question.diagrams.support(diagram)}
    return tuple(fact for fact in question.resource_slots if fact.name in read)


def _declared(facts: Iterable[Fact]) -> frozenset[tuple[object, ...]]:
    return frozenset((fact.name, source_of(fact), frozenset(fact.values)) for fact in facts)


def _rest(asked: Asked | None, seat: Seat) -> Diagram | None:
    if asked is None:
        return False
    try:
        return residual(asked.question, seat.subject)
    except (MissingFactsError, InvalidSituationError):
        return None
