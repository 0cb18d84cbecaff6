"""What waits for the reader, client by client: the numbers on the page of all profiles."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import and_
from sqlmodel import col, func, select

from gateway.edge.errors import CannotDecide
from gateway.edge.questions import asking
from gateway.portal.messages.unread import unread
from gateway.portal.papers.documents import unsigned_by
from gateway.records.filter import UnknownConditionError, where
from gateway.web.formats import clock_time, day
from models.tables.records import Appointment, Document, Form, Invoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlmodel import Session
    from starlette.requests import Request

    from gateway.edge.authz_client import Plan
    from gateway.edge.reader import Profile
    from models.tables.records import Item

PROFILES_MAX = 12  # beyond that the page is a directory, and says nothing of what waits
_WANTED = (("view", "appointment"), ("complete", "form"), ("sign", "document"), ("view", "invoice"))


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits with one client; `next_visit` in words, empty when none is booked."""

    next_visit: str = ""
    forms: int = 0
    documents: int = 0
    invoices: int = 0
    messages: int = 0

    @property
    def something(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.next_visit or self.forms or self.documents or self.invoices or self.messages)


async def waiting(request: Request, known: Sequence[Profile]) -> dict[str, Waiting]:
    """What waits with each client, by client id, as the plans for the reader let it through."""
    if len(known) > PROFILES_MAX:
        return {}
    found = await asyncio.gather(*(_with(request, profile) for profile in known))
    return {profile.client.id: one for profile, one in zip(known, found, strict=True)}


async def _with(request: Request, profile: Profile) -> Waiting:
    client, now = profile.client, request.app.state.clock()
    plans, messages = await asyncio.gather(
        request.app.state.authz.plans(asking(request), _WANTED, {"client_id": client.id}),
        unread(request, client.id),
    )
    shown = {kind: _clause(kind, plan) for (_action, kind), plan in zip(_WANTED, plans, strict=True)}

    def read(session: Session) -> Waiting:
        def number(table: type[Item], clause: ColumnElement[bool] | None, *more: ColumnElement[bool]) -> int:
            if clause is None:
                return 0
            chosen = and_(
                clause, col(table.client_id) == client.id, col(table.practice_id) == client.practice_id, *more
            )
            return int(session.exec(select(func.count()).select_from(table).where(chosen)).one())

        visit = None
        if shown["appointment"] is not None:
            mine = and_(shown["appointment"], col(Appointment.client_id) == client.id)
            ahead = and_(mine, col(Appointment.starts_at) >= now, col(Appointment.state) != "cancelled")
            visit = session.exec(select(func.min(Appointment.starts_at)).where(ahead)).one()
        due = (col(Invoice.state) == "open", col(Invoice.balance_due_cents) > 0)
        local = None if visit is None else visit.astimezone(ZoneInfo(client.zone))
        return Waiting(
            next_visit="" if local is None else f"{day(local.date())}, {clock_time(local)}",
            forms=number(Form, shown["form"]),
            documents=number(Document, shown["document"], unsigned_by(request.state.reader.id)),
            invoices=number(Invoice, shown["invoice"], *due),
            messages=messages,
        )

    found: Waiting = await request.app.state.records.read(client.practice_id, read)
    return found


def _clause(kind: str, plan: Plan) -> ColumnElement[bool] | None:
    if plan.condition is False:
        return None
    try:
        return where(kind, plan.condition)
    except UnknownConditionError as error:
        raise CannotDecide(f"the plan for {kind} cannot be used: {error}") from error
