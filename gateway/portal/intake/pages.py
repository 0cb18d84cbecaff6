"""The forms of a client: those to complete first, those completed, and one of them (rows W3, Y19, Y20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import col

from gateway.edge.questions import listing, may
from gateway.portal.intake.completing import is_unchanged
from gateway.portal.intake.paper import signed_at
from gateway.portal.intake.questions import read_questions
from gateway.portal.intake.views import describe, read_views, step_views
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.today import local_today
from models.tables.records import Document, Form

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.portal.intake.views import FormView

SIZE = 50
OPEN_MAX = 100


async def forms(request: Request) -> Response:
    """The forms that the reader may see: to complete first, by the day they are due."""
    today = local_today(request)
    to_complete = await forms_to_complete(request)
    mine = {view.id for view in to_complete}
    waiting = await listing(
        request, "form", where=col(Form.state) != "completed", order_by=_by_due(), limit=OPEN_MAX + len(mine)
    )
    done = await listing(
        request,
        "form",
        where=col(Form.state) == "completed",
        order_by=(col(Form.completed_on).desc(),),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    return await page(
        request,
        "portal/forms.html",
        to_complete=to_complete,
        waiting=[describe(row, may_complete=False, today=today) for row in waiting.rows if row.id not in mine],
        completed=[describe(row, may_complete=False, today=today) for row in done.rows],
        pages=pages_of(request, done.total, SIZE),
    )


async def forms_to_complete(request: Request) -> list[FormView]:
    """The forms that wait for the reader, by the day they are due; for the home page, too."""
    found = await listing(request, "form", action="complete", order_by=_by_due(), limit=OPEN_MAX)
    today = local_today(request)
    return [describe(row, may_complete=True, today=today) for row in found.rows]


async def form(request: Request) -> Response:
    """One form: its pages while it is open, what was answered when it is completed."""
    row: Form = request.state.item
    (may_complete,) = await may(request, [("complete", "form", row)])
    questions = read_questions(row.questions)
    if row.state != "completed":
        return await page(
            request,
            "portal/form.html",
            paper=describe(row, may_complete=may_complete, today=local_today(request)),
            steps=step_views(row, questions),
        )
    return await page(
        request,
        "portal/form_completed.html",
        paper=describe(row, may_complete=False, today=local_today(request)),
        parts=read_views(row, questions),
        signature=row.signature,
        signed_at=signed_at(row.signature, request.state.client.zone) if row.signature else "",
        unchanged=is_unchanged(row),
        document_href=await _document_href(request, row),
    )


async def _document_href(request: Request, row: Form) -> str | None:
    """Where the form lies among the documents, for whoever may see it there."""
    client = request.state.client
    if row.document_id is None:
        return None
    document = await request.app.state.records.item(Document, client.practice_id, client.id, row.document_id)
    if document is None or not all(await may(request, [("view", "document", document)])):
        return None
    return f"/c/{client.id}/documents/{document.id}"


def _by_due() -> tuple[object, ...]:
    return col(Form.due).is_(None), col(Form.due), col(Form.sent_on)
