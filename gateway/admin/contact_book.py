"""The people whom a practice knows: a client's contacts without portal access, and the search among all (W18, W28)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import col, select

from gateway.account.passwords import canonical
from gateway.web.words import KINDS
from models.tables.getting_in import Contact
from models.vocabulary import Kind

if TYPE_CHECKING:
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
        return list(session.exec(chosen.order_by(Contact.name)))

    rows = await request.app.state.records.read(client.practice_id, read)
    return [OtherContact(row.id, row.name, KINDS[Kind(row.kind)], row.email or "") for row in rows]


async def find_people(request: Request, query: str) -> list[Contact]:
    """People of the practice by name, each once: contacts and clients who have a sign-in (row W28)."""
    practice_id = request.state.client.practice_id

    def read(session: Session) -> list[Contact]:
        chosen = select(Contact).where(Contact.practice_id == practice_id)
        for word in query.split()[:5]:
            chosen = chosen.where(col(Contact.name).icontains(word, autoescape=True))
        found: dict[str, Contact] = {}
        for one in session.exec(chosen.order_by(col(Contact.name), col(Contact.added_at)).limit(200)):
            found.setdefault(one.account_id or canonical(one.email or one.id), one)
        return list(found.values())[:FOUND_MAX]

    people: list[Contact] = await request.app.state.records.read(practice_id, read)
    return people


async def find_contact(request: Request, contact_id: str | None) -> Contact | None:
    """A contact of the practice, by id."""
    if not contact_id:
        return None
    practice_id = request.state.client.practice_id
    found: Contact | None = await request.app.state.records.read(practice_id, lambda s: s.get(Contact, contact_id))
    return found if found is not None and found.practice_id == practice_id else None
