"""The editor of the practice's forms: sections and questions, by buttons alone (row Y18).

Every button first keeps what was typed, in a draft that families never see until it is published.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, update
from sqlmodel import col

from gateway.admin import form_drafts
from gateway.admin.form_drafts import SECTION_QUESTIONS_MAX, draft_of
from gateway.admin.form_templates import SIGNERS, template_of, template_view
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.portal.intake.questions import CHOICES, READ_ONLY, QuestionKind, Visibility, faults, in_language, steps_of
from gateway.web.language import LANGUAGES, N_, _
from gateway.web.pages import page, say, see_other
from models.numbers import whole
from models.tables.intake import FormTemplate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.form_drafts import Draft
    from gateway.portal.intake.questions import Question, ShowIf

KINDS: Mapping[QuestionKind, str] = {
    QuestionKind.SHORT_TEXT: N_("Short text"),
    QuestionKind.LONG_TEXT: N_("Long text"),
    QuestionKind.ONE_OF: N_("One of several answers"),
    QuestionKind.SEVERAL_OF: N_("Any of several answers"),
    QuestionKind.YES_NO: N_("Yes or no"),
    QuestionKind.DATE: N_("Date"),
    QuestionKind.NUMBER: N_("Number"),
    QuestionKind.PHONE: N_("Phone number"),
    QuestionKind.EMAIL: N_("E-mail address"),
    QuestionKind.ADDRESS: N_("Address"),
    QuestionKind.ACKNOWLEDGEMENT: N_("Confirmation (a box to tick)"),
    QuestionKind.TEXT: N_("Text to read"),
}
READERS: Mapping[Visibility, str] = {
    Visibility.FILLER: N_("Whoever filled it in, and the practice"),
    Visibility.PRACTICE: N_("The practice; the document is kept as a draft that you may release"),
    Visibility.FAMILY: N_("Everyone at home who may see forms; the family fills in one form together"),
}


async def edit_page(request: Request) -> Response:
    """The settings and sections of a form's draft."""
    return await _show_settings(request, await template_of(request))


async def save_settings(request: Request) -> Response:
    """Save the settings, and do what the button says: publish, discard, put away, or move the sections about."""
    row, form = await template_of(request), await request.form()
    do, _dot, number = str(form.get("do", "save")).partition(".")
    draft = form_drafts.read_settings(draft_of(row), form)
    if do == "discard":
        return await _keep(request, row, "/admin/forms/{id}", {"draft": None})
    if do in ("retire", "restore"):
        retired_at = request.app.state.clock() if do == "retire" else None
        return await _keep(request, row, "/admin/forms", {"retired_at": retired_at})
    if do == "publish":
        problems = _problems(draft)
        if problems:
            return await _show_settings(request, row, draft=draft, problems=problems, status=422)
        published = {**draft.kept(), "effective_on": draft.effective_on, "draft": None, "version": row.version + 1}
        await say(request, _("The form is published. Forms that were sent before stay as they were."))
        return await _keep(request, row, "/admin/forms/{id}", published, draft)
    act = _SECTION_ACTS.get(do)
    if act is not None:
        draft = act(draft, whole(number) or 0)
    return await _keep(request, row, "/admin/forms/{id}/edit", {"draft": draft.kept()}, draft)


async def section_page(request: Request) -> Response:
    """The questions of one section, each in a fieldset of its own."""
    row = await template_of(request)
    return await _show_section(request, row, draft_of(row))


async def save_section(request: Request) -> Response:
    """Save what was typed, then do what the button says: add, move or remove a question."""
    row, form, number = await template_of(request), await request.form(), _number(request)
    do, _dot, question_id = str(form.get("do", "save")).partition(".")
    try:
        draft = form_drafts.read_step(draft_of(row), number, form)
        step = steps_of(draft.questions)[number - 1]
    except LookupError as error:
        raise NotFound from error
    if do == "add" and len(step.questions) < SECTION_QUESTIONS_MAX:
        draft = form_drafts.add_question(draft, number)
    elif do in ("up", "down"):
        draft = form_drafts.move_question(draft, number, question_id, -1 if do == "up" else 1)
    elif do == "remove" and question_id in {question.id for question in step.questions}:
        draft = form_drafts.remove_question(draft, question_id)
    target = "/admin/forms/{id}/edit" if do == "done" else f"/admin/forms/{{id}}/edit/{number}"
    return await _keep(request, row, target, {"draft": draft.kept()}, draft)


async def _keep(
    request: Request, row: FormTemplate, target: str, changes: Mapping[str, Any], typed: Draft | None = None
) -> Response:
    """Write the changes unless somebody else was quicker: then the page comes again as it was typed."""
    seen = str((await request.form()).get("edits", ""))
    changes = {
        **changes,
        "edits": row.edits + 1,
        "changed_by": request.state.reader.id,
        "changed_at": request.app.state.clock(),
    }
    if seen == str(row.edits) and await request.app.state.records.change(
        row.practice_id, partial(_write, row=row, changes=changes)
    ):
        return see_other(target.format(id=row.id))
    problem = _("Somebody else changed this form while you were here. What you typed is below; save again to keep it.")
    now = await template_of(request)
    if "section" in request.path_params and typed is not None:
        return await _show_section(request, now, typed, [(None, problem)], status=409)
    return await _show_settings(request, now, draft=typed, problems=[(None, problem)], status=409)


