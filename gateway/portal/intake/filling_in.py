"""Filling a form in: a page of questions, saving it, and choosing where two tabs disagree (row W3)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from gateway.edge.errors import NotFound
from gateway.edge.questions import may
from gateway.portal.intake.answers import field_name, in_words, read_answers, troubles
from gateway.portal.intake.filling import save_answers
from gateway.portal.intake.questions import QuestionKind, in_language, read_questions, steps_of
from gateway.portal.intake.views import (
    page_questions,
    question_views,
    step_views,
    title_of,
    visible_steps,
)
from gateway.web.language import _, language
from gateway.web.pages import page, say, see_other
from models.numbers import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.portal.intake.answers import Trouble
    from gateway.portal.intake.filling import Saved
    from gateway.portal.intake.questions import Question, Step
    from models.tables.records import Form

_JSON = "application/json"
_CHOICE = "choose."


async def step_page(request: Request) -> Response:
    """The questions of one step, with what was answered before."""
    row: Form = request.state.item
    questions = read_questions(row.questions)
    return await _show(request, row, questions, _step(request, row, questions))


async def save_step(request: Request) -> Response:
    """Save a step, then go where the button says: the next step, the list of forms, or the same page again.

    A script that saves by itself asks for JSON and gets the version, or 409 when the reader has to choose.
    """
    opened: Form = request.state.item
    questions = read_questions(opened.questions)
    form = await request.form()
    step = _numbered(request, questions)
    sent = _sent(step, form)
    if opened.state != "completed" and not all(await may(request, [("complete", "form", opened)])):
        raise NotFound
    saved: Saved = await request.app.state.records.change(
        opened.practice_id,
        partial(
            save_answers,
            opened=opened,
            seen=_version(form),
            sent=sent,
            account_id=request.state.reader.id,
            now=request.app.state.clock(),
        ),
    )
    wants_json = _JSON in request.headers.get("accept", "")
    if saved.conflicts:
        if wants_json:
            return JSONResponse({"version": saved.form.version}, status_code=409)
        return await _merge(request, saved, questions, step)
    if wants_json:
        return JSONResponse({"version": saved.form.version})
    if saved.completed:
        await say(request, _("This form was sent already. Nothing was changed."))
        return see_other(_href(saved.form))
    return await _go_on(request, saved.form, questions, step, str(form.get("go", "")))


async def _go_on(request: Request, row: Form, questions: Sequence[Question], step: Step, go: str) -> Response:
    if go == "later":
        await say(request, _("Your answers are kept. You can go on whenever you like."))
        return see_other(f"/c/{row.client_id}/forms")
    wrong = troubles(questions, row.answers, step.questions)
    if wrong:
        return await _show(request, row, questions, step, wrong)
    later = [one for one in visible_steps(questions, row.answers) if one.number > step.number]
    return see_other(f"{_href(row)}/steps/{later[0].number}" if later else f"{_href(row)}/review")


async def _show(
    request: Request, row: Form, questions: Sequence[Question], step: Step, wrong: Sequence[Trouble] = ()
) -> Response:
    steps = step_views(row, questions)
    here = next(view for view in steps if view.number == step.number)
    before = steps[here.place - 2].href if here.place > 1 else None
    held = page_questions(questions, step, row.answers)
    return await page(
        request,
        "portal/form_step.html",
        status=422 if wrong else 200,
        title=title_of(row),
        href=_href(row),
        step=here,
        steps=steps,
        before=before,
        version=row.version,
        questions=question_views(held, row.answers, wrong),
        problems=[{"field": one.field, "sentence": f"{_label(one.question)}: {one.sentence}"} for one in wrong],
    )


async def _merge(request: Request, saved: Saved, questions: Sequence[Question], step: Step) -> Response:
    """Both answers side by side. The page carries what was typed, so that nothing is lost while the reader decides."""
    by_id = {question.id: question for question in questions}
    spoken = language()
    return await page(
        request,
        "portal/form_merge.html",
        status=409,
        title=title_of(saved.form),
        href=_href(saved.form),
        action=f"{_href(saved.form)}/steps/{step.number}",
        version=saved.form.version,
        completed=saved.completed,
        conflicts=[
            {
                "id": key,
                "label": _label(by_id[key]),
                "saved": in_words(by_id[key], conflict.saved, spoken),
                "typed": in_words(by_id[key], conflict.typed, spoken),
                "fields": _fields(by_id[key], conflict.typed),
            }
            for key, conflict in saved.conflicts.items()
        ],
    )


def _fields(question: Question, answer: Any) -> list[tuple[str, str]]:
    """The inputs that carry an answer unseen."""
    name = field_name(question.id)
    if answer is None:
        return []
    if isinstance(answer, dict):
        return [(f"{name}.{part}", text) for part, text in answer.items()]
    if isinstance(answer, list):
        return [(name, value) for value in answer]
    return [(name, "yes" if question.kind is QuestionKind.ACKNOWLEDGEMENT else answer)]


def _sent(step: Step, form: FormData) -> dict[str, Any]:
    """What the page says, but for what the reader chose to leave as it is saved."""
    sent = read_answers(step.questions, form)
    return {key: value for key, value in sent.items() if form.get(_CHOICE + key) != "saved"}


def _step(request: Request, row: Form, questions: Sequence[Question]) -> Step:
    """The step of the URL; NotFound for one that is not asked with these answers."""
    step = _numbered(request, questions)
    if step not in visible_steps(questions, row.answers):
        raise NotFound
    return step


def _numbered(request: Request, questions: Sequence[Question]) -> Step:
    wanted = request.path_params["step"]
    for step in steps_of(questions):
        if str(step.number) == wanted:
            return step
    raise NotFound


def _version(form: FormData) -> int:
    return whole(str(form.get("version", ""))) or 0


def _label(question: Question) -> str:
    return in_language(question.label, language())


def _href(row: Form) -> str:
    return f"/c/{row.client_id}/forms/{row.id}"
