"""The questions of a form: their kinds, when each is asked, and the steps they are asked in (rows Y17, Y18).

A question is kept as `{"id", "kind", "label": {"en", ...}, "help": {...}, "required", "options": [{"id", "label"}],
"show_if": {"question", "values"}}`; what is empty is left out. `static/forms.js` applies `show_if` as `shown` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gateway.web.language import N_

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUESTIONS_MAX = 150
OPTIONS_MAX = 20
LABEL_MAX = 500
HELP_MAX = 6_000
_ID = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
Text = dict[str, str]  # by language


class QuestionKind(StrEnum):
    """What a question asks for. `section` begins a step, `text` is only read."""

    SECTION = "section"
    TEXT = "text"
    SHORT_TEXT = "short_text"
    LONG_TEXT = "long_text"
    ONE_OF = "one_of"
    SEVERAL_OF = "several_of"
    YES_NO = "yes_no"
    DATE = "date"
    NUMBER = "number"
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    ACKNOWLEDGEMENT = "acknowledgement"


READ_ONLY = (QuestionKind.SECTION, QuestionKind.TEXT)
CHOICES = (QuestionKind.ONE_OF, QuestionKind.SEVERAL_OF)
DECIDING = (*CHOICES, QuestionKind.YES_NO)  # what `show_if` may look at


class SignerRule(StrEnum):
    """Who signs the forms made from a template (conflict c17). `filler`: whoever it is sent to, by name."""

    NOBODY = "nobody"
    FILLER = "filler"
    CLIENT = "client"
    ANY_GUARDIAN = "any_guardian"
    EACH_GUARDIAN = "each_guardian"


class Visibility(StrEnum):
    """Who may read a completed form at home (conflict c16); the practice's care team always may."""

    FILLER = "filler"
    PRACTICE = "practice"
    FAMILY = "family"


class TemplateError(ValueError):
    """Stored questions cannot be read; the message names the question."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers to choose from."""

    id: str
    label: Text


@dataclass(frozen=True, slots=True)
class ShowIf:
    """The earlier question, and the answers to it with which this one is asked."""

    question: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One question, section or text."""

    id: str
    kind: QuestionKind
    label: Text
    help: Text = field(default_factory=dict)
    required: bool = False
    options: tuple[Option, ...] = ()
    show_if: ShowIf | None = None

    @property
    def asks(self) -> bool:
        """Whether it has an answer at all."""
        return self.kind not in READ_ONLY

    @property
    def values(self) -> tuple[str, ...]:
        """The answers there are to choose from; none for a question that is answered freely."""
        return ("yes", "no") if self.kind is QuestionKind.YES_NO else tuple(option.id for option in self.options)


@dataclass(frozen=True, slots=True)
class Step:
    """A page of the form: a section and its questions. The first step may lack the section."""

    number: int
    section: Question | None
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why questions cannot be published. `about` is a question id and `sentence` a text for the catalogues."""

    about: str | None
    sentence: str


def in_language(text: Mapping[str, str], language: str) -> str:
    """The text in a language, or else in English, or else in any."""
    return text.get(language) or text.get("en") or next(iter(text.values()), "")


def read_questions(kept: Sequence[Mapping[str, Any]]) -> tuple[Question, ...]:
    """Questions as they are stored; TemplateError names the one that cannot be read."""
    return tuple(_read(entry, place) for place, entry in enumerate(kept, start=1))


