"""What the practice's own contacts show: the findings of the set-up check that need names and addresses (e2.9)."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from gateway.account.passwords import canonical
from models.tables.getting_in import Contact
from models.tables.records import Client
from models.vocabulary import GrantStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlmodel import Session
    from starlette.requests import Request

_SINGLE = frozenset({"guardian_order", "agency"})  # authorities that one person (or agency) has alone
_STANDING = frozenset({GrantStatus.PENDING.value, GrantStatus.ACTIVE.value})
_ACTING = frozenset({Kind.GUARDIAN.value, Kind.CO_PARENT.value, Kind.CASEWORKER.value})


class ContactRule(StrEnum):
    """What is found in contacts and sign-ins."""

    TEEN_ADDRESS = "teen_address"
    ADDRESS_TWICE = "address_twice"
    EXCLUSIVE_AUTHORITY = "exclusive_authority"
    STAFF_WITHOUT_FACTOR = "staff_without_factor"


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, of the service or of ours. `pairs` are (account, client, grant) of those it is about.

    `names` are of those who are known by a contact only; `features` are words of the vocabulary.
    """

    id: str
    rule: str
    client_id: str | None = None
    pairs: tuple[tuple[str, str, str], ...] = ()
    names: tuple[str, ...] = ()
    staff_id: str | None = None
    features: tuple[str, ...] = ()
    day: date | None = None
    count: int = 1


def finding_id(rule: str, about: Iterable[str]) -> str:
    """The same for as long as it is about the same, and nobody's name or address can be read from it."""
    return f"{rule}.{hashlib.sha256('|'.join(about).encode()).hexdigest()[:24]}"


async def contact_findings(request: Request) -> list[Found]:
    """Addresses that two people share, a teen's that is a guardian's, and two with sole authority."""
    practice_id = request.state.reader.practice_id
    practice = await request.app.state.authz.practice(practice_id)

    def read(session: Session) -> tuple[Sequence[Contact], dict[str, date]]:
        known = select(Contact).where(Contact.practice_id == practice_id, col(Contact.merged_into).is_(None))
        born = select(col(Client.id), col(Client.born)).where(Client.practice_id == practice_id)
        return session.exec(known.order_by(Contact.id)).all(), {str(key): day for key, day in session.exec(born)}

    contacts, born = await request.app.state.records.read(practice_id, read)
    today = request.app.state.clock().astimezone(ZoneInfo(request.state.reader.zone)).date()
    minors = {key for key, day in born.items() if not _has_lived(day, int(practice["adult_from"]), today)}
    return [*_of_addresses(contacts, minors), *await _of_authority(request, contacts)]


def _of_addresses(contacts: Sequence[Contact], minors: set[str]) -> Iterable[Found]:
    sharing: dict[str, list[Contact]] = defaultdict(list)
    for contact in contacts:
        if contact.email:
            sharing[canonical(contact.email)].append(contact)
    for together in sharing.values():
        if len({_person(contact) for contact in together}) < 2:
            continue
        teens = [one for one in together if one.kind == Kind.SELF.value and one.client_id in minors]
        for teen in teens:
            if any(one.kind in _ACTING and one.client_id == teen.client_id for one in together):
                yield _found(ContactRule.TEEN_ADDRESS, together, teen.client_id)
                break
        else:
            yield _found(ContactRule.ADDRESS_TWICE, together, together[0].client_id)


async def _of_authority(request: Request, contacts: Sequence[Contact]) -> list[Found]:
    sole: dict[str, list[Contact]] = defaultdict(list)
    for contact in contacts:
        if contact.authority in _SINGLE and contact.grant_id:
            sole[contact.client_id].append(contact)
    found = []
    for client_id, candidates in sole.items():
        if len({_person(one) for one in candidates}) < 2:
            continue
        grants = await request.app.state.authz.grants_of_client(client_id)
        standing = {grant["id"] for grant in grants if grant["status"] in _STANDING}
        both = [one for one in candidates if one.grant_id in standing]
        if len({_person(one) for one in both}) > 1:
            found.append(_found(ContactRule.EXCLUSIVE_AUTHORITY, both, client_id))
    return found


def _found(rule: ContactRule, contacts: Sequence[Contact], client_id: str) -> Found:
    return Found(
        id=finding_id(rule, sorted(contact.id for contact in contacts)),
        rule=rule,
        client_id=client_id,
        pairs=tuple(
            (str(one.account_id), one.client_id, str(one.grant_id))
            for one in contacts
            if one.account_id and one.grant_id
        ),
        names=tuple(dict.fromkeys(contact.name for contact in contacts)),
        count=len(contacts),
    )


def _person(contact: Contact) -> str:
    return contact.account_id or f"name:{contact.name.casefold()}"


def _has_lived(born: date, years: int, today: date) -> bool:
    return (today.year - born.year - ((today.month, today.day) < (born.month, born.day))) >= years


def read_found(finding: dict[str, Any]) -> Found:
    """A finding of the service."""
    client_id = finding["client_id"]
    grants = zip(finding["account_ids"], finding["grant_ids"], strict=True)
    return Found(
        id=finding["id"],
        rule=finding["rule"],
        client_id=client_id,
        pairs=tuple((account, str(client_id), grant) for account, grant in grants),
        staff_id=finding["staff_id"],
        features=tuple(finding["features"]),
        day=date.fromisoformat(finding["day"]) if finding["day"] else None,
        count=finding["count"],
    )
