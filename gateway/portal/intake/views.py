"""A form in the reader's words: in a list, as a page of questions, and as what was answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.portal.intake.answers import ADDRESS_PARTS, AUTOCOMPLETE, LONG_MAX, SHORT_MAX, field_name, in_words
from gateway.portal.intake.paper import paragraphs
from gateway.portal.intake.questions import (
    QuestionKind,
    Step,
    in_language,
    read_questions,
    shown,
    steps_of,
)
from gateway.web.formats import day
from gateway.web.language import _, language
from gateway.web.words import Badge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from gateway.portal.intake.answers import Trouble
    from gateway.portal.intake.questions import Question
    from models.tables.records import Form

_INPUTS = {
    QuestionKind.DATE: ("date", None),
    QuestionKind.NUMBER: ("text", "decimal"),
    QuestionKind.PHONE: ("tel", None),
    QuestionKind.EMAIL: ("email", None),
}


@dataclass(frozen=True, slots=True)
class FormView:
    """A form in a list. `answered` of `asked` questions; `open` when the reader may go on with it."""

    id: str
    href: str
    title: str
    summary: str
    state: Badge
    open: bool
    answered: int
    asked: int


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer to choose; `id` is that of its input."""

    id: str
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A line of an address."""

    id: str
    label: str
    value: str
    autocomplete: str


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question with its answer as typed. `show_if` is the earlier question on the same page that it depends on."""

    id: str
    name: str
    kind: str
    label: str
    help: tuple[str, ...]
    required: bool
    value: str
    input_type: str
    input_mode: str | None
    limit: int
    choices: tuple[Choice, ...]
    parts: tuple[Part, ...]
    error: str
    error_field: str
    show_if: str
    show_values: str
    only_if: str

    @property
    def described_by(self) -> str:
        """The ids of what explains the input, for aria-describedby."""
        explained = [f"help-{self.id}"] if self.help else []
        return " ".join(explained + ([f"error-{self.id}"] if self.error else []))


@dataclass(frozen=True, slots=True)
class StepView:
    """A page of the form, in the overview and as heading; `missing` of its questions cannot be sent yet."""

    number: int
    place: int
    href: str
    title: str
    text: tuple[str, ...]
    asked: int
    answered: int


