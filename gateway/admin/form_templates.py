"""The practice's forms: the list, a preview, and the editor that works with buttons alone (rows Y17, Y18)."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from sqlmodel import select

from gateway.admin import form_drafts
from gateway.admin.form_drafts import draft_of
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.portal.intake.questions import (
    SignerRule,
    Visibility,
    in_language,
    read_questions,
    steps_of,
)
from gateway.portal.intake.standard import STANDARD, add_standard_forms
from gateway.portal.intake.views import question_views
from gateway.web.formats import day
from gateway.web.language import LANGUAGES, N_, _, language, speaking
from gateway.web.pages import TEMPLATES, page, say, see_other
from models.tables.intake import FormTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response


SIGNERS: Mapping[SignerRule, str] = {
    SignerRule.FILLER: N_("Whoever fills it in"),
    SignerRule.CLIENT: N_("The client"),
    SignerRule.ANY_GUARDIAN: N_("Any guardian"),
    SignerRule.EACH_GUARDIAN: N_("Each guardian and co-parent, on a copy of their own"),
    SignerRule.NOBODY: N_("Nobody: no signature is needed"),
}


async def templates(request: Request) -> Response:
    """The forms that the practice can send, and those that it has put away."""
    practice_id = request.state.reader.practice_id
    rows: list[FormTemplate] = await request.app.state.records.read(
        practice_id,
        lambda session: list(session.exec(select(FormTemplate).where(FormTemplate.practice_id == practice_id))),
    )
    rows.sort(key=lambda row: in_language(draft_of(row).title, "en"))
    (may_edit,) = await may(request, [("update", "practice", {})])
    standard = {f"{practice_id}-{name}" for name in STANDARD}
    return await page(
        request,
        "admin/forms.html",
        offered=[template_view(row) for row in rows if row.retired_at is None],
        retired=[template_view(row) for row in rows if row.retired_at is not None],
        may_edit=may_edit,
        lacks_standard=not standard <= {row.id for row in rows},
    )


async def add_template(request: Request) -> Response:
    """Begin a new form, or add the standard ones that are missing."""
    practice_id, now = request.state.reader.practice_id, request.app.state.clock()
    form = await request.form()
    if form.get("do") == "standard":
        add = partial(add_standard_forms, practice_id=practice_id, effective_on=now.date(), now=now)
        await request.app.state.records.change(practice_id, add)
        await say(request, _("The standard forms were added."))
        return see_other("/admin/forms")
    title = str(form.get("title", "")).replace("\0", "").strip()[: form_drafts.TITLE_MAX]
    row = FormTemplate(
        id=f"form_{secrets.token_hex(8)}",
        practice_id=practice_id,
        version=0,
        signer_rule=SignerRule.FILLER.value,
        visibility=Visibility.FILLER.value,
        effective_on=now.date(),
        title={"en": title or _("New form")},
        changed_by=request.state.reader.id,
        changed_at=now,
    )
    row.draft = form_drafts.add_section(draft_of(row)).kept()
    await request.app.state.records.change(practice_id, lambda session: session.add(row))
    return see_other(f"/admin/forms/{row.id}/edit")


async def template_page(request: Request) -> Response:
    """A form as families will see it; `?draft=1` shows what is not published, `?language=es` all in Spanish."""
    row = await template_of(request)
    wants_draft = "draft" in request.query_params and row.draft is not None
    shown = draft_of(row) if wants_draft else None
    questions = shown.questions if shown else read_questions(row.questions)
    spoken = request.query_params.get("language", "")
    spoken = spoken if spoken in LANGUAGES else language()
    (may_edit,) = await may(request, [("update", "practice", {})])
    with speaking(spoken):
        steps = [
            {
                "title": in_language(step.section.label, spoken) if step.section else "",
                "text": in_language(step.section.help, spoken).split("\n\n") if step.section else [],
                "questions": question_views(step.questions, {}),
            }
            for step in steps_of(questions)
        ]
        pages = TEMPLATES.get_template("admin/form_preview_steps.html").render(steps=steps, spoken=spoken)
    return await page(
        request,
        "admin/form_preview.html",
        form=template_view(row),
        title=in_language(shown.title if shown else row.title, spoken),
        steps=Markup(pages),  # noqa: S704 - written by the template, which escapes what is filled in.
        spoken=spoken,
        wants_draft=wants_draft,
        may_edit=may_edit,
    )


def template_view(row: FormTemplate) -> dict[str, Any]:
    """A template as its pages name it."""
    return {
        "id": row.id,
        "href": f"/admin/forms/{row.id}",
        "title": in_language(row.title, language()),
        "version": row.version,
        "edits": row.edits,
        "has_draft": row.draft is not None,
        "is_retired": row.retired_at is not None,
        "questions": sum(question.asks for question in read_questions(row.questions)),
        "effective": day(row.effective_on),
        "signer": _(SIGNERS[SignerRule(row.signer_rule)]),
    }


async def template_of(request: Request) -> FormTemplate:
    """The practice's template of the URL; NotFound for one that is missing or another practice's."""
    practice_id, key = request.state.reader.practice_id, request.path_params["template"]

    def read(session: Session) -> FormTemplate | None:
        row = session.get(FormTemplate, key)
        return row if row is not None and row.practice_id == practice_id else None

    row: FormTemplate | None = await request.app.state.records.read(practice_id, read)
    if row is None:
        raise NotFound
    return row


ROUTES = (
    Route("/admin/forms", templates, guard=Guard("send", "form")),
    Route("/admin/forms", add_template, guard=Guard("update", "practice"), methods=("POST",)),
    Route("/admin/forms/{template}", template_page, guard=Guard("send", "form")),
)
