"""Pages of the payment providers: the local one's hosted page, and where Stripe's events arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from sqlmodel import col, select
from starlette.responses import PlainTextResponse

from gateway.edge.errors import NotFound
from gateway.edge.guard import Route, public, signed_in
from gateway.payments import settlement
from gateway.payments.local import Card, LocalProvider
from gateway.payments.provider import NotSigned
from gateway.web.formats import money
from gateway.web.language import N_, _
from gateway.web.pages import page, see_other
from models.tables.billing import LocalCheckout, PaymentAttempt
from models.vocabulary import PaymentState

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.payments.provider import Word

_CARDS = {
    Card.PAYS: (N_("A card that pays"), ""),
    Card.CONFIRM: (N_("A card whose bank asks first"), N_("3-D Secure: you confirm the payment on the next page.")),
    Card.NO_FUNDS: (N_("A card without enough money"), ""),
    Card.EXPIRED: (N_("A card that has expired"), ""),
    Card.DECLINED: (N_("A card that is declined without a reason"), ""),
    Card.LATE_PAYS: (
        N_("A time-out, and the card was charged"),
        N_("The answer comes a little later."),
    ),
    Card.LATE_FAILS: (N_("A time-out, and the card was not charged"), ""),
}
log: Any = structlog.get_logger()


async def checkout(request: Request) -> Response:
    """The page on which the test provider takes a card, or has the bank ask."""
    kept = (await _local(request))[1]
    if kept.state not in ("open", "confirming"):
        return see_other(kept.return_path)
    return await _checkout_page(request, kept)


async def use_card(request: Request) -> Response:
    """A card was chosen, or the bank's question answered."""
    provider, kept = await _local(request)
    fields = await request.form()
    if kept.state == "confirming" and fields.get("confirm") in ("yes", "no"):
        await provider.confirm(kept.id, yes=fields["confirm"] == "yes")
    elif kept.state == "open":
        if fields.get("card") not in set(Card):
            return await _checkout_page(request, kept, problem=_("Choose a card."))
        await provider.use(kept.id, Card(str(fields["card"])))
    after = await provider.find(kept.id)
    if after is not None and after.state == "confirming":
        return see_other(f"/demo/checkout/{kept.id}")
    return see_other(kept.return_path)


async def stripe_event(request: Request) -> Response:
    """An event of Stripe's: 400 for what is not signed, 503 to have it sent again, 200 for all else."""
    state = request.app.state
    if state.payments is None or state.payments.name != "stripe":
        raise NotFound
    try:
        word: Word | None = state.payments.heard(await request.body(), request.headers, state.clock())
    except NotSigned as error:
        log.warning("payment_event_refused", reason=str(error))
        return PlainTextResponse("not signed", status_code=400)
    attempt = None if word is None else await state.records.read(word.practice_id, lambda session: _of(session, word))
    if attempt is not None:
        attempt = await settlement.look(state, attempt)
        if attempt.state == PaymentState.UNKNOWN:
            return PlainTextResponse("try again", status_code=503)
    return PlainTextResponse("heard")


async def _local(request: Request) -> tuple[LocalProvider, LocalCheckout]:
    provider = request.app.state.payments
    kept = await provider.find(request.path_params["checkout"]) if isinstance(provider, LocalProvider) else None
    if kept is None:
        raise NotFound
    return provider, kept


async def _checkout_page(request: Request, kept: LocalCheckout, problem: str = "") -> Response:
    return await page(
        request,
        "portal/payment_checkout.html",
        status=422 if problem else 200,
        amount=money(kept.amount_cents),
        description=kept.description,
        confirming=kept.state == "confirming",
        cards=[(card.value, _(label), _(hint) if hint else "") for card, (label, hint) in _CARDS.items()],
        back=kept.return_path,
        problem=problem,
    )


def _of(session: Session, word: Word) -> PaymentAttempt | None:
    chosen = select(PaymentAttempt).where(
        PaymentAttempt.id == word.attempt_id, col(PaymentAttempt.practice_id) == word.practice_id
    )
    return session.exec(chosen).first()


ROUTES = (
    Route("/demo/checkout/{checkout}", checkout, guard=signed_in),
    Route("/demo/checkout/{checkout}", use_card, guard=signed_in, methods=("POST",)),
    Route("/payments/stripe", stripe_event, guard=public, methods=("POST",), signed=True),
)
