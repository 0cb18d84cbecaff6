"""The invoices of every client the reader acts for, in one list (rows C18, C20): for payers, communities and families.

Each client's rows are those that the client's own list would show: one plan a client, joined by "or".
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_
from sqlmodel import col

from gateway.edge.errors import CannotDecide, NotFound
from gateway.edge.questions import asking, profiles
from gateway.portal.billing.invoices import ORDER, SIZE, InvoiceView, describe, due_cents, is_due
from gateway.records.filter import UnknownConditionError, where
from gateway.records.store import ROWS_MAX
from gateway.web.formats import money
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from models.tables.records import Invoice
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.edge.reader import ClientInView, Profile


@dataclass(frozen=True, slots=True)
class Addressed:
    """An invoice and whom it is for."""

    bill: InvoiceView
    client: ClientInView


async def all_invoices(request: Request) -> Response:
    """Those due first, then the newest, whatever the practice."""
    if request.state.reader.type is not SubjectType.ACCOUNT:
        raise NotFound
    known = {profile.client.id: profile.client for profile in await profiles(request)}
    clauses = await _clauses(request, await profiles(request))
    number = min(page_number(request), ROWS_MAX // SIZE)
    rows: list[Invoice] = []
    total = cents = 0
    for practice_id, conditions in clauses.items():
        shown = or_(*conditions)
        found, count = await request.app.state.records.rows(
            Invoice, practice_id, shown, order_by=ORDER, limit=number * SIZE
        )
        rows += found
        total += count
        cents += await request.app.state.records.read(
            practice_id, lambda session, shown=shown: due_cents(session, [shown])
        )
    rows.sort(key=lambda row: (row.balance_due_cents == 0, -row.issued.toordinal(), row.id))
    views = [(row, _addressed(request, row, known)) for row in rows[(number - 1) * SIZE : number * SIZE]]
    return await page(
        request,
        "portal/invoices_everywhere.html",
        due=[view for row, view in views if is_due(row)],
        settled=[view for row, view in views if not is_due(row)],
        due_in_all=money(cents) if cents else "",
        pages=pages_of(request, min(total, ROWS_MAX), SIZE),
    )


async def _clauses(request: Request, known: list[Profile]) -> dict[str, list[ColumnElement[bool]]]:
    """What the reader may see of each client's invoices, by practice; clients of whom nothing are left out."""
    authz, who = request.app.state.authz, asking(request)
    plans = await asyncio.gather(
        *(authz.plan(who, "view", "invoice", {"client_id": profile.client.id}) for profile in known)
    )
    clauses: dict[str, list[ColumnElement[bool]]] = defaultdict(list)
    for profile, plan in zip(known, plans, strict=True):
        if plan.condition is False:
            continue
        try:
            shown = where("invoice", plan.condition)
        except UnknownConditionError as error:
            raise CannotDecide(f"the plan for invoice cannot be used: {error}") from error
        clauses[profile.client.practice_id].append(and_(shown, col(Invoice.client_id) == profile.client.id))
    return clauses


def _addressed(request: Request, row: Invoice, known: Mapping[str, ClientInView]) -> Addressed:
    client = known[row.client_id]
    today = request.app.state.clock().astimezone(ZoneInfo(client.zone)).date()
    return Addressed(describe(request, row, today, client), client)