def _write(session: Session, row: FormTemplate, changes: Mapping[str, Any]) -> bool:
    done = session.execute(
        update(FormTemplate)
        .where(
            col(FormTemplate.id) == row.id,
            col(FormTemplate.practice_id) == row.practice_id,
            col(FormTemplate.edits) == row.edits,
        )
        .values(**changes)
    )
    return isinstance(done, CursorResult) and done.rowcount == 1


async def _show_settings(
    request: Request,
    row: FormTemplate,
    *,
    draft: Draft | None = None,
    problems: Sequence[tuple[str | None, str]] = (),
    status: int = 200,
) -> Response:
    shown = draft or draft_of(row)
    return await page(
        request,
        "admin/form_edit.html",
        status=status,
        form=template_view(row),
        draft=shown,
        parts=[
            {"number": step.number, "title": _title(step.section), "count": len(step.questions)}
            for step in steps_of(shown.questions)
        ],
        signers={rule.value: _(words) for rule, words in SIGNERS.items()},
        readers={one.value: _(words) for one, words in READERS.items()},
        problems=[{"field": None, "sentence": sentence, "href": href} for href, sentence in problems],
    )


async def _show_section(
    request: Request,
    row: FormTemplate,
    draft: Draft,
    problems: Sequence[tuple[str | None, str]] = (),
    status: int = 200,
) -> Response:
    number = _number(request)
    step = next((step for step in steps_of(draft.questions) if step.number == number), None)
    if step is None:
        raise NotFound
    return await page(
        request,
        "admin/form_section.html",
        status=status,
        form=template_view(row),
        number=number,
        section=_editable(draft, step.section) if step.section else None,
        questions=[_editable(draft, question) for question in step.questions],
        kinds={kind.value: _(words) for kind, words in KINDS.items()},
        is_full=len(step.questions) >= SECTION_QUESTIONS_MAX,
        problems=[{"field": None, "sentence": sentence} for _href, sentence in problems],
    )


def _editable(draft: Draft, question: Question) -> dict[str, Any]:
    chosen = question.show_if
    return {
        "question": question,
        "asks": question.kind not in READ_ONLY,
        "chooses": question.kind in CHOICES,
        "options": {code: "\n".join(option.label.get(code, "") for option in question.options) for code in LANGUAGES},
        "conditions": [
            (in_language(before.label, "en"), [(value, words, _is_chosen(chosen, value)) for value, words in answers])
            for before, answers in form_drafts.conditions(draft, question)
        ],
    }


def _is_chosen(condition: ShowIf | None, value: str) -> bool:
    return condition is not None and value in {f"{condition.question}={answer}" for answer in condition.values}


def _problems(draft: Draft) -> list[tuple[str | None, str]]:
    """Why the draft cannot be published: where to go, and what to do there."""
    found: list[tuple[str | None, str]] = []
    if not draft.title.get("en"):
        found.append((None, _("Give the form a title in English.")))
    steps = steps_of(draft.questions)
    labels = {question.id: _title(question) for question in draft.questions}
    where = {question.id: step.number for step in steps for question in (step.section, *step.questions) if question}
    for fault in faults(draft.questions):
        if fault.about is None:
            found.append((None, _(fault.sentence)))
        else:
            href = f"edit/{where[fault.about]}#{fault.about}"
            found.append((href, f"{labels[fault.about]}: {_(fault.sentence)}"))
    return found


def _title(question: Question | None) -> str:
    return (in_language(question.label, "en") if question else "") or _("Without a heading")


def _number(request: Request) -> int:
    asked = request.path_params["section"]
    if not (asked.isascii() and asked.isdigit() and len(asked) < 4):
        raise NotFound
    return int(asked)


_SECTION_ACTS: Mapping[str, Callable[[Draft, int], Draft]] = {
    "add": lambda draft, _number: form_drafts.add_section(draft),
    "up": lambda draft, number: form_drafts.move_section(draft, number, -1),
    "down": lambda draft, number: form_drafts.move_section(draft, number, 1),
    "remove": lambda draft, number: (
        form_drafts.remove_section(draft, number) if 0 < number <= len(steps_of(draft.questions)) else draft
    ),
}
_EDIT = Guard("update", "practice")
ROUTES = (
    Route("/admin/forms/{template}/edit", edit_page, guard=_EDIT),
    Route("/admin/forms/{template}/edit", save_settings, guard=_EDIT, methods=("POST",)),
    Route("/admin/forms/{template}/edit/{section}", section_page, guard=_EDIT),
    Route("/admin/forms/{template}/edit/{section}", save_section, guard=_EDIT, methods=("POST",)),
)
