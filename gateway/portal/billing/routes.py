"""The site map of money: invoices and payments."""

from __future__ import annotations

from gateway.edge.guard import Guard, Route
from gateway.portal.billing.invoices import invoice, invoice_print, invoices

ROUTES = (
    Route("/c/{client}/invoices", invoices, guard=Guard("view", "invoice")),
    Route("/c/{client}/invoices/{id}", invoice, guard=Guard("view", "invoice")),
    Route("/c/{client}/invoices/{id}/print", invoice_print, guard=Guard("print", "invoice")),
)
