"""Whom the practice knows already: its clients, and its own contacts by address. Nobody else's are looked at."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import col, select

from gateway.account.passwords import canonical
from models.tables.getting_in import Contact
from models.tables.identity import Credential
from models.tables.records import Client
from models.vocabulary import AgeClass, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sqlmodel import Session

    from models.vocabulary import Kind

_CHUNK = 500  # ids of one statement


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person of the practice's own contacts. `joined`: they have signed in as this account."""

    contact_id: str
    account_id: str | None
    name: str
    joined: bool


@dataclass(frozen=True, slots=True)
class Ages:
    """From which age on a client is a teen and an adult here, and the practice's day."""

    today: date
    teen_from: int
    adult_from: int


class Known:
    """The people of one practice."""

    def __init__(self, clients: list[Client], contacts: list[Contact], joined: set[str], ages: Ages) -> None:
        self._ages = ages
        self._ids = {client.id: client for client in clients}
        self._named: Mapping[tuple[str, date], list[Client]] = _by_name(clients)
        self._contacts = {(one.client_id, canonical(one.email or ""), one.kind): one for one in contacts}
        self.people: dict[str, KnownPerson] = {}
        for one in sorted(contacts, key=lambda contact: (contact.account_id is None, contact.added_at, contact.id)):
            if address := canonical(one.email or ""):
                has_joined = one.account_id in joined
                self.people.setdefault(address, KnownPerson(one.id, one.account_id, one.name, has_joined))

    def clients_like(self, client_id: str, name: str, born: date) -> list[Client]:
        """Clients of this id, or else of this name and birth date."""
        known = self._ids.get(client_id)
        if known is not None and (known.born == born or known.name.casefold() == name.casefold()):
            return [known]
        return self._named.get((name.casefold(), born), [])

    def contact_of(self, client_id: str, address: str, kind: Kind) -> Contact | None:
        """The practice's contact of this client."""
        return self._contacts.get((client_id, address, kind.value))

    def age_class(self, born: date) -> AgeClass:
        """The age class of somebody born then, by the practice's own ages."""
        today = self._ages.today
        years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        if years >= self._ages.adult_from:
            return AgeClass.ADULT
        return AgeClass.TEEN if years >= self._ages.teen_from else AgeClass.CHILD


def read_known(session: Session, practice_id: str, ages: Ages) -> Known:
    """The people of a practice."""
    clients = select(Client).where(Client.practice_id == practice_id, col(Client.merged_into).is_(None))
    contacts = select(Contact).where(Contact.practice_id == practice_id, col(Contact.merged_into).is_(None))
    people = list(session.exec(contacts))
    accounts = sorted({one.account_id for one in people if one.account_id})
    joined: set[str] = set()
    for start in range(0, len(accounts), _CHUNK):
        chosen = select(Credential.subject_id).where(
            Credential.subject_type == SubjectType.ACCOUNT.value,
            col(Credential.subject_id).in_(accounts[start : start + _CHUNK]),
            col(Credential.must_change).is_(False),
        )
        joined |= set(session.exec(chosen))
    return Known(list(session.exec(clients)), people, joined, ages)


def _by_name(clients: list[Client]) -> dict[tuple[str, date], list[Client]]:
    found: dict[tuple[str, date], list[Client]] = defaultdict(list)
    for client in clients:
        found[" ".join(client.name.casefold().split()), client.born].append(client)
    return found
