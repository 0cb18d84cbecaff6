"""A document for named people only: each of them gets a copy, and nobody else at home finds any (conflict c16).

Whoever represents the client later does not get one by that. What somebody signs as a copy of their own is never shared
(row P8), nor is what one person filled in or handed in for themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.admin.paper_rows import network_of, path_of
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.notices.notify import Event, notify
from gateway.records.events import enter_event, event_by
from gateway.records.papers import RELEASED, copies_of, may_be_named, share_by_name
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.words import KINDS
from models.vocabulary import Kind

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.records import Document


async def choose_people(request: Request) -> Response:
    """Whom the draft is shared with, to be ticked."""
    row: Document = request.state.item
    if not may_be_named(row):
        raise NotFound
    network, named = await network_of(request), await _named(request, row)
    people = [
        {
            "id": key,
            "name": one["name"],
            "kinds": ", ".join(_(KINDS[kind]) for kind in Kind if kind.value in one["kinds"]),
            "named": key in named,
        }
        for key, one in network.items()
    ]
    return await page(
        request,
        "admin/document_named.html",
        title=row.title,
        href=path_of(row),
        people=sorted(people, key=lambda one: one["name"]),
    )


async def name_people(request: Request) -> Response:
    """Give those who are ticked a copy, and take back those of the others; whoever gets one is told."""
    row: Document = request.state.item
    network = await network_of(request)
    form = await request.form()
    chosen = {key for key in map(str, form.getlist("to")) if key in network}
    before = await _named(request, row)

    def write(session: Session) -> bool:
        copies = share_by_name(session, row.id, chosen)
        if copies is None:
            return False
        for copy in copies:
            if copy.copy_of not in before:
                place = f"/c/{copy.client_id}/documents/{copy.id}"
                known = {"practice_id": row.practice_id, "client_id": row.client_id}
                item = ("document", copy.id)
                notify(session, Event.DOCUMENT, item=item, path=place, accounts=[str(copy.copy_of)], **known)
                event = event_by(request.state.reader, "document.shared", copy, account_id=copy.copy_of)
                enter_event(session, event, at=request.app.state.clock())
        return True

    if not await request.app.state.records.change(row.practice_id, write):
        await say(request, _("Nothing was changed: the document was released to the whole family before."))
    elif chosen:
        names = ", ".join(sorted(network[key]["name"] for key in chosen))
        await say(request, _("Shared with %(names)s, and nobody else at home.", names=names))
    else:
        await say(request, _("Shared with nobody at home."))
    return see_other(path_of(row))


async def _named(request: Request, row: Document) -> set[str]:
    copies: list[Document] = await request.app.state.records.read(
        row.practice_id, lambda session: copies_of(session, row.id)
    )
    return {copy.copy_of for copy in copies if copy.copy_of is not None and copy.state == RELEASED}


_PAGE, _UPDATE = "/admin/clients/{client}/documents/{id}/named", Guard("update", "document")
ROUTES = (
    Route(_PAGE, choose_people, guard=_UPDATE),
    Route(_PAGE, name_people, guard=_UPDATE, methods=("POST",)),
)
