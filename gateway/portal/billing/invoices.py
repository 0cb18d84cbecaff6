"""Invoices: the list, one of them, and its print version (rows C10, C11, C18, Y9)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import func
from sqlmodel import col, select

from gateway.edge.questions import listing, may, opens, profiles, visible
from gateway.payments.ledger import live_attempt
from gateway.web.formats import day, money
from gateway.web.language import N_, _
from gateway.web.pages import page, part
from gateway.web.paging import page_number, pages_of
from gateway.web.today import local_today
from gateway.web.words import Badge
from models.tables.records import Invoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.edge.reader import ClientInView
    from models.tables.billing import PaymentAttempt

SIZE = 50
ORDER = (col(Invoice.balance_due_cents) == 0, col(Invoice.issued).desc(), col(Invoice.id))  # What is due comes first.


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One service on an invoice."""

    description: str
    note: str
    amount: str


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice in words."""

    id: str
    href: str
    number: str
    state: Badge
    summary: str
    amount_label: str
    amount: str
    issued: str
    due: str
    addressee: str
    lines: tuple[InvoiceLine, ...]
    total: str
    paid: str
    balance: str
    note: str


@dataclass(frozen=True, slots=True)
class Paying:
    """What the reader can do about the balance. `key` is the one-time key of the form; `going_on` a payment begun."""

    may: bool
    key: str
    going_on: str | None


def is_due(row: Invoice) -> bool:
    """Something is still to be paid on it."""
    return row.state == "open" and row.balance_due_cents > 0


def describe(request: Request, row: Invoice, today: date, client: ClientInView | None = None) -> InvoiceView:
    """The invoice as this reader sees it; `client` where the page is not one client's."""
    client, reader = client or request.state.client, request.state.reader
    due = is_due(row)
    paid_cents = row.total_cents - row.balance_due_cents
    return InvoiceView(
        id=row.id,
        href=f"/c/{client.id}/invoices/{row.id}",
        number=row.number,
        state=_state(row, today),
        summary=_("Due by %(day)s", day=day(row.due)) if due else _("Sent on %(day)s", day=day(row.issued)),
        amount_label=_("Balance due") if due else _("Total"),
        amount=money(row.balance_due_cents if due else row.total_cents),
        issued=day(row.issued),
        due=day(row.due) if due else "",
        addressee=_("%(name)s (you)", name=reader.name) if row.addressee_id == reader.id else client.name,
        lines=tuple(_line(line) for line in row.lines),
        total=money(row.total_cents),
        paid=money(paid_cents) if paid_cents and row.state in {"open", "paid"} else "",
        balance=money(row.balance_due_cents),
        note=row.note,
    )


async def invoices(request: Request) -> Response:
    """The invoices the reader may see, those due first, and what is due in all."""
    today = local_today(request)
    found = await listing(request, "invoice", order_by=ORDER, limit=SIZE, offset=(page_number(request) - 1) * SIZE)
    due_in_all = await _due_in_all(request)
    (payments_open,) = await opens(request, [("view", "payment")])
    return await page(
        request,
        "portal/invoices.html",
        due=[describe(request, row, today) for row in found.rows if is_due(row)],
        settled=[describe(request, row, today) for row in found.rows if not is_due(row)],
        due_in_all=money(due_in_all) if due_in_all else "",
        pages=pages_of(request, found.total, SIZE),
        payments_open=payments_open,
        everywhere=len(await profiles(request)) > 1,
    )


async def invoice(request: Request) -> Response:
    """One invoice with its lines; the same without the frame for the pop-up of the list (row C11)."""
    if request.headers.get("x-part") == "dialog":
        return await part(request, "portal/invoice_dialog.html", **await sheet_and_paying(request))
    return await page(request, "portal/invoice.html", **await sheet_and_paying(request))


async def invoice_print(request: Request) -> Response:
    """One invoice as a sheet of paper."""
    return await page(request, "portal/invoice_print.html", **sheet(request, request.state.item))


def sheet(request: Request, row: Invoice) -> dict[str, Any]:
    """What every version of an invoice shows."""
    today = local_today(request)
    return {"bill": describe(request, row, today), "today": day(today)}


async def sheet_and_paying(request: Request) -> dict[str, Any]:
    """The invoice of the request, and what the reader can do with it."""
    row: Invoice = request.state.item
    may_print, may_pay = await may(request, [("print", "invoice", row), ("pay", "invoice", row)])
    return {**sheet(request, row), "may_print": may_print, "paying": await _paying(request, row, allowed=may_pay)}


async def _paying(request: Request, row: Invoice, *, allowed: bool) -> Paying:
    can = allowed and request.app.state.payments is not None
    begun: PaymentAttempt | None = None
    if can:
        begun = await request.app.state.records.read(row.practice_id, lambda session: live_attempt(session, row.id))
    own = begun is not None and begun.payer_id == request.state.reader.id
    going_on = f"/c/{row.client_id}/invoices/{row.id}/payment/{begun.id}" if begun is not None and own else None
    return Paying(may=can, key=secrets.token_urlsafe(16), going_on=going_on)


async def _due_in_all(request: Request) -> int:
    shown = await visible(request, "invoice")
    cents: int = await request.app.state.records.read(
        request.state.client.practice_id, lambda session: due_cents(session, [shown])
    )
    return cents


def due_cents(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    """What is still to be paid on the open invoices that meet every condition."""
    chosen = select(func.coalesce(func.sum(Invoice.balance_due_cents), 0)).where(
        *conditions, Invoice.state == "open", Invoice.balance_due_cents > 0
    )
    return int(session.exec(chosen).one())


def _line(line: dict[str, Any]) -> InvoiceLine:
    return InvoiceLine(
        description=str(line["text"]),
        note=day(date.fromisoformat(line["on"])) if line.get("on") else "",
        amount=money(int(line["amount_cents"])),
    )


_STATES = {"paid": Badge(N_("Paid"), "good"), "void": Badge(N_("Void")), "draft": Badge(N_("Draft"))}


def _state(row: Invoice, today: date) -> Badge:
    if row.state == "open":
        if row.balance_due_cents <= 0:
            return Badge(_("Settled"), "good")
        return Badge(_("Overdue"), "bad") if row.due < today else Badge(_("Due"), "warn")
    known = _STATES[row.state]
    return Badge(_(known.label), known.tone)
