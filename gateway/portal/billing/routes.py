"""The site map of money: invoices and payments."""

from __future__ import annotations

from gateway.edge.guard import Guard, Route, signed_in
from gateway.portal.billing.everywhere import all_invoices
from gateway.portal.billing.invoices import invoice, invoice_print, invoices
from gateway.portal.billing.papers import invoice_pdf, receipt_pdf
from gateway.portal.billing.paying import pay, result, stop
from gateway.portal.billing.payments import payments

ROUTES = (
    Route("/invoices", all_invoices, guard=signed_in),
    Route("/c/{client}/invoices", invoices, guard=Guard("view", "invoice")),
    Route("/c/{client}/invoices/{id}", invoice, guard=Guard("view", "invoice")),
    Route("/c/{client}/invoices/{id}/print", invoice_print, guard=Guard("print", "invoice")),
    Route("/c/{client}/invoices/{id}/pdf", invoice_pdf, guard=Guard("print", "invoice")),
    Route("/c/{client}/invoices/{id}/pay", pay, guard=Guard("pay", "invoice"), methods=("POST",)),
    # Once paid, an invoice may not be paid any more; its payer still comes back to this page.
    Route("/c/{client}/invoices/{id}/payment/{attempt}", result, guard=Guard("view", "invoice")),
    Route("/c/{client}/invoices/{id}/payment/{attempt}/stop", stop, guard=Guard("pay", "invoice"), methods=("POST",)),
    Route("/c/{client}/payments", payments, guard=Guard("view", "payment")),
    Route("/c/{client}/payments/{id}/receipt", receipt_pdf, guard=Guard("view", "payment")),
)
