"""A question and its answer, as a further step of the mailed recovery link and never instead of it (C6, C7; c10)."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from sqlmodel import select

from gateway.web.language import N_
from models.tables.getting_in import SecurityAnswer, WayIn
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session
    from starlette.requests import Request

QUESTIONS = {
    "street": N_("What was the name of the first street you lived in?"),
    "teacher": N_("What was the last name of a teacher you liked?"),
    "toy": N_("What was your favorite toy called?"),
    "journey": N_("Where did your first long journey lead?"),
    "meal": N_("Which meal did you learn to cook first?"),
    "friend": N_("What was the first name of your first friend?"),
}
ANSWER_MIN = 3
ANSWER_MAX = 100


def canonical_answer(answer: str) -> str:
    """The one spelling of an answer: without marks, capitals, accents and doubled spaces."""
    letters = unicodedata.normalize("NFKD", answer).casefold()
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w\s]|_", " ", kept).split())


def answer_of(session: Session, subject_type: SubjectType, subject_id: str) -> SecurityAnswer | None:
    """What a person has registered."""
    return session.get(SecurityAnswer, (subject_type.value, subject_id))


def keep_answer(
    session: Session, person: tuple[SubjectType, str], question: str, answer_hash: str, now: datetime
) -> None:
    """Register a question and the hash of its canonical answer, in place of the one before."""
    kind, key = person
    session.merge(
        SecurityAnswer(
            subject_type=kind.value, subject_id=key, question=question, answer_hash=answer_hash, changed_at=now
        )
    )


async def is_asked_for(request: Request, subject_type: SubjectType, subject_id: str, practice_id: str | None) -> bool:
    """Whether a practice of the person (for staff their own, `practice_id`) chose that a question be registered."""
    if subject_type is SubjectType.STAFF:
        practices = {practice_id} if practice_id else set()
    else:
        grants = await request.app.state.authz.grants_of_account(subject_id)
        practices = {grant["practice_id"] for grant in grants if grant["status"] != "ended"}
    for practice in sorted(practices):
        chosen = select(WayIn.asks_question).where(WayIn.practice_id == practice)
        if await request.app.state.records.read(practice, lambda session: session.exec(chosen).first()):  # noqa: B023
            return True
    return False
