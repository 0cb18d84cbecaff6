"""The clients of the practice: found by name, a page at a time (row W8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_
from sqlmodel import col

from gateway.edge.questions import listing
from gateway.web.formats import count, day
from gateway.web.language import _
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from models.tables.records import Client

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from starlette.requests import Request
    from starlette.responses import Response

SIZE = 25
QUERY_MAX = 100  # characters
WORDS_MAX = 5


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client in the list."""

    id: str
    name: str
    born: str


async def clients(request: Request) -> Response:
    """The clients whom the reader may see, by name; `?q=` keeps those whose name has every word."""
    query = " ".join(request.query_params.get("q", "")[:QUERY_MAX].split())
    found = await listing(
        request,
        "client",
        where=_named(query) if query else None,
        order_by=(col(Client.name),),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    counted = count(found.total, "client", "clients")
    return await page(
        request,
        "admin/clients.html",
        query=query,
        counted=_("%(clients)s called “%(query)s”", clients=counted, query=query) if query else counted,
        clients=[ClientRow(row.id, row.name, day(row.born)) for row in found.rows],
        pages=pages_of(request, found.total, SIZE),
    )


def _named(query: str) -> ColumnElement[bool]:
    words = query.split()[:WORDS_MAX]
    return and_(*(col(Client.name).icontains(word, autoescape=True) for word in words))
