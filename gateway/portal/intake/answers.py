"""Answers: read from a page, checked, and put into words.

An answer is kept as it was typed, also while it cannot be accepted, so that nothing is lost on the way: a text, the id
of an option (`yes`, `no`), a list of ids, `{"line1", ...}` for an address, true for an acknowledgement; none is absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from gateway.portal.intake.questions import CHOICES, QuestionKind, in_language, shown
from gateway.web.formats import day
from gateway.web.language import N_, _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.datastructures import FormData

    from gateway.portal.intake.questions import Question

SHORT_MAX = 200
LONG_MAX = 4_000
ADDRESS_PARTS = {
    "line1": N_("Street and number"),
    "line2": N_("Apartment or unit (optional)"),
    "city": N_("City"),
    "state": N_("State"),
    "zip": N_("ZIP code"),
}
# What a browser may fill in by itself; only where the question is about the reader would it fit, so only for addresses.
AUTOCOMPLETE = {
    "line1": "address-line1",
    "line2": "address-line2",
    "city": "address-level2",
    "state": "address-level1",
    "zip": "postal-code",
}
_PHONE = re.compile(r"[0-9()+.\- /x]{7,30}", re.ASCII | re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+")
_NUMBER = re.compile(r"-?[0-9]{1,9}([.,][0-9]{1,4})?", re.ASCII)
_ZIP = re.compile(r"[0-9]{5}(-[0-9]{4})?", re.ASCII)
_LINE_END = re.compile(r"\r\n?")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an answer cannot be accepted; `field` is the id of the input to go to."""

    question: Question
    field: str
    sentence: str


def field_name(question_id: str) -> str:
    """The name and id of a question's input."""
    return f"q.{question_id}"


def read_answers(questions: Sequence[Question], form: FormData) -> dict[str, Any]:
    """What the page says about each of the questions that it showed; None where it was left empty.

    A page lists its questions in `asked`, so that an unticked box differs from a question that was not there.
    """
    asked = {str(value) for value in form.getlist("asked")}
    return {
        question.id: read_answer(question, form) for question in questions if question.asks and question.id in asked
    }


def read_answer(question: Question, form: FormData) -> Any:
    """One answer as typed, None when it is empty."""
    name = field_name(question.id)
    if question.kind is QuestionKind.SEVERAL_OF:
        chosen = {str(value) for value in form.getlist(name)}
        return [value for value in question.values if value in chosen] or None
    if question.kind is QuestionKind.ADDRESS:
        parts = {part: _typed(form.get(f"{name}.{part}")) for part in ADDRESS_PARTS}
        return {part: text for part, text in parts.items() if text} or None
    typed = _typed(form.get(name))
    if question.kind is QuestionKind.ACKNOWLEDGEMENT:
        return typed == "yes" or None
    if question.kind in CHOICES or question.kind is QuestionKind.YES_NO:
        return typed if typed in question.values else None
    return typed or None


def troubles(questions: Sequence[Question], answers: Mapping[str, Any], among: Sequence[Question]) -> list[Trouble]:
    """Why the answers to `among` cannot be accepted; what is not asked with these answers is left out."""
    open_ids = {question.id for question in shown(questions, answers)}
    found = []
    for question in among:
        if question.asks and question.id in open_ids:
            trouble = _trouble(question, answers.get(question.id))
            if trouble is not None:
                found.append(trouble)
    return found


def in_words(question: Question, answer: Any, language: str) -> str:
    """The answer as it is read; empty when there is none."""
    if answer is None:
        return ""
    if question.kind is QuestionKind.YES_NO:
        return _("Yes") if answer == "yes" else _("No")
    if question.kind in CHOICES:
        chosen = answer if isinstance(answer, list) else [answer]
        return "; ".join(in_language(one.label, language) for one in question.options if one.id in chosen)
    if question.kind is QuestionKind.ADDRESS:
        place = " ".join(answer[part] for part in ("state", "zip") if answer.get(part))
        town = ", ".join(part for part in (answer.get("city", ""), place) if part)
        return "\n".join(part for part in (answer.get("line1", ""), answer.get("line2", ""), town) if part)
    if question.kind is QuestionKind.ACKNOWLEDGEMENT:
        return _("Confirmed")
    if question.kind is QuestionKind.DATE:
        try:
            return day(date.fromisoformat(answer))
        except ValueError:
            return str(answer)
    return str(answer)


