"""Changing a client: name, day of birth, self-managing, assent, in care or not; two who do it at once lose nothing."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from gateway.admin.cautions import ClientSaid, cautions_of_client, unread
from gateway.admin.client_form import (
    FIELDS,
    SELF_MANAGING,
    age_of,
    born_of,
    check_client,
    read_client,
    today_of,
)
from gateway.admin.switches import Problem
from gateway.admin.three_way import Edit, conflicts_of, read_edit, to_choose
from gateway.edge.errors import Rejected, Stale
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.records.events import enter_event
from gateway.web.formats import day
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from models.tables.records import Client
from models.vocabulary import AgeClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.cautions import Caution

TRIES = 3
_KEPT = ("name", "preferred")  # by the records; the day of birth by both


async def show_edit(request: Request) -> Response:
    """The client as it is."""
    stored, _etag = await _stored(request)
    return await _form(request, Edit(stored, stored, stored, {}))


async def save_edit(request: Request) -> Response:
    """Write what the reader changed; what somebody else changed meanwhile is shown and never written over."""
    form, client = await request.form(), request.state.client
    for _try in range(TRIES):
        stored, etag = await _stored(request)
        entered = read_client(form, stored)
        edit = read_edit(form, entered.values, stored)
        if problems := check_client(request, entered):
            return await _form(request, edit, problems=problems)
        if edit.conflicts():
            return await _form(request, edit, status=409)
        changes = edit.changes()
        if not changes:
            await say(request, _("Nothing was changed."))
            return see_other(f"/admin/clients/{client.id}")
        cautions = await _cautions(request, edit, changes)
        if unread(cautions, form):
            return await _form(request, edit, cautions=cautions, ticked=form.getlist("ack"))
        try:
            if await _write(request, changes, stored, etag):
                names = ", ".join(_(FIELDS[name]) for name in changes)
                await say(request, _("Saved: %(fields)s.", fields=names))
                return see_other(f"/admin/clients/{client.id}")
        except Stale:
            continue
        except Rejected as error:
            return await _form(request, edit, problems=[Problem(error.field, error.detail)])
    return await _form(request, edit, status=409)


async def _write(request: Request, changes: Mapping[str, str], stored: Mapping[str, str], etag: str) -> bool:
    """False when the records were changed meanwhile; Stale when what the service keeps was."""
    client, reader, app = request.state.client, request.state.reader, request.app.state
    decided: dict[str, Any] = {name: value for name, value in changes.items() if name not in _KEPT}
    if "active" in decided:
        decided["active"] = decided["active"] == "yes"
    if decided:
        await app.authz.update_client(client.id, decided, etag=etag, actor=reader.actor)
    kept = [name for name in ("born", *_KEPT) if name in changes]
    if not kept:
        return True

    def write(session: Session) -> bool:
        row = session.get_one(Client, client.id, with_for_update=True)
        if any(getattr(row, name) != stored[name] for name in _KEPT if name in changes):
            return False
        for name in kept:
            setattr(row, name, date.fromisoformat(changes[name]) if name == "born" else changes[name])
        session.add(row)
        if set(kept) - {"born"}:
            event = {"action": "client.renamed", "actor": reader.actor, "practice_id": client.practice_id}
            enter_event(session, {**event, "client_id": client.id}, at=app.clock())
        return True

    written: bool = await app.records.change(client.practice_id, write)
    return written


async def _cautions(request: Request, edit: Edit, changes: Mapping[str, str]) -> list[Caution]:
    if not {"name", "born", "self_managing"} & changes.keys():
        return []
    shown, client = edit.shown(), request.state.client
    born = born_of(shown)
    if born is None:
        return []
    practice = await request.app.state.authz.practice(client.practice_id)
    said = ClientSaid(shown["name"], born, shown["self_managing"], "")
    found = await cautions_of_client(request, said, age_of(born, practice, today_of(request)), client.id)
    (sees_all,) = await may(request, [("create", "client", {})])
    return [caution for caution in found if sees_all or caution.code != "twin"]


async def _stored(request: Request) -> tuple[dict[str, str], str]:
    """The client's fields as texts, and the etag of what the service keeps of them."""
    client = request.state.client
    attributes = await request.app.state.authz.client(client.id)
    row, _practice = await request.app.state.records.client(client.id)
    values = {
        "name": row.name,
        "preferred": row.preferred,
        "born": str(attributes["born"]),
        "self_managing": str(attributes["self_managing"]),
        "assent": str(attributes["assent"]),
        "active": "yes" if attributes["active"] else "no",
    }
    return values, str(attributes["etag"])


def in_words(name: str, value: str) -> str:
    """A field's value as people read it."""
    if name == "born":
        try:
            return day(date.fromisoformat(value))
        except ValueError:
            return value
    if name == "self_managing" and value in SELF_MANAGING:
        return _(SELF_MANAGING[value][0])
    words = {"yes": _("yes"), "no": _("no"), "given": _("yes"), "withheld": _("no")}
    return words.get(value, value) if name in ("active", "assent") else value


async def _form(
    request: Request,
    edit: Edit,
    *,
    problems: Sequence[Problem] = (),
    cautions: Sequence[Caution] = (),
    ticked: Sequence[object] = (),
    status: int = 200,
) -> Response:
    conflicts = conflicts_of(edit, in_words)
    told = [*problems, *to_choose(conflicts, FIELDS)]
    shown = {**edit.stored, **edit.entered}
    practice = await request.app.state.authz.practice(request.state.client.practice_id)
    born = born_of(edit.stored)
    is_teen = born is not None and age_of(born, practice, today_of(request)) is AgeClass.TEEN
    return await page(
        request,
        "admin/client_edit.html",
        status=status if status != 200 else 422 if problems or cautions else 200,
        values=shown if problems or cautions or conflicts else edit.shown(),
        stored=edit.to_see(),
        labels=FIELDS,
        self_managing=SELF_MANAGING,
        problems=told,
        problems_title=_("Somebody else saved first") if status == 409 else _("This was not saved"),
        conflicts=conflicts,
        taken_over=[(_(FIELDS[name]), in_words(name, edit.stored[name])) for name in edit.taken_over()],
        cautions=cautions,
        ticked={str(code) for code in ticked},
        shows_assent=is_teen or edit.stored["assent"] == "withheld",
    )


ROUTES = (
    Route("/admin/clients/{client}/edit", show_edit, guard=Guard("update", "client")),
    Route("/admin/clients/{client}/edit", save_edit, guard=Guard("update", "client"), methods=("POST",)),
)
