"""A client who was entered twice: the record with nothing in it gives way to the other, and is kept as history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlmodel import col, select

from gateway.admin.clients import named
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import listing
from gateway.records.events import enter_event
from gateway.web.formats import day
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from models.tables.getting_in import Contact
from models.tables.records import ITEMS, Client
from models.vocabulary import GrantStatus

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

QUERY_MAX = 100
FOUND_MAX = 20


async def show_client_merge(request: Request) -> Response:
    """A search for the other record, then what will happen."""
    client = request.state.client
    chosen = await _other(request, request.query_params.get("with", ""))
    if chosen is not None:
        return await _show(request, chosen)
    query = " ".join(request.query_params.get("q", client.name)[:QUERY_MAX].split())
    found = await listing(
        request,
        "client",
        where=named(query) & col(Client.merged_into).is_(None) & (col(Client.id) != client.id),
        order_by=(col(Client.name),),
        limit=FOUND_MAX,
    )
    rows = [(row.id, row.name, day(row.born)) for row in found.rows]
    return await page(request, "admin/client_merge_search.html", query=query, found=rows)


async def merge_client(request: Request) -> Response:
    """Let the empty record give way: first in the service, which decides and records it, then in the records."""
    client, reader, app = request.state.client, request.state.reader, request.app.state
    chosen = await _other(request, str((await request.form()).get("with", "")))
    if chosen is None:
        raise NotFound
    if await _holds(request, client.id):
        return await _show(request, chosen)
    try:
        await app.authz.merge_client(client.id, chosen.id, actor=reader.actor)
    except Rejected as error:
        return await _show(request, chosen, problem=error.detail)

    def write(session: Session) -> None:
        row = session.get_one(Client, client.id)
        row.merged_into = chosen.id
        session.add(row)
        waiting = select(Contact).where(Contact.client_id == client.id, col(Contact.grant_id).is_(None))
        for contact in session.exec(waiting):
            contact.client_id = chosen.id
            session.add(contact)
        event = {"action": "client.merged", "actor": reader.actor, "practice_id": client.practice_id}
        enter_event(session, {**event, "client_id": client.id}, at=app.clock(), once=f"{client.id} {chosen.id}")

    await app.records.change(client.practice_id, write)
    await say(request, _("The empty record gave way to this one, and counts no longer."))
    return see_other(f"/admin/clients/{chosen.id}")


async def _other(request: Request, client_id: str) -> Client | None:
    """Another client of the practice whom the reader may see."""
    if not client_id or client_id == request.state.client.id:
        return None
    found = await listing(request, "client", where=(col(Client.id) == client_id) & col(Client.merged_into).is_(None))
    return found.rows[0] if found.rows else None


async def _holds(request: Request, client_id: str) -> list[str]:
    """What stands in the way: items of the records, and people with access."""
    app, practice_id = request.app.state, request.state.client.practice_id

    def read(session: Session) -> int:
        return sum(
            session.exec(select(func.count()).select_from(table).where(table.client_id == client_id)).one()
            for table in ITEMS.values()
        )

    items = await app.records.read(practice_id, read)
    people = [g for g in await app.authz.grants_of_client(client_id) if g["status"] != GrantStatus.ENDED.value]
    found = [_("Entries in the record: %(number)s", number=items)] if items else []
    return found + ([_("People with access: %(number)s", number=len(people))] if people else [])


async def _show(request: Request, chosen: Client, *, problem: str = "") -> Response:
    own, other = await _holds(request, request.state.client.id), await _holds(request, chosen.id)
    return await page(
        request,
        "admin/client_merge.html",
        status=409 if problem or (own and request.method == "POST") else 200,
        chosen=chosen,
        born=day(chosen.born),
        own=own,
        other_empty=not other,
        problem=problem,
    )


ROUTES = (
    Route("/admin/clients/{client}/merge", show_client_merge, guard=Guard("update", "client")),
    Route("/admin/clients/{client}/merge", merge_client, guard=Guard("update", "client"), methods=("POST",)),
)
