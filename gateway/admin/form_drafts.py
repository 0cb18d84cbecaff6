"""What an editor does to a template's draft: the questions of a section as typed, added, moved, removed (row Y18).

Pure: a draft goes in, a draft comes out. A draft may be unfinished; `faults` of the questions say why it cannot be
published yet.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from gateway.portal.intake.questions import (
    CHOICES,
    DECIDING,
    HELP_MAX,
    LABEL_MAX,
    OPTIONS_MAX,
    READ_ONLY,
    Option,
    Question,
    QuestionKind,
    ShowIf,
    SignerRule,
    Visibility,
    in_language,
    read_questions,
    steps_of,
    write_questions,
)
from gateway.web.language import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import FormData

    from gateway.portal.intake.questions import Step, Text
    from models.tables.intake import FormTemplate

SECTION_QUESTIONS_MAX = 14  # of one page of the editor; a form may send no more fields than these have
TITLE_MAX = 120
BETWEEN = "="  # a question and one of its answers, in the list of conditions


@dataclass(frozen=True, slots=True)
class Draft:
    """A template as it would be published."""

    title: Text
    questions: tuple[Question, ...]
    signer_rule: SignerRule
    visibility: Visibility
    effective_on: date

    def kept(self) -> dict[str, Any]:
        """The draft as it is stored."""
        return {
            "title": dict(self.title),
            "questions": write_questions(self.questions),
            "signer_rule": self.signer_rule.value,
            "visibility": self.visibility.value,
            "effective_on": self.effective_on.isoformat(),
        }


def draft_of(template: FormTemplate) -> Draft:
    """The draft, or where there is none what is published."""
    kept = template.draft
    if kept is None:
        return Draft(
            dict(template.title),
            read_questions(template.questions),
            SignerRule(template.signer_rule),
            Visibility(template.visibility),
            template.effective_on,
        )
    return Draft(
        dict(kept["title"]),
        read_questions(kept["questions"]),
        SignerRule(kept["signer_rule"]),
        Visibility(kept["visibility"]),
        date.fromisoformat(kept["effective_on"]),
    )


def read_settings(draft: Draft, form: FormData) -> Draft:
    """The draft with the settings as typed; a value that is none of the closed lists, or no day, stays as it was."""
    rule, visibility = str(form.get("signer_rule", "")), str(form.get("visibility", ""))
    try:
        effective_on = date.fromisoformat(str(form.get("effective_on", "")))
    except ValueError:
        effective_on = draft.effective_on
    return replace(
        draft,
        title={code: text for code in LANGUAGES if (text := _typed(form.get(f"title_{code}"))[:TITLE_MAX])},
        signer_rule=SignerRule(rule) if rule in set(SignerRule) else draft.signer_rule,
        visibility=Visibility(visibility) if visibility in set(Visibility) else draft.visibility,
        effective_on=effective_on,
    )


def read_step(draft: Draft, number: int, form: FormData) -> Draft:
    """The draft with the questions of one page as typed, in the page's order; what the page does not name stays."""
    step = _step(draft, number)
    by_id = {question.id: question for question in _all(step)}
    typed = [_question(by_id[key], form) for key in map(str, form.getlist("id")) if key in by_id]
    seen = {question.id for question in typed}
    kept = [question for question in _all(step) if question.id not in seen]
    return _with_step(draft, number, [*typed, *kept])


def add_question(draft: Draft, number: int) -> Draft:
    """The draft with an empty question at the end of a page."""
    added = Question(f"q_{secrets.token_hex(4)}", QuestionKind.SHORT_TEXT, {})
    return _with_step(draft, number, [*_all(_step(draft, number)), added])


def add_section(draft: Draft) -> Draft:
    """The draft with an empty section at the end."""
    added = Question(f"s_{secrets.token_hex(4)}", QuestionKind.SECTION, {})
    return replace(draft, questions=(*draft.questions, added))


def move_question(draft: Draft, number: int, question_id: str, by: int) -> Draft:
    """The draft with a question moved within its page; at the end of the page nothing happens."""
    step = _step(draft, number)
    head = [] if step.section is None else [step.section]
    return _with_step(draft, number, [*head, *_moved(list(step.questions), question_id, by)])


def remove_question(draft: Draft, question_id: str) -> Draft:
    """The draft without a question; a section that goes leaves its questions to the one before."""
    return replace(draft, questions=tuple(question for question in draft.questions if question.id != question_id))


def move_section(draft: Draft, number: int, by: int) -> Draft:
    """The draft with a page moved; the first page stays first while it has no section."""
    steps = list(steps_of(draft.questions))
    here, there = number - 1, number - 1 + by
    if not (0 <= here < len(steps) and 0 <= there < len(steps)) or None in (steps[here].section, steps[there].section):
        return draft
    steps[here], steps[there] = steps[there], steps[here]
    return replace(draft, questions=tuple(question for step in steps for question in _all(step)))