@dataclass(frozen=True, slots=True)
class AnswerView:
    """A question with the answer in words; `href` leads to where it can be changed."""

    label: str
    words: str
    trouble: str
    href: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of a form, with its heading where it has one."""

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartView:
    """A section of a form to read: its texts and its answers."""

    title: str
    text: tuple[Passage, ...]
    answers: tuple[AnswerView, ...]


def title_of(form: Form) -> str:
    """The form's title in the reader's language."""
    return in_language(form.titles or {"en": form.title}, language())


def describe(form: Form, *, may_complete: bool, today: date) -> FormView:
    """The form as a line of a list."""
    questions = [question for question in shown(read_questions(form.questions), form.answers) if question.asks]
    return FormView(
        id=form.id,
        href=f"/c/{form.client_id}/forms/{form.id}",
        title=title_of(form),
        summary=_summary(form),
        state=_state(form, today),
        open=may_complete,
        answered=sum(question.id in form.answers for question in questions),
        asked=len(questions),
    )


def visible_steps(questions: Sequence[Question], answers: Mapping[str, Any]) -> list[Step]:
    """The pages that are reached with these answers, each with all that may be asked on it."""
    open_ids = {question.id for question in shown(questions, answers)}
    return [step for step in steps_of(questions) if step.section is None or step.section.id in open_ids]


def step_views(form: Form, questions: Sequence[Question]) -> list[StepView]:
    """The pages of the form, as its table of contents."""
    open_ids = {question.id for question in shown(questions, form.answers)}
    views = []
    for place, step in enumerate(visible_steps(questions, form.answers), start=1):
        asked = [question for question in step.questions if question.asks and question.id in open_ids]
        views.append(
            StepView(
                number=step.number,
                place=place,
                href=f"/c/{form.client_id}/forms/{form.id}/steps/{step.number}",
                title=in_language(step.section.label, language()) if step.section else title_of(form),
                text=tuple(paragraphs(step.section, language())) if step.section else (),
                asked=len(asked),
                answered=sum(question.id in form.answers for question in asked),
            )
        )
    return views


def page_questions(questions: Sequence[Question], step: Step, answers: Mapping[str, Any]) -> tuple[Question, ...]:
    """What the page of a step holds: also what depends on an answer of the same page, which the browser then shows."""
    here = {question.id for question in step.questions}
    reached = {question.id for question in shown(questions, answers)}
    held: set[str] = set()
    kept = []
    for question in step.questions:
        condition = question.show_if
        inside = condition is not None and condition.question in here
        if (inside and condition is not None and condition.question in held) or question.id in reached:
            held.add(question.id)
            kept.append(question)
    return tuple(kept)


def question_views(
    held: Sequence[Question], answers: Mapping[str, Any], troubles: Sequence[Trouble] = ()
) -> list[QuestionView]:
    """The questions of a page with what is typed in them."""
    by_id = {question.id: question for question in held}
    wrong = {trouble.question.id: trouble for trouble in reversed(troubles)}
    return [_question(question, answers.get(question.id), wrong.get(question.id), by_id) for question in held]


def read_views(
    form: Form, questions: Sequence[Question], troubles: Sequence[Trouble] = (), *, linked: bool = False
) -> list[PartView]:
    """The form to read: every section and text, and the answers in words; `linked` to where they can be changed."""
    open_ids = {question.id for question in shown(questions, form.answers)}
    wrong = {trouble.question.id: trouble.sentence for trouble in troubles}
    spoken, parts = language(), []
    for step in visible_steps(questions, form.answers):
        href = f"/c/{form.client_id}/forms/{form.id}/steps/{step.number}" if linked else ""
        title = in_language(step.section.label, spoken) if step.section else ""
        text = [Passage("", tuple(paragraphs(step.section, spoken)))] if step.section else []
        answers: list[AnswerView] = []
        for question in step.questions:
            if question.id not in open_ids:
                continue
            if not question.asks:
                if answers:
                    parts.append(PartView(title, tuple(text), tuple(answers)))
                    title, text, answers = "", [], []
                text.append(Passage(in_language(question.label, spoken), tuple(paragraphs(question, spoken))))
                continue
            answers.append(
                AnswerView(
                    label=in_language(question.label, spoken),
                    words=in_words(question, form.answers.get(question.id), spoken),
                    trouble=wrong.get(question.id, ""),
                    href=f"{href}#question-{question.id}" if href else "",
                )
            )
        parts.append(PartView(title, tuple(text), tuple(answers)))
    return parts


def _question(question: Question, answer: Any, trouble: Trouble | None, held: Mapping[str, Question]) -> QuestionView:
    spoken, name = language(), field_name(question.id)
    input_type, input_mode = _INPUTS.get(question.kind, ("text", None))
    condition = question.show_if if question.show_if and question.show_if.question in held else None
    return QuestionView(
        id=question.id,
        name=name,
        kind=question.kind.value,
        label=in_language(question.label, spoken),
        help=tuple(paragraphs(question, spoken)),
        required=question.required,
        value=answer if isinstance(answer, str) else "yes" if answer is True else "",
        input_type=input_type,
        input_mode=input_mode,
        limit=LONG_MAX if question.kind is QuestionKind.LONG_TEXT else SHORT_MAX,
        choices=_choices(question, answer),
        parts=_parts(name, answer) if question.kind is QuestionKind.ADDRESS else (),
        error=trouble.sentence if trouble else "",
        error_field=trouble.field if trouble else "",
        show_if=condition.question if condition else "",
        show_values=" ".join(condition.values) if condition else "",
        only_if=_only_if(held[condition.question], condition.values) if condition else "",
    )


def _choices(question: Question, answer: Any) -> tuple[Choice, ...]:
    spoken, name = language(), field_name(question.id)
    labels = {"yes": _("Yes"), "no": _("No")} if question.kind is QuestionKind.YES_NO else {}
    labels |= {option.id: in_language(option.label, spoken) for option in question.options}
    given = answer if isinstance(answer, list) else [answer]
    return tuple(Choice(f"{name}.{value}", value, labels[value], value in given) for value in question.values)


def _parts(name: str, answer: Any) -> tuple[Part, ...]:
    typed = answer if isinstance(answer, dict) else {}
    return tuple(
        Part(f"{name}.{part}", _(label), typed.get(part, ""), AUTOCOMPLETE[part])
        for part, label in ADDRESS_PARTS.items()
    )


def _only_if(before: Question, values: Sequence[str]) -> str:
    words = "; ".join(in_words(before, value, language()) for value in values)
    return _("Only if you answered “%(answer)s” to “%(question)s”.", answer=words, question=_label(before))


def _label(question: Question) -> str:
    return in_language(question.label, language())


def _summary(form: Form) -> str:
    if form.completed_on is not None:
        return _("Completed on %(day)s", day=day(form.completed_on))
    if form.ready_at is not None:
        return _("Filled in; it waits for a signature")
    if form.due is not None:
        return _("To be completed by %(day)s", day=day(form.due))
    return _("Sent to you on %(day)s", day=day(form.sent_on))


def _state(form: Form, today: date) -> Badge:
    if form.state == "completed":
        return Badge(_("Completed"), "good")
    if form.due is not None and form.due < today:
        return Badge(_("Late"), "bad")
    if form.ready_at is not None:
        return Badge(_("To be signed"), "warn")
    return Badge(_("In progress"), "info") if form.state == "in_progress" else Badge(_("New"), "warn")
