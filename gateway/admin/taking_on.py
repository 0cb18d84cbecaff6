"""Taking a client on quickly, by name (rows M5, M11, W11, W12, W14)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.admin.cautions import cautions_of_client, unread
from gateway.admin.client_form import (
    FIELDS,
    SELF_MANAGING,
    EnteredClient,
    age_of,
    blank_client,
    check_client,
    read_client,
    today_of,
)
from gateway.admin.counts import plan_counts
from gateway.admin.switches import Problem
from gateway.edge.errors import Rejected
from gateway.edge.guard import Guard, Route
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from models.tables.getting_in import Contact
from models.tables.records import Client, ClientHome
from models.vocabulary import Kind, SelfManaging, StaffRole, SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.cautions import Caution


async def show_new_client(request: Request) -> Response:
    """An empty form; where there is one therapist only, the client goes to them."""
    therapists, entered = await _therapists(request), blank_client()
    return await _form(request, replace(entered, therapist=next(iter(therapists)) if len(therapists) == 1 else ""))


async def take_on(request: Request) -> Response:
    """Take the client on: first in the service, which decides and records it, then in the records."""
    form, app, reader = await request.form(), request.app.state, request.state.reader
    entered = read_client(form)
    problems = check_client(request, entered)
    if entered.therapist and entered.therapist not in await _therapists(request):
        problems.append(Problem("therapist", _("Choose a therapist of the practice, or nobody yet.")))
    if problems:
        return await _form(request, entered, problems=problems)
    said = entered.said()
    age = age_of(said.born, await app.authz.practice(reader.practice_id), today_of(request))
    cautions = await cautions_of_client(request, said, age, entered.client_id)
    if unread(cautions, form):
        return await _form(request, entered, cautions=cautions, ticked=form.getlist("ack"))
    body = {"id": entered.client_id, "born": entered.values["born"], "self_managing": said.self_managing}
    try:
        await app.authz.create_client(reader.practice_id, body, actor=reader.actor)
    except Rejected as error:
        if error.status != 409:  # It was made when the same form was sent before.
            return await _form(request, entered, problems=[Problem(error.field, error.detail)])
    if entered.therapist:
        await app.authz.assign_client(entered.therapist, entered.client_id, on=True, actor=reader.actor)
    await app.records.change(reader.practice_id, lambda session: _keep(session, request, entered))
    await say(request, _said(entered))
    return see_other(f"/admin/clients/{entered.client_id}")


def _keep(session: Session, request: Request, entered: EnteredClient) -> None:
    practice_id, said = request.state.reader.practice_id, entered.said()
    if session.get(ClientHome, entered.client_id) is not None:
        return
    session.add(ClientHome(client_id=entered.client_id, practice_id=practice_id))
    session.add(
        Client(
            id=entered.client_id,
            practice_id=practice_id,
            name=said.name,
            preferred=entered.values["preferred"],
            born=said.born,
        )
    )
    if entered.email:
        session.add(
            Contact(
                id=entered.once,
                practice_id=practice_id,
                client_id=entered.client_id,
                kind=Kind.SELF.value,
                name=said.name,
                email=entered.email,
                added_by=request.state.reader.id,
                added_at=request.app.state.clock(),
            )
        )


def _said(entered: EnteredClient) -> str:
    name = entered.values["name"]
    if entered.values["self_managing"] == SelfManaging.NO.value:
        return _("%(name)s is a client now. Add the contact who is to use the portal for them.", name=name)
    return _("%(name)s is a client now. Invite them under “+ Add contact”.", name=name)


async def _therapists(request: Request) -> dict[str, str]:
    """Names of the practice's therapists by id, in their order."""
    staff = await request.app.state.authz.staff_of(request.state.reader.practice_id)
    ids = [one["id"] for one in staff if one["state"] == "active" and StaffRole.THERAPIST.value in one["roles"]]
    people = await request.app.state.records.people(SubjectType.STAFF, ids)
    return dict(sorted(((key, person.name) for key, person in people.items()), key=lambda pair: pair[1]))


async def _form(
    request: Request,
    entered: EnteredClient,
    *,
    problems: Sequence[Problem] = (),
    cautions: Sequence[Caution] = (),
    ticked: Sequence[object] = (),
) -> Response:
    return await page(
        request,
        "admin/client_new.html",
        status=422 if problems or cautions else 200,
        entered=entered,
        labels=FIELDS,
        self_managing=SELF_MANAGING,
        therapists=await _therapists(request),
        problems=problems,
        cautions=cautions,
        ticked={str(code) for code in ticked},
        counts=await plan_counts(request),
    )


ROUTES = (
    Route("/admin/clients/new", show_new_client, guard=Guard("create", "client")),
    Route("/admin/clients/new", take_on, guard=Guard("create", "client"), methods=("POST",)),
)
