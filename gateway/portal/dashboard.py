"""A client's home page: what is next, what is due, what is to be signed (row C9)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import col

from gateway.edge.questions import listing, opens
from gateway.portal.billing.invoices import describe as describe_invoice
from gateway.portal.papers.documents import documents_to_sign
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


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the home page; `linked` when the whole list opens for the reader."""

    rows: Sequence[Any]
    linked: bool


async def dashboard(request: Request) -> Response:
    """The parts of the home page that open for the reader, and no others."""
    visits, calendar, bills, papers, signing, plan = await opens(
        request,
        [
            ("view", "appointment"),
            ("view", "calendar"),
            ("view", "invoice"),
            ("view", "document"),
            ("sign", "document"),
            ("view", "service_plan"),
        ],
    )
    coming, due, unsigned = await asyncio.gather(_coming(request), _due(request), documents_to_sign(request))
    return await page(
        request,
        "portal/dashboard.html",
        today=long_day(local_today(request)),
        appointments=Card(coming, linked=calendar) if visits else None,
        invoices=Card(due, linked=True) if bills else None,
        documents=Card(unsigned, linked=papers) if signing else None,
        plan_open=plan,
    )


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
