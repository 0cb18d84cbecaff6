"""The people whom a practice knows: a client's contacts without portal access, and the search among all (W18, W28)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import false
from sqlmodel import col, select

from gateway.account.passwords import canonical
from gateway.edge.errors import CannotDecide
from gateway.edge.questions import asking
from gateway.records.filter import UnknownConditionError, where
from gateway.web.words import KINDS
from models.tables.getting_in import Contact
from models.tables.records import Client
from models.vocabulary import Kind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlmodel import Session
    from starlette.requests import Request

FOUND_MAX = 20


@dataclass(frozen=True, slots=True)
class OtherContact:
    """A contact who has no portal access (row W18)."""

    id: str
    name: str
    kind: str
    email: str


async def contacts_without_access(request: Request) -> list[OtherContact]:
    """Contacts of the client who were kept without portal access, by name."""
    client = request.state.client

    def read(session: Session) -> list[Contact]:
        chosen = select(Contact).where(Contact.client_id == client.id, col(Contact.grant_id).is_(None))
        chosen = chosen.where(col(Contact.merged_into).is_(None))
        return list(session.exec(chosen.order_by(Contact.name)))

    rows = await request.app.state.records.read(client.practice_id, read)
    return [OtherContact(row.id, row.name, KINDS[Kind(row.kind)], row.email or "") for row in rows]


async def find_people(request: Request, query: str) -> list[Contact]:
    """People of the reader's clients by name, each once: contacts and clients who have a sign-in (row W28)."""
    practice_id, known = request.state.client.practice_id, await _of_readers_clients(request)

    def read(session: Session) -> list[Contact]:
        chosen = select(Contact).where(Contact.practice_id == practice_id, known, col(Contact.merged_into).is_(None))
        for word in query.split()[:5]:
            chosen = chosen.where(col(Contact.name).icontains(word, autoescape=True))
        found: dict[str, Contact] = {}
        for one in session.exec(chosen.order_by(col(Contact.name), col(Contact.added_at)).limit(200)):
            found.setdefault(one.account_id or canonical(one.email or one.id), one)
        return list(found.values())[:FOUND_MAX]

    people: list[Contact] = await request.app.state.records.read(practice_id, read)
    return people


async def find_contact(request: Request, contact_id: str | None) -> Contact | None:
    """A contact of one of the reader's clients, by id."""
    if not contact_id:
        return None
    practice_id, known = request.state.client.practice_id, await _of_readers_clients(request)
    chosen = select(Contact).where(Contact.practice_id == practice_id, Contact.id == contact_id, known)
    chosen = chosen.where(col(Contact.merged_into).is_(None))
    found: Contact | None = await request.app.state.records.read(practice_id, lambda s: s.exec(chosen).first())
    return found


async def _of_readers_clients(request: Request) -> ColumnElement[bool]:
    """Contacts of clients whom the reader may see: whoever reaches some clients only does not search among all."""
    practice = {"practice_id": request.state.reader.practice_id}
    plan = await request.app.state.authz.plan(asking(request), "view", "client", practice)
    if plan.condition is False:
        return false()
    try:
        seen = select(Client.id).where(where("client", plan.condition))
    except UnknownConditionError as error:
        raise CannotDecide(f"the plan for client cannot be used: {error}") from error
    return col(Contact.client_id).in_(seen)
