"""A form in which somebody chooses a password, and perhaps a security question: read, checked and shown again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from gateway.account.password_rules import FRESH_MIN, LENGTH_MAX, LENGTH_MIN, SENTENCES, faults, sentence
from gateway.account.passwords import hash_password
from gateway.account.security_questions import ANSWER_MAX, ANSWER_MIN, QUESTIONS, canonical_answer
from gateway.web.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.datastructures import FormData


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a field, in words."""

    field: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the form says."""

    password: str
    confirmation: str
    question: str = ""
    answer: str = field(default="", repr=False)


def read_choice(form: FormData) -> Chosen:
    """The fields of the form; a text that no person types becomes empty."""

    def text(name: str) -> str:
        value = form.get(name, "")
        return value[:1024] if isinstance(value, str) else ""

    return Chosen(text("new_password"), text("confirm_password"), text("question"), text("answer"))


def check_choice(chosen: Chosen, words: Iterable[str], *, asks_question: bool = False) -> list[Wrong]:
    """What is wrong with the choice of somebody of these names."""
    found = [Wrong("new_password", fault.sentence) for fault in faults(chosen.password, words)]
    if not found and chosen.password != chosen.confirmation:
        found.append(Wrong("confirm_password", _("This is not the same as the new password. Type it again.")))
    return found + (check_answer(chosen) if asks_question else [])


def check_answer(chosen: Chosen) -> list[Wrong]:
    """What is wrong with the question and its answer."""
    if chosen.question not in QUESTIONS:
        return [Wrong("question", _("Choose a question."))]
    if not ANSWER_MIN <= len(canonical_answer(chosen.answer)) <= ANSWER_MAX:
        words = _("Give an answer of %(least)s to %(most)s letters.", least=ANSWER_MIN, most=ANSWER_MAX)
        return [Wrong("answer", words)]
    return []


async def hashed(text: str) -> str:
    """The hash of a password or answer, made off the event loop."""
    return await to_thread.run_sync(hash_password, text)


def password_rules(words: Iterable[str]) -> dict[str, Any]:
    """What the page's script needs to say the same."""
    return {
        "least": LENGTH_MIN,
        "most": LENGTH_MAX,
        "fresh": FRESH_MIN,
        "words": " ".join(words),
        "sentences": {code: sentence(code) for code in SENTENCES},
    }