def remove_section(draft: Draft, number: int) -> Draft:
    """The draft without a page and all of its questions."""
    gone = {question.id for question in _all(_step(draft, number))}
    return replace(draft, questions=tuple(question for question in draft.questions if question.id not in gone))


def conditions(draft: Draft, before: Question) -> list[tuple[Question, list[tuple[str, str]]]]:
    """The earlier questions that `before` may depend on, each with its answers as (value of the input, words).

    One that it depends on already is there also when it stands later, so that a move does not undo the choice unseen.
    """
    found = []
    earlier = True
    for question in draft.questions:
        earlier = earlier and question.id != before.id
        depends = before.show_if is not None and before.show_if.question == question.id
        if (earlier or depends) and question.kind in DECIDING:
            labels = {"yes": "Yes", "no": "No"}
            labels |= {option.id: in_language(option.label, "en") for option in question.options}
            answers = [(f"{question.id}{BETWEEN}{value}", labels[value]) for value in question.values]
            found.append((question, answers))
    return found


def _question(stored: Question, form: FormData) -> Question:
    def text(name: str, limit: int) -> Text:
        typed = {code: _typed(form.get(f"{stored.id}.{name}_{code}"))[:limit] for code in LANGUAGES}
        return {code: words for code, words in typed.items() if words}

    wanted = str(form.get(f"{stored.id}.kind", ""))
    is_section = stored.kind is QuestionKind.SECTION
    kind = stored.kind if is_section or wanted not in set(QuestionKind) else QuestionKind(wanted)
    if kind is QuestionKind.SECTION and not is_section:
        kind = stored.kind
    return Question(
        id=stored.id,
        kind=kind,
        label=text("label", LABEL_MAX),
        help=text("help", HELP_MAX),
        required=kind not in READ_ONLY and form.get(f"{stored.id}.required") == "yes",
        options=_options(stored, form) if kind in CHOICES else (),
        show_if=_show_if([str(value) for value in form.getlist(f"{stored.id}.show_if")]),
    )


def _options(stored: Question, form: FormData) -> tuple[Option, ...]:
    """One answer a line, the languages line by line beside each other. An answer whose English stays keeps its id."""
    lines = {code: _lines(form.get(f"{stored.id}.options_{code}")) for code in LANGUAGES}
    known = {in_language(option.label, "en"): option.id for option in stored.options}
    options: dict[str, Option] = {}
    for place, english in enumerate(lines["en"][:OPTIONS_MAX]):
        if not english:
            continue
        key = known.get(english) or _id_of(english, options)
        label = {code: found[place] for code, found in lines.items() if place < len(found) and found[place]}
        options.setdefault(key, Option(key, label))
    return tuple(options.values())


def _id_of(english: str, taken: dict[str, Option]) -> str:
    plain = unicodedata.normalize("NFKD", english).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:30] or "answer"
    return stem if stem not in taken else f"{stem}_{secrets.token_hex(2)}"


def _show_if(chosen: Sequence[str]) -> ShowIf | None:
    """The condition chosen; answers to the first question only, as a question depends on one."""
    pairs = [value.partition(BETWEEN)[::2] for value in chosen if BETWEEN in value]
    if not pairs:
        return None
    first = pairs[0][0]
    return ShowIf(first, tuple(value for question, value in pairs if question == first))


def _step(draft: Draft, number: int) -> Step:
    """A page of the draft; LookupError when there is none."""
    for step in steps_of(draft.questions):
        if step.number == number:
            return step
    raise LookupError(f"there is no section {number}")


def _all(step: Step) -> list[Question]:
    return [*([] if step.section is None else [step.section]), *step.questions]


def _with_step(draft: Draft, number: int, questions: Sequence[Question]) -> Draft:
    parts = [questions if step.number == number else _all(step) for step in steps_of(draft.questions)]
    return replace(draft, questions=tuple(question for part in parts for question in part))


def _moved(questions: list[Question], question_id: str, by: int) -> list[Question]:
    here = next((place for place, question in enumerate(questions) if question.id == question_id), None)
    if here is not None and 0 <= here + by < len(questions):
        questions[here], questions[here + by] = questions[here + by], questions[here]
    return questions


def _typed(value: object) -> str:
    return value.replace("\r\n", "\n").replace("\0", "").strip() if isinstance(value, str) else ""


def _lines(value: object) -> list[str]:
    """The lines of a text; empty ones between stay, so that the languages keep beside each other."""
    return [line.strip()[:LABEL_MAX] for line in _typed(value).split("\n")]