def write_questions(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Questions to store."""
    return [_write(question) for question in questions]


def shown(questions: Sequence[Question], answers: Mapping[str, Any]) -> tuple[Question, ...]:
    """The questions that are asked with these answers; a question below a section that is not shown is not either."""
    open_ids: set[str] = set()
    kept: list[Question] = []
    section_open = True
    for question in questions:
        holds = question.show_if is None or _holds(question.show_if, open_ids, answers)
        if question.kind is QuestionKind.SECTION:
            section_open = holds
        if holds and section_open:
            open_ids.add(question.id)
            kept.append(question)
    return tuple(kept)


def steps_of(questions: Sequence[Question]) -> tuple[Step, ...]:
    """The pages of a form, numbered from 1; each section begins one."""
    steps: list[Step] = []
    for question in questions:
        if question.kind is QuestionKind.SECTION:
            steps.append(Step(len(steps) + 1, question, ()))
            continue
        if not steps:
            steps.append(Step(1, None, ()))
        last = steps[-1]
        steps[-1] = Step(last.number, last.section, (*last.questions, question))
    return tuple(steps)


def fill_in_names(questions: Sequence[Question], names: Mapping[str, Text]) -> tuple[Question, ...]:
    """The questions with `{client}`, `{practice}` and the like replaced, each language by its own word."""
    return tuple(
        Question(
            id=question.id,
            kind=question.kind,
            label=replaced(question.label, names),
            help=replaced(question.help, names),
            required=question.required,
            options=tuple(Option(option.id, replaced(option.label, names)) for option in question.options),
            show_if=question.show_if,
        )
        for question in questions
    )


def replaced(text: Text, names: Mapping[str, Text]) -> Text:
    """A text with the names in braces replaced; braces around anything else stay."""
    filled = dict(text)
    for name, words in names.items():
        filled = {code: part.replace("{" + name + "}", in_language(words, code)) for code, part in filled.items()}
    return filled


def faults(questions: Sequence[Question]) -> list[Fault]:
    """Why these questions cannot be asked yet; empty when they can."""
    found: list[Fault] = []
    if not any(question.asks for question in questions):
        found.append(Fault(None, N_("There is no question yet. Add at least one.")))
    if len(questions) > QUESTIONS_MAX:
        found.append(Fault(None, N_("There are too many questions. Please make two forms of it.")))
    earlier: dict[str, Question] = {}
    for question in questions:
        found += [Fault(question.id, sentence) for sentence in _faults_of(question, earlier)]
        earlier[question.id] = question
    return found


def _faults_of(question: Question, earlier: Mapping[str, Question]) -> list[str]:
    found = []
    if question.id in earlier:
        found.append(N_("Two questions have the same name. Remove one of them."))
    if not question.label.get("en", "").strip() and question.kind is not QuestionKind.TEXT:
        found.append(N_("Write the question in English."))
    if question.kind is QuestionKind.TEXT and not question.help.get("en", "").strip():
        found.append(N_("Write the text in English."))
    if question.kind in CHOICES and len(question.options) < 2:
        found.append(N_("Write at least two answers to choose from, one on each line."))
    if len(question.options) > OPTIONS_MAX:
        found.append(N_("These are too many answers to choose from."))
    if question.show_if is not None:
        before = earlier.get(question.show_if.question)
        if before is None or before.kind not in DECIDING:
            found.append(N_("It is asked after a question that does not stand before it. Choose an earlier one."))
        elif not question.show_if.values or set(question.show_if.values) - set(before.values):
            found.append(N_("Choose the answers with which it is asked."))
    return found


def _holds(condition: ShowIf, open_ids: set[str], answers: Mapping[str, Any]) -> bool:
    if condition.question not in open_ids:
        return False
    answer = answers.get(condition.question)
    given = answer if isinstance(answer, list) else [answer]
    return any(value in given for value in condition.values)


def _read(kept: Mapping[str, Any], place: int) -> Question:
    try:
        condition = kept.get("show_if")
        question = Question(
            id=str(kept["id"]),
            kind=QuestionKind(kept["kind"]),
            label=_text(kept.get("label", {})),
            help=_text(kept.get("help", {})),
            required=bool(kept.get("required", False)),
            options=tuple(Option(str(one["id"]), _text(one["label"])) for one in kept.get("options", ())),
            show_if=None if condition is None else ShowIf(condition["question"], tuple(condition["values"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TemplateError(f"question {place} ({kept.get('id', 'without an id')}) cannot be read: {error}") from error
    if not _ID.fullmatch(question.id):
        raise TemplateError(f"question {place}: {question.id!r:.60} is not an id of small letters, digits and _")
    return question


def _text(kept: Any) -> Text:
    if not isinstance(kept, dict) or not all(isinstance(part, str) for part in kept.values()):
        raise TypeError("a text is an object of languages")
    return dict(kept)


def _write(question: Question) -> dict[str, Any]:
    kept: dict[str, Any] = {"id": question.id, "kind": question.kind.value, "label": dict(question.label)}
    if question.help:
        kept["help"] = dict(question.help)
    if question.required:
        kept["required"] = True
    if question.options:
        kept["options"] = [{"id": option.id, "label": dict(option.label)} for option in question.options]
    if question.show_if is not None:
        kept["show_if"] = {"question": question.show_if.question, "values": list(question.show_if.values)}
    return kept
