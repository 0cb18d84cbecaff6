"""A client's home page: what is next, what is due, what waits for the reader (rows C9, M8)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import col

from gateway.admin.banners import banners_for
from gateway.edge.questions import listing, opens, plans_for
from gateway.portal.billing.invoices import describe as describe_invoice
from gateway.portal.intake.pages import forms_to_complete
from gateway.portal.messages.unread import unread
from gateway.portal.papers.documents import documents_to_sign
from gateway.portal.profile import profile_of
from gateway.portal.schedule.calendar import coming_rows, in_words
from gateway.web.formats import long_day
from gateway.web.pages import page
from gateway.web.today import local_today
from models.tables.records import Invoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.portal.billing.invoices import InvoiceView
    from gateway.portal.schedule.visits import Visit

APPOINTMENTS = 3
INVOICES = 5
PAPERS = 5
_PARTS = (
    ("view", "appointment"),
    ("view", "calendar"),
    ("request", "appointment"),
    ("view", "invoice"),
    ("view", "document"),
    ("sign", "document"),
    ("view", "form"),
    ("complete", "form"),
    ("view", "thread"),
    ("view", "service_plan"),
    ("view", "profile"),
    ("update", "profile"),
)


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the home page; `linked` when the whole list opens for the reader, `more` what does not fit here."""

    rows: Sequence[Any]
    linked: bool
    more: int = 0


async def dashboard(request: Request) -> Response:
    """The parts of the home page that open for the reader, and no others."""
    is_open = dict(zip(_PARTS, await opens(request, _PARTS), strict=True))
    await plans_for(request, [("view", "appointment"), ("view", "invoice")])
    (banners, coming, due), (unsigned, unfilled), (unheard, profile) = await asyncio.gather(
        asyncio.gather(banners_for(request), _coming(request), _due(request)),
        asyncio.gather(documents_to_sign(request), forms_to_complete(request)),
        asyncio.gather(unread(request, request.state.client.id), profile_of(request)),
    )
    return await page(
        request,
        "portal/dashboard.html",
        today=long_day(local_today(request)),
        banners=banners,
        appointments=Card(coming, linked=is_open["view", "calendar"]) if is_open["view", "appointment"] else None,
        may_request=is_open["request", "appointment"],
        invoices=Card(due, linked=True) if is_open["view", "invoice"] else None,
        documents=_card(unsigned, linked=is_open["view", "document"]) if is_open["sign", "document"] else None,
        forms=_card(unfilled, linked=is_open["view", "form"]) if is_open["complete", "form"] else None,
        messages=unheard if is_open["view", "thread"] else None,
        plan_open=is_open["view", "service_plan"],
        profile_open=is_open["view", "profile"],
        profile_missing=profile.missing if is_open["update", "profile"] else [],
    )


def _card(rows: Sequence[Any], *, linked: bool) -> Card:
    return Card(rows[:PAPERS], linked, max(len(rows) - PAPERS, 0))


async def _coming(request: Request) -> list[Visit]:
    return await in_words(request, await coming_rows(request, APPOINTMENTS, standing=True))


async def _due(request: Request) -> list[InvoiceView]:
    today = local_today(request)
    found = await listing(
        request,
        "invoice",
        where=(col(Invoice.state) == "open") & (col(Invoice.balance_due_cents) > 0),
        order_by=(col(Invoice.due),),
        limit=INVOICES,
    )
    return [describe_invoice(request, row, today) for row in found.rows]
