"""The access data as it stands at one instant: frozen rows, what a question reads of them, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from models.vocabulary import Feature, GrantStatus, Kind, PlanAudience, SelfManaging

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from models.vocabulary import StaffRole

ALL_ON: Mapping[Feature, bool] = MappingProxyType(dict.fromkeys(Feature, True))


@dataclass(frozen=True, slots=True)
class Practice:
    """A tenant: its settings and its switches (every feature, on or off)."""

    id: str
    zone: str  # IANA name; windows, birthdays and "today" are the practice's own
    teen_from: int = 12
    adult_from: int = 18
    plan_audience: PlanAudience = PlanAudience.CLIENT_ONLY
    contacts_allowed: bool = True
    card_processing: bool = True
    second_factor: bool = False  # asked of families
    staff_second_factor: bool = False
    notice_hours: int = 24  # an appointment nearer than this is on short notice
    switches: Mapping[Feature, bool] = field(default_factory=lambda: ALL_ON)
    version: int = 1
    switches_version: int = 0  # how often one of them was turned


@dataclass(frozen=True, slots=True)
class Client:
    """A person in care."""

    id: str
    practice_id: str
    born: date
    self_managing: SelfManaging = SelfManaging.NO
    assent: str = "given"  # or "withheld"
    active: bool = True
    switches: Mapping[Feature, bool] = field(default_factory=lambda: ALL_ON)
    version: int = 1
    switches_version: int = 0  # how often one of them was turned

    @property
    def properties(self) -> Mapping[str, Any]:
        """The client as a resource."""
        return {"client_id": self.id, "practice_id": self.practice_id}


@dataclass(frozen=True, slots=True)
class Account:
    """A person's login, as far as decisions are concerned."""

    id: str
    state: str = "active"  # or "locked"


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of a practice's staff."""

    id: str
    practice_id: str
    roles: frozenset[StaffRole]
    state: str = "active"  # or "inactive"
    subscribed: bool = False
    may_invite: bool = False
    available: bool = False  # offers times for self-scheduling
    assigned: frozenset[str] = frozenset()  # client ids
    version: int = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """Account x client x kind. The window is [starts, until): days in the practice's zone, None an open side."""

    id: str
    account_id: str
    client_id: str
    practice_id: str
    kind: Kind
    status: GrantStatus
    toggles: Mapping[Feature, bool]  # every feature
    starts: date | None = None
    until: date | None = None
    proof: str = "none"  # or "on_file"
    version: int = 1

    @property
    def properties(self) -> Mapping[str, Any]:
        """The grant as a resource."""
        return {"client_id": self.client_id, "practice_id": self.practice_id}


# The account id of a withhold that binds everyone who represents the client, now or later (row P12); no account has it.
EVERYONE = "*"


def bound_by(account_id: str, grants: Iterable[Grant]) -> tuple[str, ...]:
    """The account ids whose withholds bind this account, by its grants on the client: the client is not EVERYONE."""
    is_self = any(grant.kind is Kind.SELF and grant.status is GrantStatus.ACTIVE for grant in grants)
    return (account_id,) if is_self else (account_id, EVERYONE)


@dataclass(frozen=True, slots=True)
class EmergencyAccess:
    """A staff member's emergency access to one client, open in [starts, until)."""

    staff_id: str
    client_id: str
    starts: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Relation:
    """Everything of the access data that a question about one account (or staff member) and one client can read.

    A relation without account is what a staff member's question reads of the client. `memo` keeps only what was derived
    from the very same rows, so it can never outlive them.
    """

    practice: Practice
    client: Client
    account: Account | None = None
    grants: tuple[Grant, ...] = ()  # of the account on the client, in order of id
    withheld: frozenset[tuple[str, str]] = frozenset()  # (resource type, id) kept from the account
    blocked: bool = False
    client_grants: tuple[Grant, ...] = ()  # every grant on the client, whoever holds it
    unreachable_accounts: frozenset[str] = frozenset()  # of client_grants: locked, or blocked from the client
    staff: tuple[Staff, ...] = ()  # of the client's practice
    emergencies: tuple[EmergencyAccess, ...] = ()  # on the client, whoever holds them
    memo: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StaffPost:
    """A staff member and their own practice."""

    staff: Staff
    practice: Practice
    colleagues: tuple[Staff, ...]  # everyone of the practice, this one included
    memo: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)


class Access(Protocol):
    """The access data at one instant: in memory (`Snapshot`) or in the database. Unknown ids give None."""

    def account(self, account_id: str) -> Account | None:
        """The account."""

    def client(self, client_id: str) -> Client | None:
        """The client."""

    def practice(self, practice_id: str) -> Practice | None:
        """The practice."""

    def post(self, staff_id: str) -> StaffPost | None:
        """The staff member with the practice they belong to."""

    def relation(self, account_id: str | None, client_id: str) -> Relation | None:
        """What a question about the two reads; None for an unknown client. An unknown account has `account` None."""

    def clients_of(self, account_id: str) -> tuple[str, ...]:
        """Ids of the clients on which the account holds a grant of whatever status, in order of id."""

    def item(self, resource_type: str, resource_id: str) -> Mapping[str, Any] | None:
        """The registered raw properties of an item (`client_id` and `practice_id` among them where it has them)."""
