"""Why an answer is what it is: the rules and facts that decided, and the nearest situations answered otherwise.

This is the whole truth, for administrators and the trail; what a family may read of it stands in `refusal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from authz_service.engine.facts import Level
from authz_service.engine.forcing import alternatives, cheapest, reachable, sufficient
from authz_service.engine.question import InvalidSituationError
from authz_service.engine.refusal import NOT_FOUND, Refusal, refusal_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from authz_service.engine.diagram import Diagram, Diagrams, Value
    from authz_service.engine.facts import Fact
    from authz_service.engine.question import Answer, Question

_NEAREST = 5
# Among equally many changes, what a practice can switch comes before what would make it another item or person.
_EASE = (Level.GRANT, Level.CLIENT, Level.PRACTICE, Level.ITEM, Level.PERSON, Level.PLATFORM)


class Because(StrEnum):
    """In which way a decision came about."""

    PERMITTED = "permitted"  # a permit holds and no forbid does
    FORBIDDEN = "forbidden"  # a forbid holds
    NOT_PERMITTED = "not_permitted"  # no forbid is needed: no permit holds
    UNKNOWN = "unknown"  # facts are missing on which the answer hangs
    ERROR = "error"  # a value outside its domain, or a situation that cannot occur


@dataclass(frozen=True, slots=True)
class DecidingFact:
    """A fact without which the answer would not be forced, and those of the determining rules that read it."""

    name: str
    value: Value
    level: Level
    says: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that would have to be otherwise (`before` is None where it is missing), and who controls it."""

    fact: str
    before: Value | None
    to: Value
    controlled_by: Level
    says: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """A situation that is answered otherwise; none of its changes can be left out."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a question was answered as it was.

    `rules` are the permits that hold, the forbids that hold, or, where neither does, the permits that came nearest.
    `facts` is a minimal set that forces the answer; under several forbids it holds such a set for each.
    `nearest` lists at most five situations with the other answer, fewest changes first, one for each set of facts.
    `refusal` is what a family may be told of a denial (None for an allowed question).
    """

    decision: bool
    because: Because
    rules: tuple[str, ...] = ()
    facts: tuple[DecidingFact, ...] = ()
    nearest: tuple[Nearest, ...] = ()
    missing: tuple[str, ...] = ()
    error: str | None = None
    refusal: Refusal | None = None


def explain(question: Question, s: tuple[object, ...], r: tuple[object, ...]) -> Explanation:
    """Explain the answer to one situation. Where the situation is none or cannot occur, the error is all there is."""
    answer = question.answer(s, r)
    try:
        known = question.know(s, r).fixed
    except InvalidSituationError as error:
        return Explanation(decision=False, because=Because.ERROR, error=str(error), refusal=NOT_FOUND)
    refusal = None if answer.decision else refusal_of(question, s) or NOT_FOUND
    return _Explaining(question, known).explain(answer, refusal)


def family_view(explanation: Explanation) -> Refusal:
    """What a family may read: `not_found` wherever the item or a block decides. ValueError for an allowed one."""
    if explanation.refusal is None:
        raise ValueError("the question was allowed, so there is no refusal to tell")
    return explanation.refusal


class _Explaining:
    """The work on one explanation, in diagrams of its own."""

    def __init__(self, question: Question, known: Mapping[int, int]) -> None:
        self.question = question
        self.known = known
        self.diagrams: Diagrams = question.diagrams.scratch()
        slots = (*question.subject_slots, *question.resource_slots)
        self.facts: dict[int, Fact] = {self.diagrams.levels[fact.name]: fact for fact in slots}
        # One change outweighs any ease: levels of control and sizes of domains only break ties.
        self.weights = {
            level: 1_000_000 + 1_000 * _EASE.index(fact.controlled_by) + len(fact.values)
            for level, fact in self.facts.items()
        }

    def explain(self, answer: Answer, refusal: Refusal | None) -> Explanation:
        decision = answer.decision
        because, rules = (Because.UNKNOWN, []) if answer.missing else self.determining(decision)
        target = self.question.diagram if not decision else self.diagrams.negate(self.question.diagram)
        return Explanation(
            decision=decision,
            because=because,
            rules=tuple(rules),
            facts=tuple(self.deciding(because, rules)),
            nearest=tuple(
                Nearest(tuple(self.changes(step)))
                for step in alternatives(self.diagrams, self.possible(target), self.known, self.weights, _NEAREST)
            ),
            missing=answer.missing,
            error=answer.error,
            refusal=refusal,
        )

    def possible(self, d: Diagram) -> Diagram:
        return self.diagrams.without(d, self.question.impossible_diagram)

    def rules_of(self, effect: str) -> Iterator[tuple[str, Diagram]]:
        for rule_id, diagram in self.question.rule_diagrams.items():
            if self.question.rules[rule_id].effect == effect and diagram is not False:
                yield rule_id, diagram

    def determining(self, decision: bool) -> tuple[Because, list[str]]:
        if decision:
            return Because.PERMITTED, self.holding("permit")
        if forbids := self.holding("forbid"):
            return Because.FORBIDDEN, forbids
        if any(reachable(d, self.known) for _, d in self.rules_of("permit")):
            # Facts are missing, and each way of supplying them meets one forbid or another.
            return Because.FORBIDDEN, [rule_id for rule_id, d in self.rules_of("forbid") if reachable(d, self.known)]
        return Because.NOT_PERMITTED, self.nearest_permits()

    def holding(self, effect: str) -> list[str]:
        """The rules that hold, whatever the missing facts."""
        return [rule_id for rule_id, d in self.rules_of(effect) if not reachable(d, self.known, answer=False)]

    def nearest_permits(self) -> list[str]:
        """The permits that the fewest changes would make hold."""
        counts: dict[str, int] = {}
        for rule_id, d in self.rules_of("permit"):
            step = cheapest(self.possible(d), self.known, self.weights)
            if step is not None:
                counts[rule_id] = len(step[1])
        return [rule_id for rule_id, count in counts.items() if count == min(counts.values())]

    def deciding(self, because: Because, rules: Iterable[str]) -> Iterator[DecidingFact]:
        if because is Because.UNKNOWN:
            return
        forced: dict[int, list[str]] = {}
        if because is Because.FORBIDDEN:
            for rule_id in rules:
                d = self.question.rule_diagrams[rule_id]
                for level in self.sufficient(self.diagrams.negate(d)):
                    forced.setdefault(level, []).append(rule_id)
        if not forced:
            counter = {
                Because.PERMITTED: self.diagrams.negate(self.question.diagram),
                Because.NOT_PERMITTED: self.question.permit_diagram,
            }.get(because, self.question.diagram)
            reads = {rule_id: self.diagrams.support(self.question.rule_diagrams[rule_id]) for rule_id in rules}
            for level in self.sufficient(counter):
                forced[level] = [rule_id for rule_id, support in reads.items() if level in support]
        for level in sorted(forced):
            fact = self.facts[level]
            value = self.diagrams.values[level][self.known[level]]
            yield DecidingFact(fact.name, value, fact.controlled_by, fact.says, tuple(forced[level]))

    def sufficient(self, counter: Diagram) -> dict[int, int]:
        """Facts declared late, those of the item, are given up first."""
        counter = self.possible(counter)
        return sufficient(counter, self.known, sorted(self.known, reverse=True)) or {}

    def changes(self, step: Mapping[int, int]) -> Iterator[Change]:
        for level, index in sorted(step.items()):
            fact = self.facts[level]
            values = self.diagrams.values[level]
            before = values[self.known[level]] if level in self.known else None
            yield Change(fact.name, before, values[index], fact.controlled_by, fact.says)
