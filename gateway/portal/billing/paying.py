"""Paying an invoice by card: the click, the way back from the provider's page, and changing one's mind (rows W20, Y26).

The guard has decided `pay` for the row; the ledger looks at the invoice again while it is locked. What the payer typed
on the provider's page is never seen here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.edge.errors import NotFound
from gateway.edge.questions import may, opens
from gateway.payments import settlement
from gateway.payments.ledger import Busy, Intent, NotPayable
from gateway.payments.methods import paid_with
from gateway.payments.provider import ProviderSilent
from gateway.payments.settlement import Sheet
from gateway.portal.billing.invoices import sheet_and_paying
from gateway.web.formats import money
from gateway.web.language import N_, _, language
from gateway.web.pages import page, see_other
from models.tables.billing import PaymentAttempt
from models.vocabulary import PaymentReason, PaymentState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from models.tables.records import Invoice

_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
# For whoever may not know who else is paying, "busy" says no more than that it does not work now.
_BUSY = N_("This invoice cannot be paid at the moment. Please try again in a little while.")
_NOT_PAYABLE = N_("Nothing is due on this invoice any more, so nothing was charged.")
_SILENT = N_("The card service does not answer. Nothing was charged. Please try again in a moment.")
_REASONS: Mapping[PaymentReason, str] = {
    PaymentReason.DECLINED: N_("The card was declined. Its bank can say why. You can try another card."),
    PaymentReason.INSUFFICIENT_FUNDS: N_("The card was declined: there is not enough money on it. Try another card."),
    PaymentReason.EXPIRED_CARD: N_("The card was declined: it has expired. Try another card."),
    PaymentReason.NOT_CONFIRMED: N_("The bank did not get your confirmation. You can try again."),
    PaymentReason.CANCELLED: N_("You stopped this payment."),
    PaymentReason.EXPIRED: N_("The payment was not finished in time. You can start again."),
    PaymentReason.REFUSED: N_("The card service did not take the payment. The practice can help you to pay."),
}


async def pay(request: Request) -> Response:
    """Begin to pay the whole balance; the same form sent twice leads to the same payment."""
    state, row = request.app.state, request.state.item
    key = str((await request.form()).get("key", ""))
    if state.payments is None:
        raise NotFound
    if not _KEY.fullmatch(key):
        return see_other(f"/c/{row.client_id}/invoices/{row.id}")
    intent = Intent(row.practice_id, row.client_id, row.id, request.state.reader.id, key, state.payments.name)
    paper = Sheet(_("Invoice %(number)s", number=row.number), language())
    try:
        attempt = await settlement.start(state, intent, paper)
        if attempt.amount_cents != row.balance_due_cents and settlement.is_live(attempt):
            # The practice changed the balance since: what was begun is closed, and a new payment begins.
            attempt = await settlement.cancel(state, attempt)
            if attempt.state == PaymentState.FAILED:
                attempt = await settlement.start(state, intent, paper)
    except Busy:
        return await _invoice_again(request, _(_BUSY), 409)
    except NotPayable:
        return await _invoice_again(request, _(_NOT_PAYABLE), 409)
    except ProviderSilent:
        return await _invoice_again(request, _(_SILENT), 503)
    if attempt.state != PaymentState.NEEDS_ACTION or attempt.url is None:
        return see_other(settlement.result_path(attempt))
    if attempt.url.startswith("/"):
        return see_other(attempt.url)
    # Browsers hold `form-action` against redirects too, so the way to another site begins on a page of our own.
    return see_other(f"{settlement.result_path(attempt)}?go=1")


async def result(request: Request) -> Response:
    """What became of a payment; asks the provider as long as that is open."""
    attempt = await _own_attempt(request)
    leaving = request.query_params.get("go") == "1" and attempt.state == PaymentState.NEEDS_ACTION
    if settlement.is_live(attempt) and not leaving and request.app.state.payments is not None:
        attempt = await settlement.look(request.app.state, attempt)
    return await _result_page(request, attempt, leaving=leaving)


async def stop(request: Request) -> Response:
    """Give up a payment that was begun."""
    attempt = await _own_attempt(request)
    if settlement.is_live(attempt) and request.app.state.payments is not None:
        attempt = await settlement.cancel(request.app.state, attempt)
    return see_other(settlement.result_path(attempt))


async def _result_page(request: Request, attempt: PaymentAttempt, *, leaving: bool) -> Response:
    row: Invoice = request.state.item
    (may_pay,) = await may(request, [("pay", "invoice", row)])
    (history,) = await opens(request, [("view", "payment")])
    receipt = False
    if history and attempt.state == PaymentState.SUCCEEDED:
        receipt = (await may(request, [("view", "payment", _payment_of(attempt))]))[0]
    reason = _REASONS[PaymentReason(attempt.reason)] if attempt.reason else ""
    return await page(
        request,
        "portal/payment_result.html",
        number=row.number,
        state=str(attempt.state),
        amount=money(attempt.amount_cents),
        method=paid_with(attempt.method),
        reference=attempt.charge or attempt.id,
        reason=_(reason) if reason else "",
        url=attempt.url,
        leaving=leaving,
        back=f"/c/{row.client_id}/invoices/{row.id}",
        stop=f"{settlement.result_path(attempt)}/stop" if may_pay else None,
        receipt=f"/c/{row.client_id}/payments/pay_{attempt.id}/receipt" if receipt else None,
        may_pay=may_pay,
    )


async def _invoice_again(request: Request, problem: str, status: int) -> Response:
    return await page(
        request,
        "portal/invoice.html",
        status=status,
        **await sheet_and_paying(request),
        problems=[{"field": None, "sentence": problem}],
    )


async def _own_attempt(request: Request) -> PaymentAttempt:
    """The attempt of the URL; another person's is the same as one that is missing."""
    row: Invoice = request.state.item
    attempt: PaymentAttempt | None = await request.app.state.records.read(
        row.practice_id, lambda session: session.get(PaymentAttempt, request.path_params["attempt"])
    )
    if attempt is None or attempt.invoice_id != row.id or attempt.payer_id != request.state.reader.id:
        raise NotFound
    return attempt


def _payment_of(attempt: PaymentAttempt) -> Mapping[str, Any]:
    return {"id": f"pay_{attempt.id}", "payer_id": attempt.payer_id}
