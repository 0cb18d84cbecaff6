"""Payment history and receipts (row Y8): what was paid by the reader, and what the reader may see of the client's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import col

from gateway.edge.questions import listing, opens
from gateway.payments.methods import paid_with
from gateway.web.formats import day, money
from gateway.web.language import _
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from models.tables.records import Invoice, Payment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

SIZE = 50


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment in words; the invoice only where the reader may see it."""

    id: str
    amount: str
    summary: str
    method: str
    reference: str
    number: str | None
    invoice_href: str | None
    receipt_href: str


async def payments(request: Request) -> Response:
    """The payments the reader may see, the newest first."""
    found = await listing(
        request,
        "payment",
        order_by=(col(Payment.paid_on).desc(), col(Payment.id)),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    numbers = await invoice_numbers(request, found.rows)
    (invoices_open,) = await opens(request, [("view", "invoice")])
    return await page(
        request,
        "portal/payments.html",
        payments=[_describe(request, row, numbers) for row in found.rows],
        pages=pages_of(request, found.total, SIZE),
        invoices_open=invoices_open,
    )


async def invoice_numbers(request: Request, rows: Sequence[Payment]) -> Mapping[str, str]:
    """The numbers of the payments' invoices, as far as the reader may see those, by id."""
    ids = sorted({row.invoice_id for row in rows if row.invoice_id})
    if not ids or not (await opens(request, [("view", "invoice")]))[0]:
        return {}
    shown = await listing(request, "invoice", where=col(Invoice.id).in_(ids), limit=len(ids))
    return {row.id: row.number for row in shown.rows}


def _describe(request: Request, row: Payment, numbers: Mapping[str, str]) -> PaymentView:
    base = f"/c/{request.state.client.id}"
    number = numbers.get(row.invoice_id or "")
    return PaymentView(
        id=row.id,
        amount=money(row.amount_cents),
        summary=_("Paid on %(day)s", day=day(row.paid_on)),
        method=paid_with(row.method),
        reference=row.reference,
        number=number,
        invoice_href=f"{base}/invoices/{row.invoice_id}" if number else None,
        receipt_href=f"{base}/payments/{row.id}/receipt",
    )
