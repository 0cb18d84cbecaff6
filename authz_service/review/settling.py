"""What another bundle says to a situation that was recorded: yes, no, or that the record does not tell."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from authz_service.engine import MISSING
from authz_service.engine.forcing import reachable
from authz_service.engine.plan import MissingFactsError, residual
from authz_service.engine.question import InvalidSituationError
from authz_service.facts.shapes import Shapes, is_read_alike
from authz_service.trail.legend import spell_out
from authz_service.workbench.difference import NO_RULE_PERMITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authz_service.engine import Policy, Question
    from authz_service.engine.facts import Fact

_KEPT = 20_000
UNKNOWN_FACTS = "the answer depends on what was not known"


class Settled(NamedTuple):
    """Whether the other bundle allows the situation; None where the record does not tell, and `why` not.

    `whole`: `why` holds for the decision as such, whatever its other situations are. `alike`: of a list, the same
    condition is left as in the bundle that decided.
    """

    allowed: bool | None
    why: str = ""
    whole: bool = False
    alike: bool = False


class _How(StrEnum):
    """How the other bundle's fact compares with what was recorded under its name."""

    SAME = "same"
    OTHERWISE = "otherwise"  # it is read from elsewhere
    NEW = "new"  # the bundle that decided does not know it


class _Read(NamedTuple):
    """A recorded situation, as far as it is one of the other bundle's: its facts, and those nobody can know."""

    subject: tuple[Any, ...]
    resource: tuple[Any, ...]
    unrecorded: dict[int, str]  # level -> why


class Settling:
    """Recorded situations of one bundle, put to another."""

    def __init__(self, old: Policy, new: Policy, legend: Mapping[str, Any]) -> None:
        self.old, self.new = old, new
        self._legend = legend
        self._shapes = Shapes()
        self._questions: dict[tuple[str, str, str], _Asking | None] = {}
        self._settled: dict[tuple[str, str, str, bool, str], Settled] = {}
        self._alike: dict[str, bool] = {}

    def settle(
        self, subject_type: str, action: str, resource_type: str, facts: str, *, is_list: bool
    ) -> Settled | None:
        """What becomes of one situation; None where the other bundle has no such question."""
        key = (subject_type, action, resource_type, is_list, facts)
        found = self._settled.get(key)
        if found is None:
            asking = self._asking(subject_type, action, resource_type)
            if asking is None:
                return None
            known = spell_out(self._legend, subject_type, resource_type, facts)  # type: ignore[arg-type]
            found = asking.settle_list(known) if is_list else asking.settle(known)
            if len(self._settled) >= _KEPT:
                self._settled.clear()
            self._settled[key] = found
        return found

    def declares_alike(self, subject_type: str) -> bool:
        """Whether both bundles read the same facts of a subject, with the same values: none fails in one alone."""
        found = self._alike.get(subject_type)
        if found is None:
            mine, theirs = (
                {fact.name: fact for fact in policy.subject_slots(subject_type)} for policy in (self.old, self.new)
            )
            found = self._alike[subject_type] = mine.keys() == theirs.keys() and all(
                is_read_alike(fact, theirs[name]) and set(fact.values) == set(theirs[name].values)
                for name, fact in mine.items()
            )
        return found

    def rules(self, subject_type: str, action: str, resource_type: str, facts: str) -> tuple[list[str], list[str]]:
        """The rules that decide the situation: in the bundle that decided it, and in the other one."""
        asking = self._asking(subject_type, action, resource_type)
        if asking is None:
            return [], []
        known = spell_out(self._legend, subject_type, resource_type, facts)  # type: ignore[arg-type]
        return asking.rules(known)

    def _asking(self, subject_type: str, action: str, resource_type: str) -> _Asking | None:
        key = (subject_type, action, resource_type)
        if key not in self._questions:
            old, new = self.old.question(*key), self.new.question(*key)
            self._questions[key] = None if old is None or new is None else _Asking(old, new, self._shapes)
        return self._questions[key]


