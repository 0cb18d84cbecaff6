"""A person of a contact network in words: what they are to the client and how their access stands (rows W1, W22).

What a practice knows of a person's signing in is when they last opened one of its own clients' portals: a sign-in is
the person's, and may serve other practices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from gateway.web.formats import day
from gateway.web.language import N_, _
from gateway.web.today import zone_of
from gateway.web.words import KINDS, Badge
from models.ids import is_id
from models.tables.getting_in import Contact, PortalVisit
from models.vocabulary import GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlmodel import Session
    from starlette.requests import Request

    from models.tables.identity import Person

_STATUS = {
    GrantStatus.ACTIVE: Badge(N_("Active"), "good"),
    GrantStatus.PENDING: Badge(N_("Portal Access Pending"), "warn"),
    GrantStatus.SUSPENDED: Badge(N_("Suspended"), "bad"),
    GrantStatus.ENDED: Badge(N_("Ended")),
}
_DECLINED = Badge(N_("Declined"), "bad")
_PROOF = {"none": N_("None on file"), "on_file": N_("On file")}


@dataclass(frozen=True, slots=True)
class NetworkPerson:
    """One grant, with the person's name. `starts` and `last` are the first and last day of access, empty when open."""

    grant: str
    name: str
    kind: str
    status: Badge
    is_self: bool
    blocked: bool
    starts: str
    last: str
    proof: str
    locked: bool = False
    visited: str = ""

    @property
    def first(self) -> str:
        """The first name, or the whole name of an organization."""
        return self.name.split()[0]

    @property
    def flags(self) -> tuple[Badge, ...]:
        """What to mark beside the name."""
        locked = (Badge(_("Sign-in locked"), "bad"),) if self.locked else ()
        return (self.status, *locked, *((Badge(_("Safety block"), "bad"),) if self.blocked else ()))

    @property
    def window(self) -> str:
        """From when until when, when there is a limit."""
        parts = (
            _("from %(day)s", day=self.starts) if self.starts else "",
            _("through %(day)s", day=self.last) if self.last else "",
        )
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Known:
    """What the practice's own records add to a grant."""

    declined: bool = False
    visited: str = ""


def describe(grant: Mapping[str, Any], name: str, known: Known | None = None) -> NetworkPerson:
    """A grant of the service's API, with the name the records have for the account."""
    status = _STATUS[GrantStatus(grant["status"])]
    known = known or Known()
    if known.declined and grant["status"] == GrantStatus.ENDED.value:
        status = _DECLINED
    return NetworkPerson(
        grant=grant["id"],
        name=name,
        kind=_(KINDS[Kind(grant["kind"])]),
        status=Badge(_(status.label), status.tone),
        blocked=grant["blocked"],
        is_self=grant["kind"] == Kind.SELF.value,
        starts=day(date.fromisoformat(grant["from"])) if grant.get("from") else "",
        last=day(date.fromisoformat(grant["until"]) - timedelta(days=1)) if grant.get("until") else "",
        proof=_(_PROOF.get(str(grant.get("proof") or "none"), _PROOF["none"])),
        locked=bool(grant.get("locked")),
        visited=known.visited,
    )


async def known_of(request: Request, grants: Sequence[Mapping[str, Any]]) -> dict[str, Known]:
    """What the practice's records know of each grant (by id): whether it was declined, and the last visit."""
    client, zone = request.state.client, zone_of(request)
    ids = [grant["id"] for grant in grants]

    def read(session: Session) -> tuple[set[str], dict[str, datetime]]:
        declined = select(Contact.grant_id).where(
            Contact.practice_id == client.practice_id,
            col(Contact.grant_id).in_(ids),
            col(Contact.declined_at).is_not(None),
        )
        visits = select(PortalVisit).where(PortalVisit.client_id == client.id)
        return (
            {str(one) for one in session.exec(declined)},
            {visit.account_id: visit.last_at for visit in session.exec(visits)},
        )

    declined, visits = await request.app.state.records.read(client.practice_id, read)
    return {
        grant["id"]: Known(
            declined=grant["id"] in declined,
            visited=day(visits[grant["account_id"]].astimezone(zone).date()) if grant["account_id"] in visits else "",
        )
        for grant in grants
    }


async def names_known(request: Request, grants: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Who each grant (by id) is for: by the name the practice's own contacts have, else by the person's."""
    records, practice_id = request.app.state.records, request.state.client.practice_id
    ids = [grant["id"] for grant in grants]

    def read(session: Session) -> dict[str, str]:
        chosen = select(Contact).where(Contact.practice_id == practice_id, col(Contact.grant_id).in_(ids))
        chosen = chosen.where(col(Contact.merged_into).is_(None))
        return {str(contact.grant_id): contact.name for contact in session.exec(chosen)}

    known: dict[str, str] = await records.read(practice_id, read)
    people = await records.people(SubjectType.ACCOUNT, [grant["account_id"] for grant in grants])
    return {grant["id"]: known.get(grant["id"]) or name_of(people, grant["account_id"]) for grant in grants}


async def is_known(request: Request, account_id: str) -> bool:
    """Whether the practice has this person as a contact, or ever gave them access: no other name is its to learn."""
    practice_id = request.state.reader.practice_id
    if not is_id(account_id):
        return False
    held = await request.app.state.authz.grants_of_account(account_id)
    if any(grant["practice_id"] == practice_id for grant in held):
        return True
    mine = select(Contact.id).where(Contact.practice_id == practice_id, Contact.account_id == account_id)
    found = await request.app.state.records.read(practice_id, lambda session: session.exec(mine.limit(1)).first())
    return found is not None


async def accounts_known(request: Request, account_ids: Iterable[str]) -> dict[str, str]:
    """Names of accounts as the practice's own contacts have them, else the people's own; unknown ids are left out.

    Where one person is a contact of several clients under several names, the one entered last counts.
    """
    records, practice_id = request.app.state.records, request.state.reader.practice_id
    wanted = sorted(set(account_ids))

    def read(session: Session) -> dict[str, str]:
        chosen = select(Contact).where(Contact.practice_id == practice_id, col(Contact.account_id).in_(wanted))
        chosen = chosen.where(col(Contact.merged_into).is_(None)).order_by(col(Contact.added_at))
        return {str(contact.account_id): contact.name for contact in session.exec(chosen)}

    people = await records.people(SubjectType.ACCOUNT, wanted)
    known: dict[str, str] = await records.read(practice_id, read)
    return {account_id: person.name for account_id, person in people.items()} | known


def name_of(people: Mapping[str, Person], account_id: str) -> str:
    """The name the records have for an account; its id when they have none."""
    return people[account_id].name if account_id in people else account_id
