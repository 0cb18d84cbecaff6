"""Invoices: the list, one of them, and its print version (rows C10, C11, C18, Y9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlmodel import col

from gateway.edge.questions import listing, may
from gateway.web.formats import day, money
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.today import local_today
from gateway.web.words import Badge
from models.tables.records import Invoice

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

SIZE = 50


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


def is_due(row: Invoice) -> bool:
    """Something is still to be paid on it."""
    return row.state == "open" and row.balance_due_cents > 0


def describe(request: Request, row: Invoice, today: date) -> InvoiceView:
    """The invoice as this reader sees it."""
    client, reader = request.state.client, request.state.reader
    due = is_due(row)
    paid_cents = row.total_cents - row.balance_due_cents
    return InvoiceView(
        id=row.id,
        href=f"/c/{client.id}/invoices/{row.id}",
        number=row.number,
        state=_state(row, today),
        summary=f"Due by {day(row.due)}" if due else f"Sent on {day(row.issued)}",
        amount_label="Balance due" if due else "Total",
        amount=money(row.balance_due_cents if due else row.total_cents),
        issued=day(row.issued),
        due=day(row.due) if due else "",
        addressee=f"{reader.name} (you)" if row.addressee_id == reader.id else client.name,
        lines=tuple(_line(line) for line in row.lines),
        total=money(row.total_cents),
        paid=money(paid_cents) if paid_cents and row.state in {"open", "paid"} else "",
        balance=money(row.balance_due_cents),
        note=row.note,
    )


async def invoices(request: Request) -> Response:
    """The invoices the reader may see, those due first."""
    today = local_today(request)
    found = await listing(
        request,
        "invoice",
        order_by=(col(Invoice.balance_due_cents) == 0, col(Invoice.issued).desc(), col(Invoice.id)),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    return await page(
        request,
        "portal/invoices.html",
        due=[describe(request, row, today) for row in found.rows if is_due(row)],
        settled=[describe(request, row, today) for row in found.rows if not is_due(row)],
        pages=pages_of(request, found.total, SIZE),
    )


async def invoice(request: Request) -> Response:
    """One invoice with its lines."""
    row: Invoice = request.state.item
    (may_print,) = await may(request, [("print", "invoice", row)])
    return await page(request, "portal/invoice.html", **_sheet(request, row), may_print=may_print)


async def invoice_print(request: Request) -> Response:
    """One invoice as a sheet of paper."""
    return await page(request, "portal/invoice_print.html", **_sheet(request, request.state.item))


def _sheet(request: Request, row: Invoice) -> dict[str, Any]:
    today = local_today(request)
    return {"bill": describe(request, row, today), "today": day(today)}


def _line(line: dict[str, Any]) -> InvoiceLine:
    return InvoiceLine(
        description=str(line["text"]),
        note=day(date.fromisoformat(line["on"])) if line.get("on") else "",
        amount=money(int(line["amount_cents"])),
    )


def _state(row: Invoice, today: date) -> Badge:
    if row.state == "open":
        if row.balance_due_cents <= 0:
            return Badge("Settled", "good")
        return Badge("Overdue", "bad") if row.due < today else Badge("Due", "warn")
    return {"paid": Badge("Paid", "good"), "void": Badge("Void")}.get(row.state, Badge(row.state.capitalize()))
