"""Card payments to look at: those whose outcome is not known, and money that has to go back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, update
from sqlmodel import col, select

from gateway.admin.people import accounts_known
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.payments.settlement import CHECKOUT_LIFE
from gateway.records.events import enter_event, event_by
from gateway.web.formats import clock_time, day, money
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.words import Badge
from models.tables.billing import PaymentAttempt
from models.tables.records import Client, Invoice
from models.vocabulary import LIVE_PAYMENTS, PaymentState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

SHOWN_MAX = 100
_STUCK = 2 * CHECKOUT_LIFE  # after which an open attempt should have come to an end
_WORDS = {
    PaymentState.UNKNOWN: (
        Badge(N_("Not known"), "warn"),
        N_("The card service has not said whether the card was charged. It is asked again by itself."),
    ),
    PaymentState.NEEDS_REFUND: (
        Badge(N_("To be returned"), "bad"),
        N_("The card was charged when nothing was due any more. Return the money, then mark it as done."),
    ),
}
_OPEN = (
    Badge(N_("Not finished"), "info"),
    N_("The card service has neither taken the money nor closed its page. Look at its own list."),
)


@dataclass(frozen=True, slots=True)
class Case:
    """An attempt with what it is about, as one read found them."""

    attempt: PaymentAttempt
    invoice: Invoice
    client: Client


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case in words; `close` is the address of the form that ends it."""

    id: str
    title: str
    people: str
    when: str
    reference: str
    amount: str
    state: Badge
    advice: str
    close: str | None


async def payments_page(request: Request) -> Response:
    """The cases of the clients whose payments the reader may see."""
    practice_id, now = request.state.reader.practice_id, request.app.state.clock()
    cases: list[Case] = await request.app.state.records.read(
        practice_id, lambda session: _cases(session, practice_id, now)
    )
    seen = await may(request, [("view", "payment", _question(case)) for case in cases])
    shown = [case for case, allowed in zip(cases, seen, strict=True) if allowed]
    changes = await may(request, [("update", "invoice", case.invoice) for case in shown])
    zone = ZoneInfo(request.state.reader.zone)
    names = await accounts_known(request, (case.attempt.payer_id for case in shown))
    views = [_describe(case, zone, names, may_close=change) for case, change in zip(shown, changes, strict=True)]
    return await page(request, "admin/payments.html", cases=views)


async def close(request: Request) -> Response:
    """The money went back: the case is done."""
    reader, attempt_id = request.state.reader, request.path_params["attempt"]
    case: Case | None = await request.app.state.records.read(
        reader.practice_id, lambda session: _case(session, session.get(PaymentAttempt, attempt_id))
    )
    if case is None or case.attempt.practice_id != reader.practice_id:
        raise NotFound
    if not all(await may(request, [("update", "invoice", case.invoice), ("view", "payment", _question(case))])):
        raise NotFound
    now = request.app.state.clock()

    def write(session: Session) -> int:
        done = session.execute(
            update(PaymentAttempt)
            .where(
                col(PaymentAttempt.id) == attempt_id,
                col(PaymentAttempt.state) == PaymentState.NEEDS_REFUND,
                col(PaymentAttempt.closed_at).is_(None),
            )
            .values(closed_at=now, closed_by=reader.id)
        )
        if done.rowcount:  # type: ignore[attr-defined]
            details = {"amount_cents": case.attempt.amount_cents, "attempt": attempt_id}
            event = event_by(
                reader, "payment.returned", case.invoice, account_id=case.attempt.payer_id, details=details
            )
            enter_event(session, event, at=now)
        return int(done.rowcount)  # type: ignore[attr-defined]

    if await request.app.state.records.change(reader.practice_id, write):
        await say(request, _("Marked as returned."))
    return see_other("/admin/payments")


def _cases(session: Session, practice_id: str, now: datetime) -> list[Case]:
    state = col(PaymentAttempt.state)
    to_look_at = or_(
        state == PaymentState.UNKNOWN,
        and_(state == PaymentState.NEEDS_REFUND, col(PaymentAttempt.closed_at).is_(None)),
        and_(state.in_(LIVE_PAYMENTS), col(PaymentAttempt.started_at) < now - _STUCK),
    )
    chosen = select(PaymentAttempt).where(PaymentAttempt.practice_id == practice_id, to_look_at)
    attempts = session.exec(chosen.order_by(col(PaymentAttempt.started_at)).limit(SHOWN_MAX))
    return [case for case in (_case(session, attempt) for attempt in attempts) if case is not None]


def _case(session: Session, attempt: PaymentAttempt | None) -> Case | None:
    if attempt is None:
        return None
    return Case(attempt, session.get_one(Invoice, attempt.invoice_id), session.get_one(Client, attempt.client_id))


def _question(case: Case) -> dict[str, str]:
    return {
        "id": f"pay_{case.attempt.id}",
        "client_id": case.attempt.client_id,
        "payer_id": case.attempt.payer_id,
    }


def _describe(case: Case, zone: ZoneInfo, names: Mapping[str, str], *, may_close: bool) -> CaseView:
    attempt = case.attempt
    badge, advice = _WORDS.get(PaymentState(attempt.state), _OPEN)
    began = attempt.started_at.astimezone(zone)
    ends = attempt.state == PaymentState.NEEDS_REFUND and may_close
    return CaseView(
        id=attempt.id,
        title=_("Invoice %(number)s", number=case.invoice.number),
        people=_(
            "%(payer)s, for %(client)s", payer=names.get(attempt.payer_id, attempt.payer_id), client=case.client.name
        ),
        when=f"{day(began)}, {clock_time(began)}",
        reference=attempt.charge or attempt.reference or attempt.id,
        amount=money(attempt.amount_cents),
        state=Badge(_(badge.label), badge.tone),
        advice=_(advice),
        close=f"/admin/payments/{attempt.id}/close" if ends else None,
    )


ROUTES = (
    Route("/admin/payments", payments_page, guard=Guard("view", "payment")),
    Route("/admin/payments/{attempt}/close", close, guard=Guard("update", "invoice"), methods=("POST",)),
)
