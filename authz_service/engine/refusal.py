"""What a family may be told about a refusal.

A refusal may be told when the facts that may be told force it by themselves: then it reads the same whatever the item,
whether the item exists, and whether a block stands behind it. Otherwise the answer is `not_found`, the same as for an
item that is not there. A fact that is not listed here is never told.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from authz_service.engine.forcing import sufficient
from authz_service.engine.plan import fixed_levels

if TYPE_CHECKING:
    from authz_service.engine.diagram import Value
    from authz_service.engine.facts import Level
    from authz_service.engine.question import Question


class Reason(StrEnum):
    """Why a family is refused; where several reasons suffice, the one listed first is given."""

    LOCKED = "locked"
    AUTHN = "authn"
    STATUS = "status"
    WINDOW = "window"
    KIND = "kind"
    CONTACTS = "contacts"
    PLAN_AUDIENCE = "plan_audience"
    CARD_PROCESSING = "card_processing"
    ASSENT = "assent"
    PROOF = "proof"
    AGE = "age"
    INACTIVE = "inactive"
    PRACTICE_SWITCH = "practice_switch"
    CLIENT_SWITCH = "client_switch"
    TOGGLE = "toggle"
    PLATFORM = "platform"  # refused to every family, whatever the facts
    NOT_FOUND = "not_found"


# The facts that may be told (by their name without parameter), and the reason each stands for.
TELLABLE = {
    "subject.account.state": Reason.LOCKED,
    "subject.account.password": Reason.AUTHN,
    "subject.second_factor": Reason.AUTHN,
    "subject.practice.second_factor": Reason.AUTHN,
    "subject.status": Reason.STATUS,
    "subject.window": Reason.WINDOW,
    "subject.kind": Reason.KIND,
    "subject.practice.contacts": Reason.CONTACTS,
    "subject.practice.plan_audience": Reason.PLAN_AUDIENCE,
    "subject.practice.card_processing": Reason.CARD_PROCESSING,
    "subject.client.assent": Reason.ASSENT,
    "subject.proof": Reason.PROOF,
    "subject.client.age": Reason.AGE,
    "subject.client.active": Reason.INACTIVE,
    "subject.practice.switch": Reason.PRACTICE_SWITCH,
    "subject.client.switch": Reason.CLIENT_SWITCH,
    "subject.toggle": Reason.TOGGLE,
}
_RANK = {reason: rank for rank, reason in enumerate(Reason)}


@dataclass(frozen=True, slots=True)
class ToldFact:
    """A fact a family may read, with who controls it."""

    name: str
    value: Value
    controlled_by: Level
    says: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal as a family may read it: the reason, and a minimal set of facts that force it.

    `platform` and `not_found` have no facts.
    """

    reason: Reason
    facts: tuple[ToldFact, ...] = ()


NOT_FOUND = Refusal(Reason.NOT_FOUND)


@lru_cache(maxsize=4096)
def refusal_of(question: Question, s: tuple[object, ...]) -> Refusal | None:
    """What a family is told when this subject is refused whatever the resource; None when that is not settled.

    Decided before any row is read: only facts of the subject that may be told enter. Raises InvalidSituationError for
    a value outside its domain.
    """
    diagrams = question.diagrams.scratch()
    fixed, _ = fixed_levels(diagrams, question.subject_slots, s)
    facts = {diagrams.levels[fact.name]: fact for fact in question.subject_slots if fact.base in TELLABLE}
    told = {level: index for level, index in fixed.items() if level in facts}
    rank = {level: _RANK[TELLABLE[fact.base]] for level, fact in facts.items()}
    counter = diagrams.without(question.diagram, question.impossible_diagram)
    found = sufficient(counter, told, sorted(told, key=lambda level: (-rank[level], -level)))
    if found is None:
        return None
    reasons = sorted({TELLABLE[facts[level].base] for level in found}, key=_RANK.__getitem__)
    # The kind is the background of most rules: where another fact is needed too, that one is the reason.
    reason = next((each for each in reasons if each is not Reason.KIND), Reason.KIND if reasons else Reason.PLATFORM)
    return Refusal(
        reason,
        tuple(
            ToldFact(facts[level].name, diagrams.values[level][index], facts[level].controlled_by, facts[level].says)
            for level, index in sorted(found.items())
        ),
    )