def _trouble(question: Question, answer: Any) -> Trouble | None:
    name = field_name(question.id)
    if answer is None:
        return Trouble(question, _first_field(question), _missing(question)) if question.required else None
    check = _CHECKS.get(question.kind)
    if check is not None:
        found = check(answer)
        return None if found is None else Trouble(question, name + found[0], found[1])
    return None


def _missing(question: Question) -> str:
    if question.kind is QuestionKind.ACKNOWLEDGEMENT:
        return _("Please tick the box to confirm this.")
    if question.kind is QuestionKind.SEVERAL_OF:
        return _("Please choose at least one answer.")
    if question.kind in (QuestionKind.ONE_OF, QuestionKind.YES_NO):
        return _("Please choose an answer.")
    return _("Please fill this in.")


def _first_field(question: Question) -> str:
    name = field_name(question.id)
    if question.kind is QuestionKind.ADDRESS:
        return f"{name}.line1"
    return f"{name}.{question.values[0]}" if question.values else name


def _typed(value: object) -> str:
    """Browsers end lines with CR LF; kept are line feeds, so that an answer sent back unchanged is the same."""
    return _LINE_END.sub("\n", value).replace("\0", "").strip() if isinstance(value, str) else ""


def _short(answer: str) -> tuple[str, str] | None:
    return _too_long(answer, SHORT_MAX)


def _long(answer: str) -> tuple[str, str] | None:
    return _too_long(answer, LONG_MAX)


def _too_long(answer: str, limit: int) -> tuple[str, str] | None:
    if len(answer) <= limit:
        return None
    return "", _("Please shorten this to %(limit)s characters; it has %(length)s.", limit=limit, length=len(answer))


def _date(answer: str) -> tuple[str, str] | None:
    try:
        date.fromisoformat(answer)
    except ValueError:
        return "", _("This is not a day of the calendar. Please write it as year-month-day, for example 2026-03-09.")
    return None


def _number(answer: str) -> tuple[str, str] | None:
    return None if _NUMBER.fullmatch(answer) else ("", _("Please write a number in digits, for example 3."))


def _phone(answer: str) -> tuple[str, str] | None:
    digits = sum(sign.isdigit() for sign in answer)
    fits = _PHONE.fullmatch(answer) and digits >= 7
    return None if fits else ("", _("Please write the phone number with its area code, for example (555) 010-0199."))


def _email(answer: str) -> tuple[str, str] | None:
    return (
        None if _EMAIL.fullmatch(answer) else ("", _("Please write an e-mail address, for example name@example.com."))
    )


def _address(answer: Mapping[str, str]) -> tuple[str, str] | None:
    for part in ("line1", "city", "state", "zip"):
        if not answer.get(part):
            return f".{part}", _("Please complete the address: %(part)s is missing.", part=_(ADDRESS_PARTS[part]))
        if len(answer[part]) > SHORT_MAX:
            return f".{part}", _("Please shorten this to %(limit)s characters.", limit=SHORT_MAX)
    if not _ZIP.fullmatch(answer["zip"]):
        return ".zip", _("Please write the ZIP code with five digits.")
    return None


_CHECKS: Mapping[QuestionKind, Callable[[Any], tuple[str, str] | None]] = {
    QuestionKind.SHORT_TEXT: _short,
    QuestionKind.LONG_TEXT: _long,
    QuestionKind.DATE: _date,
    QuestionKind.NUMBER: _number,
    QuestionKind.PHONE: _phone,
    QuestionKind.EMAIL: _email,
    QuestionKind.ADDRESS: _address,
}
