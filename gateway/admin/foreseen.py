"""What a change would do, said before it is saved: who would lose what, who would gain what (`portals.md` e2.4)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from gateway.admin.switches import listed
from gateway.portal.requests import part_of
from gateway.web.formats import count
from gateway.web.language import _
from gateway.web.words import FEATURES
from models.tables.getting_in import Contact
from models.tables.records import Client
from models.vocabulary import Feature, SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlmodel import Session
    from starlette.requests import Request

    from gateway.edge.what_if import Right, WhatIf

SHOWN_MAX = 20
RIGHTS_MAX = 20_000  # enough for the exact sentence at hundreds of families


@dataclass(frozen=True, slots=True)
class Reached:
    """One person, for one client: what they would lose and gain, in words; empty for nothing."""

    who: str
    client: str
    href: str
    loses: str
    gains: str
    lost: int = 0  # items, such as documents, that they would no longer have something of
    gained: int = 0


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a change would do. `rows` are the first of `people`; without sentences it reaches nobody."""

    sentences: tuple[str, ...]
    rows: tuple[Reached, ...]
    people: int

    @property
    def more(self) -> int:
        """How many are not among the rows."""
        return self.people - len(self.rows)


async def foresee(
    request: Request,
    changes: Sequence[Mapping[str, Any]],
    *,
    at: datetime | None = None,
    compare_at: datetime | None = None,
    clients: Sequence[str] | None = None,
    shown: slice = slice(SHOWN_MAX),
) -> Foreseen:
    """Ask the service what the changes (of POST /v1/what-if) would do, or another day; nothing is changed."""
    reader = request.state.reader
    only: dict[str, Any] = {} if clients is None else {"clients": list(clients)}
    found = await request.app.state.authz.what_if(
        reader.practice_id, list(changes), at=at, compare_at=compare_at, actor=reader.actor, limit=RIGHTS_MAX, **only
    )
    names = await names_of(request, [(one.account_id, one.client_id) for one in found.changes[shown]])
    rows = [
        Reached(
            who=names.person(one.account_id, one.client_id),
            client=names.clients.get(one.client_id, one.client_id),
            href=f"/admin/clients/{one.client_id}/grants/{one.grant_ids[0]}" if one.grant_ids else "",
            loses=parts_in_words(one.loses),
            gains=parts_in_words(one.gains),
            lost=_items(one.loses, one.client_id),
            gained=_items(one.gains, one.client_id),
        )
        for one in found.changes[shown]
    ]
    return Foreseen(tuple(_sentences(found)), tuple(rows), len(found.changes))


@dataclass(frozen=True, slots=True)
class Names:
    """What the practice calls people and clients; `known` is by account and client, from its own contacts."""

    clients: Mapping[str, str]
    known: Mapping[tuple[str, str], str]
    own: Mapping[str, str]

    def person(self, account_id: str, client_id: str) -> str:
        """By the practice's own contact for this client, else by the person's name, else the id."""
        return self.known.get((account_id, client_id)) or self.own.get(account_id, account_id)


async def names_of(request: Request, pairs: Iterable[tuple[str, str]], client_ids: Iterable[str] = ()) -> Names:
    """Names of (account, client) pairs of the reader's practice, and of more of its clients."""
    wanted, practice_id = sorted(set(pairs)), request.state.reader.practice_id
    accounts, clients = sorted({pair[0] for pair in wanted}), sorted({*client_ids, *(pair[1] for pair in wanted)})

    def read(session: Session) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
        named = select(Client).where(Client.practice_id == practice_id, col(Client.id).in_(clients))
        known = select(Contact).where(Contact.practice_id == practice_id, col(Contact.account_id).in_(accounts))
        return (
            {client.id: client.name for client in session.exec(named)},
            {(str(contact.account_id), contact.client_id): contact.name for contact in session.exec(known)},
        )

    named, known = await request.app.state.records.read(practice_id, read)
    people = await request.app.state.records.people(SubjectType.ACCOUNT, accounts)
    return Names(named, known, {key: person.name for key, person in people.items()})


def _sentences(found: WhatIf) -> Iterable[str]:
    if found.truncated:
        people, clients = count(found.accounts, "person", "people"), count(found.clients, "client", "clients")
        yield _("This reaches %(people)s of %(clients)s.", people=people, clients=clients)
        return
    losing, gaining = ([one for one in found.changes if one.loses], [one for one in found.changes if one.gains])
    for ones, says, side in (
        (losing, _("This takes %(what)s from %(people)s of %(clients)s."), "loses"),
        (gaining, _("This gives %(what)s to %(people)s of %(clients)s."), "gains"),
    ):
        if ones:
            rights = [right for one in ones for right in getattr(one, side)]
            yield says % {
                "what": parts_in_words(rights),
                "people": count(len({one.account_id for one in ones}), "person", "people"),
                "clients": count(len({one.client_id for one in ones}), "client", "clients"),
            }


def _items(rights: Iterable[Right], client_id: str) -> int:
    """How many items of the client the rights are about; what there is one of for a client is no item."""
    return len({(one.resource_type, one.resource_id) for one in rights if one.resource_id not in (None, client_id)})


def parts_in_words(rights: Iterable[Right]) -> str:
    """The parts of the portal that rights belong to, in the order of the vocabulary."""
    parts: dict[Feature, int] = defaultdict(int)
    for right in rights:
        part = Feature.REMINDERS if right.action == "remind" else part_of(right.action, right.resource_type)
        parts[part or Feature.BASICS] += 1
    return listed([_(FEATURES[feature].label) for feature in Feature if feature in parts])
