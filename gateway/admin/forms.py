"""A client's forms for the practice: sending them, how far they are, and what was answered (rows Y4, Y6, Y13, Y19)."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from gateway.admin.form_editor import ROUTES as EDITOR
from gateway.admin.form_templates import ROUTES as TEMPLATES
from gateway.admin.people import accounts_known
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import listing, may
from gateway.portal.intake.completing import is_unchanged
from gateway.portal.intake.paper import signed_at
from gateway.portal.intake.questions import in_language, read_questions
from gateway.portal.intake.sending import forms_for_invitation, guardians, recipients, send_forms
from gateway.portal.intake.views import describe, read_views
from gateway.records.events import enter_event, event_by
from gateway.web.formats import day
from gateway.web.language import _, language
from gateway.web.once import is_key, new_key
from gateway.web.pages import page, say, see_other
from gateway.web.paging import page_number, pages_of
from gateway.web.today import local_today
from gateway.web.words import KINDS
from models.tables.records import Document, Form
from models.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

SIZE = 50


async def client_forms(request: Request) -> Response:
    """The client's forms, newest first, and what can be sent."""
    return await _show(request)


async def send(request: Request) -> Response:
    """Send the chosen forms to the chosen people; the same page sent twice sends once."""
    client, reader, state = request.state.client, request.state.reader, request.app.state
    if not all(await may(request, [("send", "form", {})])):
        raise NotFound
    form = await request.form()
    grants = await state.authz.grants_of_client(client.id)
    known = recipients(grants)
    to = [name for name in map(str, form.getlist("to")) if name in known]
    chosen = [str(value) for value in form.getlist("template")]
    typed_due, key = str(form.get("due", "")), str(form.get("key", ""))
    today = local_today(request)
    due, problems = _read_due(typed_due, today)
    if not chosen:
        problems.append({"field": "template", "sentence": _("Choose at least one form to send.")})
    if not to:
        problems.append({"field": "to", "sentence": _("Choose who is to fill it in.")})
    if problems or not is_key(key):
        return await _show(request, problems=problems, chosen=chosen, to=to, due=typed_due, status=422)

    def work(session: Session) -> None:
        sent = send_forms(
            session,
            client.id,
            chosen,
            to=to,
            each=guardians(grants),
            by=reader.id,
            key=f"{client.id} {key}",
            today=today,
            due=due,
        )
        for row in sent:
            enter_event(session, event_by(reader, "form.sent", row, account_id=row.filler_id), at=state.clock())

    # The same page, sent twice at the same moment: the other one did it.
    with suppress(IntegrityError):
        await state.records.change(client.practice_id, work)
    await say(request, _("The forms were sent."))
    return see_other(f"/admin/clients/{client.id}/forms")


async def client_form(request: Request) -> Response:
    """One form: how far it is, and once it is completed what was answered."""
    row: Form = request.state.item
    names = await accounts_known(request, [one for one in (row.filler_id, row.completed_by) if one])
    completed = row.state == "completed"
    return await page(
        request,
        "admin/client_form.html",
        paper=describe(row, may_complete=False, today=local_today(request)),
        filler=names.get(row.completed_by or row.filler_id or "", ""),
        due=day(row.due) if row.due else "",
        completed=completed,
        parts=read_views(row, read_questions(row.questions)) if completed else [],
        signature=row.signature,
        signed_at=signed_at(row.signature, request.state.client.zone) if row.signature else "",
        unchanged=is_unchanged(row),
        document_href=await _document_href(request, row),
    )


async def _show(
    request: Request,
    *,
    problems: Sequence[Mapping[str, str]] = (),
    chosen: Sequence[str] = (),
    to: Sequence[str] = (),
    due: str = "",
    status: int = 200,
) -> Response:
    client, state, today = request.state.client, request.app.state, local_today(request)
    found = await listing(
        request,
        "form",
        order_by=(col(Form.sent_on).desc(), col(Form.title)),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    (may_send,) = await may(request, [("send", "form", {})])
    grants = await state.authz.grants_of_client(client.id) if may_send else []
    people = recipients(grants)
    offered = await state.records.read(
        client.practice_id, partial(forms_for_invitation, practice_id=client.practice_id)
    )
    names = await accounts_known(request, [*people, *(row.filler_id for row in found.rows if row.filler_id)])
    kinds: dict[str, list[str]] = {}
    for grant in grants:
        kinds.setdefault(grant["account_id"], []).append(_(KINDS[Kind(grant["kind"])]))
    return await page(
        request,
        "admin/client_forms.html",
        status=status,
        problems=problems,
        forms=[
            (describe(row, may_complete=False, today=today), names.get(row.filler_id or "", "")) for row in found.rows
        ],
        pages=pages_of(request, found.total, SIZE),
        may_send=may_send,
        templates=[(row.id, in_language(row.title, language()), row.id in chosen) for row in offered],
        people=[(one, names.get(one, one), ", ".join(dict.fromkeys(kinds[one])), one in to) for one in people],
        due=due,
        key=new_key(),
        first_day=today.isoformat(),
    )


def _read_due(typed: str, today: date) -> tuple[date | None, list[dict[str, str]]]:
    if not typed:
        return None, []
    try:
        due = date.fromisoformat(typed)
    except ValueError:
        return None, [{"field": "due", "sentence": _("This is not a day of the calendar. Please choose another day.")}]
    if due < today:
        return None, [{"field": "due", "sentence": _("This day is over. Please choose a later day.")}]
    return due, []


async def _document_href(request: Request, row: Form) -> str | None:
    client = request.state.client
    if row.document_id is None:
        return None
    document = await request.app.state.records.item(Document, client.practice_id, client.id, row.document_id)
    if document is None or not all(await may(request, [("view", "document", document)])):
        return None
    return f"/admin/clients/{client.id}/documents/{document.id}"


ROUTES: tuple[Route, ...] = (
    *TEMPLATES,
    *EDITOR,
    Route("/admin/clients/{client}/forms", client_forms, guard=Guard("view", "form")),
    Route("/admin/clients/{client}/forms", send, guard=Guard("send", "form"), methods=("POST",)),
    Route("/admin/clients/{client}/forms/{id}", client_form, guard=Guard("view", "form")),
)