class _Asking:
    """One question in both bundles."""

    def __init__(self, old: Question, new: Question, shapes: Shapes) -> None:
        self.old, self.new, self._shapes = old, new, shapes
        self._how = {
            fact.name: _compared(fact, {each.name: each for each in slots})
            for facts, slots in ((new.subject_slots, old.subject_slots), (new.resource_slots, old.resource_slots))
            for fact in facts
        }
        self._reads = _names_read(new)
        self._recorded = _names_read(old)

    def settle(self, known: Mapping[str, Any]) -> Settled:
        read = self._read(known, of_item=True)
        if isinstance(read, Settled):
            return read
        question, subject, resource = self.new, read.subject, read.resource
        if not read.unrecorded:  # As `facts.decision.answer` asks.
            complete = MISSING not in subject and all(
                value is not MISSING or fact.name not in self._reads
                for fact, value in zip(question.resource_slots, resource, strict=True)
            )
            if complete and not question.impossible(subject, resource):
                return Settled(question.decide(subject, resource))
            return Settled(question.answer(subject, resource).decision)
        fixed = _fixed(question, subject, resource)
        if not reachable(question.diagram, fixed):
            return Settled(False)
        if not reachable(question.diagram, fixed, answer=False):
            # With an unrecorded fact it may be a situation that cannot occur, and that is denied.
            hanging = self._hanging(question.impossible_diagram, fixed)
            certain = not reachable(question.impossible_diagram, fixed)
            if certain or (hanging and not hanging & read.unrecorded.keys()):
                return Settled(True)
            return Settled(None, "it may be a situation that cannot occur in this bundle")
        if hanging := self._hanging(question.diagram, fixed) & read.unrecorded.keys():
            return Settled(None, read.unrecorded[min(hanging)])
        # What was asked for and not there is not there for the other bundle either, which then denies with an error.
        return Settled(False)

    def settle_list(self, known: Mapping[str, Any]) -> Settled:
        """For all items of the type: whether anything is left for them to be compared with."""
        read = self._read(known, of_item=False)
        if isinstance(read, Settled):
            return read
        try:
            left = residual(self.new, read.subject)
        except MissingFactsError as error:
            return Settled(None, f"the list depends on {', '.join(error.missing)}")
        if isinstance(left, bool):
            return Settled(left, alike=self._left_then(known) == left)
        alike = self._left_then(known) == self._shapes.of(self.new, left)
        return Settled(None, "what is left of a list depends on what its items are compared with", alike=alike)

    def rules(self, known: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        read = self._read(known, of_item=True)
        subject, resource = _values(self.old, known)
        after = [] if isinstance(read, Settled) else list(_deciding(self.new, read.subject, read.resource))
        return list(_deciding(self.old, subject, resource)), after

    def _read(self, known: Mapping[str, Any], *, of_item: bool) -> _Read | Settled:
        levels = self.new.diagrams.levels
        unrecorded: dict[int, str] = {}
        sides: list[tuple[Any, ...]] = []
        for slots, is_subject in ((self.new.subject_slots, True), (self.new.resource_slots, False)):
            values: list[Any] = []
            for fact in slots:
                values.append(MISSING)
                level = levels[fact.name]
                if not is_subject and (not of_item or fact.name not in self._reads):
                    continue
                how = self._how[fact.name]
                if how is not _How.SAME:
                    unrecorded[level] = _NOT_RECORDED[how].format(fact=fact.name)
                    continue
                value = known.get(fact.name, MISSING)
                if value is MISSING:
                    if not is_subject and fact.name not in self._recorded:
                        unrecorded[level] = _NOT_RECORDED[_How.NEW].format(fact=fact.name)
                elif self.new.diagrams.index(level, value) is None:
                    return Settled(None, f"{fact.name} had a value that this bundle does not know", whole=is_subject)
                else:
                    values[-1] = value
            sides.append(tuple(values))
        return _Read(sides[0], sides[1], unrecorded)

    def _hanging(self, diagram: Any, fixed: Mapping[int, int]) -> set[int]:
        """The levels on which what remains depends."""
        diagrams = self.new.diagrams.scratch()
        return set(diagrams.support(diagrams.restrict(diagram, fixed)))

    def _left_then(self, known: Mapping[str, Any]) -> int | bool | None:
        subject, _ = _values(self.old, known)
        try:
            return self._shapes.of(self.old, residual(self.old, subject))
        except (MissingFactsError, InvalidSituationError):
            return None


_NOT_RECORDED = {
    _How.NEW: "{fact} was not recorded",
    _How.OTHERWISE: "{fact} is read from elsewhere in this bundle",
}


def _compared(fact: Fact, recorded: Mapping[str, Fact]) -> _How:
    mine = recorded.get(fact.name)
    if mine is None:
        return _How.NEW
    return _How.SAME if is_read_alike(mine, fact) else _How.OTHERWISE


def _names_read(question: Question) -> frozenset[str]:
    names = question.diagrams.names
    return frozenset(names[level] for level in question.diagrams.support(question.diagram))


def _fixed(question: Question, subject: tuple[Any, ...], resource: tuple[Any, ...]) -> dict[int, int]:
    diagrams = question.diagrams
    pairs = zip((*question.subject_slots, *question.resource_slots), (*subject, *resource), strict=True)
    placed = ((diagrams.levels[fact.name], value) for fact, value in pairs)
    indices = ((level, diagrams.index(level, value)) for level, value in placed)
    return {level: index for level, index in indices if index is not None}


def _values(question: Question, known: Mapping[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The slots of the bundle that recorded the situation."""
    subject = tuple(known.get(fact.name, MISSING) for fact in question.subject_slots)
    return subject, tuple(known.get(fact.name, MISSING) for fact in question.resource_slots)


def _deciding(question: Question, subject: tuple[Any, ...], resource: tuple[Any, ...]) -> Iterator[str]:
    """The permits that hold where it is allowed; the forbids that hold where it is not, or what else is in the way."""
    try:
        fixed = question.know(subject, resource).fixed
    except InvalidSituationError:
        yield "the situation cannot occur"
        return
    allowed = not reachable(question.diagram, fixed, answer=False)
    if not allowed and reachable(question.diagram, fixed):
        yield UNKNOWN_FACTS
        return
    effect = "permit" if allowed else "forbid"
    held = [
        rule_id
        for rule_id, diagram in question.rule_diagrams.items()
        if question.rules[rule_id].effect == effect and not reachable(diagram, fixed, answer=False)
    ]
    yield from held or [NO_RULE_PERMITS]
