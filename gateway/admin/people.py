"""A person of a contact network in words: what they are to the client and how their access stands (rows W1, W22)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from gateway.web.formats import day
from gateway.web.words import KINDS, Badge
from models.vocabulary import GrantStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.tables.identity import Person

_STATUS = {
    GrantStatus.ACTIVE: Badge("Active", "good"),
    GrantStatus.PENDING: Badge("Portal access pending", "warn"),
    GrantStatus.SUSPENDED: Badge("Suspended", "bad"),
    GrantStatus.ENDED: Badge("Ended"),
}
_PROOF = {"none": "None on file", "on_file": "On file"}


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

    @property
    def first(self) -> str:
        """The first name, or the whole name of an organization."""
        return self.name.split()[0]

    @property
    def flags(self) -> tuple[Badge, ...]:
        """What to mark beside the name."""
        return (self.status, Badge("Safety block", "bad")) if self.blocked else (self.status,)

    @property
    def window(self) -> str:
        """From when until when, when there is a limit."""
        parts = (f"from {self.starts}" if self.starts else "", f"through {self.last}" if self.last else "")
        return " ".join(part for part in parts if part)


def describe(grant: Mapping[str, Any], name: str) -> NetworkPerson:
    """A grant of the service's API, with the name the records have for the account."""
    return NetworkPerson(
        grant=grant["id"],
        name=name,
        kind=KINDS[Kind(grant["kind"])],
        status=_STATUS[GrantStatus(grant["status"])],
        blocked=grant["blocked"],
        is_self=grant["kind"] == Kind.SELF.value,
        starts=day(date.fromisoformat(grant["from"])) if grant.get("from") else "",
        last=day(date.fromisoformat(grant["until"]) - timedelta(days=1)) if grant.get("until") else "",
        proof=_PROOF.get(str(grant.get("proof") or "none"), "None on file"),
    )


def name_of(people: Mapping[str, Person], account_id: str) -> str:
    """The name the records have for an account; its id when they have none."""
    return people[account_id].name if account_id in people else account_id
