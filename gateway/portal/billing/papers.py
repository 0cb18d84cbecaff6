"""Invoices and receipts as PDF (row Y9)."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.responses import Response

from gateway.payments.methods import paid_with
from gateway.portal.billing.invoices import sheet
from gateway.portal.billing.payments import invoice_numbers
from gateway.web.formats import day, money
from gateway.web.language import _, language
from gateway.web.pdf import Paper

if TYPE_CHECKING:
    from starlette.requests import Request

    from gateway.portal.billing.invoices import InvoiceView
    from models.tables.records import Payment


async def invoice_pdf(request: Request) -> Response:
    """The invoice of the request."""
    bill: InvoiceView = sheet(request, request.state.item)["bill"]
    paper = await _paper(request, _("Invoice %(number)s", number=bill.number))
    facts = [(_("Sent on"), bill.issued), (_("Due by"), bill.due), (_("Addressed to"), bill.addressee)]
    paper.facts([*((label, value) for label, value in facts if value), (_("For"), request.state.client.name)])
    rows = [(f"{line.description}\n{line.note}".strip(), line.amount) for line in bill.lines]
    rows.append((_("Total"), bill.total))
    if bill.paid:
        rows.append((_("Paid"), bill.paid))
    rows.append((_("Balance due"), bill.balance))
    paper.table((_("Service"), _("Amount")), rows, widths=(4, 1), numbers={1})
    if bill.note:
        paper.paragraph(bill.note)
    return await _answer(paper, f"invoice-{bill.number}")


async def receipt_pdf(request: Request) -> Response:
    """The receipt of the payment of the request."""
    row: Payment = request.state.item
    number = (await invoice_numbers(request, [row])).get(row.invoice_id or "")
    paper = await _paper(request, _("Receipt"))
    paper.facts(
        [
            (_("Amount"), money(row.amount_cents)),
            (_("Paid on"), day(row.paid_on)),
            (_("Paid with"), paid_with(row.method)),
            (_("Reference"), row.reference),
            *([(_("Invoice"), number)] if number else []),
            (_("For"), request.state.client.name),
        ]
    )
    paper.paragraph(_("Thank you for your payment."))
    return await _answer(paper, f"receipt-{row.reference}")


async def _paper(request: Request, title: str) -> Paper:
    practice = await request.app.state.records.practice(request.state.client.practice_id)
    return Paper(practice.name, practice.letterhead, title, language=language())


async def _answer(paper: Paper, name: str) -> Response:
    content = await to_thread.run_sync(partial(paper.bytes))
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")
    return Response(
        content,
        media_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{safe}.pdf"'},
    )
