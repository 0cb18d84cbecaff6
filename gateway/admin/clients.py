"""The clients of the practice: found by name, in care or not, a page at a time, with how their access stands (W8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_
from sqlmodel import col

from gateway.admin.counts import plan_counts
from gateway.edge.questions import listing, may
from gateway.web.formats import count, day
from gateway.web.language import N_, _
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.words import Badge
from models.tables.records import Client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement
    from starlette.requests import Request
    from starlette.responses import Response

SIZE = 50
QUERY_MAX = 100  # characters
WORDS_MAX = 5
CARE = {"in": N_("In care"), "not": N_("Not in care"), "all": N_("All")}


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client in the list."""

    id: str
    name: str
    born: str
    flags: tuple[Badge, ...]


async def clients(request: Request) -> Response:
    """The clients whom the reader may see, by name; `?q=` keeps those who have every word, `?care=` who is in care."""
    query = " ".join(request.query_params.get("q", "")[:QUERY_MAX].split())
    care = request.query_params.get("care", "all")
    care = care if care in CARE else "all"
    conditions = [col(Client.merged_into).is_(None), *_of_care(care, await _not_in_care(request, care))]
    found = await listing(
        request,
        "client",
        where=and_(*conditions, *([named(query)] if query else [])),
        order_by=(col(Client.name),),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    counted = count(found.total, "client", "clients")
    (may_create,) = await may(request, [("create", "client", {})])
    return await page(
        request,
        "admin/clients.html",
        query=query,
        care=care,
        cares=CARE,
        counted=_("%(clients)s called “%(query)s”", clients=counted, query=query) if query else counted,
        clients=await _rows(request, found.rows),
        pages=pages_of(request, found.total, SIZE),
        may_create=may_create,
        counts=await plan_counts(request) if may_create else None,
    )


async def _rows(request: Request, found: Sequence[Client]) -> list[ClientRow]:
    roster = await request.app.state.authz.roster(request.state.reader.practice_id, [row.id for row in found])
    return [ClientRow(row.id, row.name, day(row.born), _flags(roster.get(row.id))) for row in found]


def _flags(standing: Mapping[str, Any] | None) -> tuple[Badge, ...]:
    """What to mark: who is not in care, whose access waits, and for whom nobody has any."""
    if standing is None:
        return ()
    people, flags = standing["people"], []
    if not standing["active"]:
        flags.append(Badge(_("Not in care")))
    if people.get("pending"):
        flags.append(Badge(_("Portal Access Pending"), "warn"))
    if people.get("suspended"):
        flags.append(Badge(_("Suspended"), "bad"))
    if people.get("locked"):
        flags.append(Badge(_("Sign-in locked"), "bad"))
    if standing["active"] and not any(people.get(one) for one in ("active", "pending", "suspended", "locked")):
        flags.append(Badge(_("Nobody has access"), "info"))
    return tuple(flags)


async def _not_in_care(request: Request, care: str) -> list[str]:
    if care == "all":
        return []
    ids: list[str] = await request.app.state.authz.not_in_care(request.state.reader.practice_id)
    return ids


def _of_care(care: str, not_in_care: Sequence[str]) -> list[ColumnElement[bool]]:
    if care == "all":
        return []
    among = col(Client.id).in_(not_in_care)
    return [among if care == "not" else ~among]


def named(query: str) -> ColumnElement[bool]:
    """Clients whose name has every word."""
    words = query.split()[:WORDS_MAX]
    return and_(*(col(Client.name).icontains(word, autoescape=True) for word in words))
