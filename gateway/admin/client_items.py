"""The items of one client that staff may see, whatever their type: for keeping one from somebody, and who sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlmodel import col

from gateway.edge.errors import NotFound
from gateway.edge.questions import listing, may
from gateway.web.formats import clock_time, day
from gateway.web.language import N_, _
from models.tables.records import ITEMS, Appointment, Document, Form, Invoice, ServicePlan, Thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from models.tables.records import Item


@dataclass(frozen=True, slots=True)
class Shelf:
    """A type of items: its name for one and for many, its icon, what is searched and by what it is sorted."""

    one: str
    many: str
    icon: str
    searched: Any
    newest: Any


SHELVES: Mapping[str, Shelf] = {
    "document": Shelf(N_("Document"), N_("Documents"), "document", Document.title, Document.dated),
    "form": Shelf(N_("Form"), N_("Forms"), "form", Form.title, Form.sent_on),
    "invoice": Shelf(N_("Invoice"), N_("Invoices"), "invoice", Invoice.number, Invoice.issued),
    "appointment": Shelf(N_("Appointment"), N_("Appointments"), "calendar", Appointment.title, Appointment.starts_at),
    "thread": Shelf(N_("Conversation"), N_("Conversations"), "message", Thread.subject, Thread.last_at),
    "service_plan": Shelf(N_("Service plan"), N_("Service plans"), "plan", ServicePlan.title, ServicePlan.released_on),
}


@dataclass(frozen=True, slots=True)
class ItemLine:
    """An item in words, and where its page of who sees it is."""

    type: str
    id: str
    title: str
    note: str
    icon: str
    href: str


def describe(request: Request, resource_type: str, row: Any) -> ItemLine:
    """An item of a client in one line."""
    client = request.state.client
    zone = ZoneInfo(client.zone)
    if isinstance(row, Invoice):
        title, on = _("Invoice %(number)s", number=row.number), day(row.issued)
    elif isinstance(row, Appointment):
        at = row.starts_at.astimezone(zone)
        title, on = row.title, f"{day(at.date())}, {clock_time(at)}"
    elif isinstance(row, Thread):
        title, on = row.subject, day(row.last_at.astimezone(zone).date())
    elif isinstance(row, ServicePlan):
        title, on = row.title, day(row.released_on) if row.released_on else _("Draft")
    elif isinstance(row, Form):
        title, on = row.title, day(row.sent_on)
    else:
        title, on = row.title, day(row.dated)
    shelf = SHELVES[resource_type]
    href = f"/admin/clients/{client.id}/seen/{resource_type}/{row.id}"
    return ItemLine(resource_type, row.id, title, f"{_(shelf.one)} · {on}", shelf.icon, href)


async def shelf_rows(request: Request, resource_type: str, wanted: str, limit: int, offset: int) -> Any:
    """What the reader may see of a type, the newest first, narrowed by words of the title."""
    shelf = SHELVES[resource_type]
    where = col(shelf.searched).icontains(wanted, autoescape=True) if wanted else None
    order = (col(shelf.newest).desc(), col(ITEMS[resource_type].id))
    return await listing(request, resource_type, where=where, order_by=order, limit=limit, offset=offset)


async def item_of(request: Request) -> tuple[str, Item]:
    """The type and row that the address names; NotFound unless the reader may view it."""
    kind, client = request.path_params["type"], request.state.client
    if kind not in SHELVES:
        raise NotFound
    row = await request.app.state.records.item(ITEMS[kind], client.practice_id, client.id, request.path_params["item"])
    if row is None or not all(await may(request, [("view", kind, row)])):
        raise NotFound
    return kind, row
