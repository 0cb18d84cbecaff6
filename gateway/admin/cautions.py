"""What staff are warned of before they save a person: why, and what to do. A warning never blocks; it is acknowledged.

Rows W9, W11, W14, M3, Y14; conflicts c1 and c7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlmodel import col, select

from gateway.account.passwords import canonical
from gateway.admin.contact_book import find_contact
from gateway.web.language import _
from models.tables.getting_in import Contact
from models.tables.records import Client
from models.vocabulary import AgeClass, Kind, SelfManaging

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlmodel import Session
    from starlette.datastructures import FormData
    from starlette.requests import Request

_PARENTS = frozenset({Kind.GUARDIAN.value, Kind.CO_PARENT.value, Kind.CASEWORKER.value})


@dataclass(frozen=True, slots=True)
class Caution:
    """One warning: the code is what the form acknowledges, `what` is why, `instead` what to do."""

    code: str
    what: str
    instead: str


@dataclass(frozen=True, slots=True)
class ClientSaid:
    """What a form says of a client, as far as a warning may follow from it."""

    name: str
    born: date
    self_managing: str
    email: str
    is_new: bool = False


def unread(cautions: Sequence[Caution], form: FormData) -> bool:
    """Whether a warning was not acknowledged."""
    ticked = {str(value) for value in form.getlist("ack")}
    return any(caution.code not in ticked for caution in cautions)


async def cautions_of_client(
    request: Request, said: ClientSaid, age: AgeClass, client_id: str | None = None
) -> list[Caution]:
    """What to say of a client who is taken on, or changed."""
    practice_id = request.state.reader.practice_id
    found: list[Caution] = []
    if said.self_managing == SelfManaging.YES.value and age is AgeClass.CHILD:
        what = _("%(name)s is a child, and a child is not invited to the portal.", name=said.name)
        instead = _("Choose “no” and add a parent or guardian as a contact.")
        found.append(Caution("child_manages", what, instead))
    if said.email and said.self_managing == SelfManaging.NO.value:
        if age is AgeClass.ADULT:
            what = _("Whoever has an e-mail address and can use a computer should have the portal themselves.")
            instead = _("Choose “yes” to invite them, and add contacts besides.")
        else:
            what = _("A child or dependent has no e-mail address in the record.")
            instead = _("Leave the address empty here, and enter it for the parent or guardian.")
        found.append(Caution("dependents_address", what, instead))

    def read(session: Session) -> list[Caution]:
        more = _namesakes(session, practice_id, said, client_id)
        if said.email:
            more += _of_address(session, practice_id, said, age, client_id)
        return more

    more: list[Caution] = await request.app.state.records.read(practice_id, read)
    return found + more


async def cautions_of_address(request: Request, address: str, kind: str, contact: Contact) -> list[Caution]:
    """What to say of a contact's address: somebody else has it, or a teen has a guardian's."""
    if not address:
        return []

    practice_id = request.state.reader.practice_id
    others = await request.app.state.records.read(practice_id, lambda session: _others(session, contact, address))
    if not others:
        return []
    family = [one for one in others if one.client_id == contact.client_id]
    shared = [one for one in family if Kind.SELF.value in (one.kind, kind) and _PARENTS & {one.kind, kind}]
    if shared:
        what = _(
            "%(name)s has this address too. A client's own portal would open with a guardian's mail.",
            name=shared[0].name,
        )
        instead = _("Enter an address that only this person reads, or keep them without portal access.")
        return [Caution("guardians_address", what, instead)]
    if await find_contact(request, others[0].id) is None:  # Of a client whom the reader does not see: without a name.
        what = _("The practice knows this address already.")
        return [Caution("address_twice", what, _("Ask an administrator whether it is the same person."))]
    what = _(
        "%(name)s has this address too. Whoever reads the mail first could take both invitations.",
        name=others[0].name,
    )
    instead = _("Is it the same person? Add them as an existing contact.")
    return [Caution("address_twice", what, instead)]


def _others(session: Session, contact: Contact, address: str) -> list[Contact]:
    """Contacts of other people with the address."""
    return [
        one
        for one in _holders(session, contact.practice_id, address)
        if one.id != contact.id and (one.account_id is None or one.account_id != contact.account_id)
    ]


def _holders(session: Session, practice_id: str, address: str) -> list[Contact]:
    """Contacts with the address, in whatever spelling, by name."""
    chosen = select(Contact).where(
        Contact.practice_id == practice_id,
        col(Contact.email).icontains(address, autoescape=True),
        col(Contact.merged_into).is_(None),
    )
    wanted = canonical(address)
    return [one for one in session.exec(chosen.order_by(Contact.name)) if canonical(one.email or "") == wanted]


def _namesakes(session: Session, practice_id: str, said: ClientSaid, client_id: str | None) -> list[Caution]:
    found: list[Caution] = []
    same_name = func.lower(Client.name) == said.name.lower()
    twins = select(Client).where(Client.practice_id == practice_id, same_name, Client.born == said.born)
    twin = session.exec(twins.where(Client.id != (client_id or ""), col(Client.merged_into).is_(None))).first()
    if twin is not None:
        what = _("%(name)s, born on the same day, is a client already.", name=twin.name)
        instead = _("If it is the same person, use the record that you have.")
        found.append(Caution("twin", what, instead))
    if said.is_new:
        named = select(Contact).where(
            Contact.practice_id == practice_id,
            func.lower(Contact.name) == said.name.lower(),
            Contact.kind != Kind.SELF.value,
            col(Contact.merged_into).is_(None),
        )
        contact = session.exec(named).first()
        if contact is not None:
            what = _(
                "%(name)s is a contact already. Anyone added as a client counts as an active client.", name=contact.name
            )
            instead = _("Add a parent as a client only if you see them as a client; a sign-in they get as a contact.")
            found.append(Caution("contact_as_client", what, instead))
    return found


def _of_address(
    session: Session, practice_id: str, said: ClientSaid, age: AgeClass, client_id: str | None
) -> list[Caution]:
    others = [one for one in _holders(session, practice_id, said.email) if one.client_id != client_id]
    parents = [one for one in others if one.kind in _PARENTS]
    if parents and age is AgeClass.TEEN:
        what = _(
            "%(name)s, a guardian, has this address. A teen's own portal would open with it.", name=parents[0].name
        )
        instead = _("Enter an address that only the teen reads, or none.")
        return [Caution("guardians_address", what, instead)]
    if others:
        what = _("%(name)s has this address too.", name=others[0].name)
        instead = _("Each person needs an address of their own. Leave it empty if this client has none.")
        return [Caution("address_twice", what, instead)]
    return []
