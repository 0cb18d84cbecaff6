"""Tables of the access data. Every row is history: it holds from `valid_from` until `valid_to`; only that end is set.

`key` numbers the rows of a table; what a row is about is its id. The current row of something is the one without
`valid_to`, and a unique index allows only one. `version` counts the rows of that something, `changed_by` is `staff/jo`,
`system/seed` and the like. Days are days in the practice's zone, `*_at` and `valid_*` instants in UTC.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index, Integer, text
from sqlmodel import Field

from models.tables.base import AccessTable
from models.tables.columns import Document, Instant

_OPEN = text("valid_to IS NULL")
_KEY = BigInteger().with_variant(Integer, "sqlite")


def _indexes(table: str, *current: str, search: tuple[str, ...] = ()) -> tuple[Index, ...]:
    """One current row for each combination of these columns; and the ways in which rows are looked for."""
    unique = Index(f"uq_{table}_current", *current, unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)
    return (unique, *(Index(f"ix_{table}_{column}", column, "valid_to") for column in search))


class History(AccessTable):
    """What every row of access data has."""

    identity: ClassVar[tuple[str, ...]]  # the columns that say what the row is about

    key: int | None = Field(default=None, primary_key=True, sa_type=_KEY)
    valid_from: datetime = Field(sa_type=Instant)
    valid_to: datetime | None = Field(default=None, sa_type=Instant)
    version: int
    changed_by: str
    reason: str | None = None


class AccountRow(History, table=True):
    """A person's login: identity, so it belongs to no practice."""

    __tablename__ = "accounts"
    __table_args__ = _indexes("accounts", "id")
    identity = ("id",)

    id: str
    state: str  # active, locked


class PracticeRow(History, table=True):
    """A tenant and its settings."""

    __tablename__ = "practices"
    __table_args__ = _indexes("practices", "practice_id")
    identity = ("practice_id",)

    practice_id: str
    zone: str
    teen_from: int
    adult_from: int
    plan_audience: str
    contacts_allowed: bool
    card_processing: bool
    second_factor: bool
    staff_second_factor: bool
    notice_hours: int


class PracticeSwitchRow(History, table=True):
    """A feature of a practice; without a row it is on."""

    __tablename__ = "practice_switches"
    __table_args__ = _indexes("practice_switches", "practice_id", "feature")
    identity = ("practice_id", "feature")

    practice_id: str
    feature: str
    is_on: bool


class ClientRow(History, table=True):
    """A person in care: only what decisions need."""

    __tablename__ = "clients"
    __table_args__ = _indexes("clients", "id", search=("practice_id",))
    identity = ("id",)

    id: str
    practice_id: str
    born: date
    self_managing: str
    assent: str  # given, withheld
    active: bool


class ClientSwitchRow(History, table=True):
    """A feature of a client; without a row it is on."""

    __tablename__ = "client_switches"
    __table_args__ = _indexes("client_switches", "client_id", "feature")
    identity = ("client_id", "feature")

    practice_id: str
    client_id: str
    feature: str
    is_on: bool


class StaffRow(History, table=True):
    """A member of a practice's staff; `roles` is a list."""

    __tablename__ = "staff"
    __table_args__ = _indexes("staff", "id", search=("practice_id",))
    identity = ("id",)

    id: str
    practice_id: str
    state: str  # active, inactive
    roles: list[str] = Field(sa_type=Document)
    subscribed: bool
    may_invite: bool
    available: bool


class AssignmentRow(History, table=True):
    """A client assigned to a staff member."""

    __tablename__ = "assignments"
    __table_args__ = _indexes("assignments", "staff_id", "client_id", search=("practice_id", "client_id"))
    identity = ("staff_id", "client_id")

    practice_id: str
    staff_id: str
    client_id: str


class GrantRow(History, table=True):
    """Account x client x kind. `toggles` maps every feature to on or off; the window is [starts, until)."""

    __tablename__ = "grants"
    __table_args__ = _indexes("grants", "id", search=("account_id", "client_id", "practice_id"))
    identity = ("id",)

    id: str
    practice_id: str
    account_id: str
    client_id: str
    kind: str
    status: str
    starts: date | None = None
    until: date | None = None
    proof: str  # none, on_file
    toggles: dict[str, Any] = Field(sa_type=Document)


class KindDefaultsRow(History, table=True):
    """With what a new grant of a kind begins at a practice: features on or off; one not named follows the kind."""

    __tablename__ = "kind_defaults"
    __table_args__ = _indexes("kind_defaults", "practice_id", "kind")
    identity = ("practice_id", "kind")

    practice_id: str
    kind: str
    toggles: dict[str, Any] = Field(sa_type=Document)


class DismissalRow(History, table=True):
    """A finding of the set-up check that the practice called right; `reason` says why."""

    __tablename__ = "dismissals"
    __table_args__ = _indexes("dismissals", "practice_id", "finding")
    identity = ("practice_id", "finding")

    practice_id: str
    finding: str


class WithholdRow(History, table=True):
    """One item kept from one account, or from everyone who represents the client (account_id `*`)."""

    __tablename__ = "withholds"
    __table_args__ = _indexes("withholds", "account_id", "client_id", "resource_type", "resource_id")
    identity = ("account_id", "client_id", "resource_type", "resource_id")

    practice_id: str
    account_id: str
    client_id: str
    resource_type: str
    resource_id: str


class BlockRow(History, table=True):
    """A safety block between an account and a client."""

    __tablename__ = "blocks"
    __table_args__ = _indexes("blocks", "account_id", "client_id", search=("client_id",))
    identity = ("account_id", "client_id")

    practice_id: str
    account_id: str
    client_id: str


class EmergencyAccessRow(History, table=True):
    """Emergency access of a staff member to a client, open in [starts_at, until_at).

    `purpose` is why it was opened, `ended_by` who ended it before its time, `review` what whoever signed it off found.
    """

    __tablename__ = "emergency_accesses"
    __table_args__ = _indexes("emergency_accesses", "id", search=("client_id", "practice_id"))
    identity = ("id",)

    id: str
    practice_id: str
    staff_id: str
    client_id: str
    starts_at: datetime = Field(sa_type=Instant)
    until_at: datetime = Field(sa_type=Instant)
    purpose: str = ""
    ended_by: str | None = None
    reviewed_by: str | None = None
    reviewed_at: datetime | None = Field(default=None, sa_type=Instant)
    review: str | None = None


class HandOverRow(History, table=True):
    """A person's grants handed over to a successor on a day.

    `ended` lists what ended with it, `{"grant_id", "until"}` with the day that stood there before; `begun` the ids of
    the successor's grants. `state` is planned, or undone before the day came.
    """

    __tablename__ = "hand_overs"
    __table_args__ = _indexes("hand_overs", "id", search=("practice_id",))
    identity = ("id",)

    id: str
    practice_id: str
    from_account: str
    to_account: str
    day: date
    state: str
    ended: list[dict[str, Any]] = Field(sa_type=Document)
    begun: list[str] = Field(sa_type=Document)


class ResourceRow(History, table=True):
    """The registered raw properties of an item; never its content."""

    __tablename__ = "resources"
    __table_args__ = _indexes("resources", "resource_type", "resource_id", search=("client_id",))
    identity = ("resource_type", "resource_id")

    practice_id: str
    resource_type: str
    resource_id: str
    client_id: str | None = None
    properties: dict[str, Any] = Field(sa_type=Document)


class ImportRow(AccessTable, table=True):
    """An import that was carried out: the same key brings nothing in a second time, and gets the same answer."""

    __tablename__ = "imports"

    practice_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: str
    done_at: datetime = Field(sa_type=Instant)
    done_by: str
    result: dict[str, Any] = Field(sa_type=Document)


class SeedRow(AccessTable, table=True):
    """The world that an empty database was filled with, and the day its frozen day became."""

    __tablename__ = "seeds"

    world: str = Field(primary_key=True)
    day: date
    seeded_at: datetime = Field(sa_type=Instant)


HISTORY: tuple[type[History], ...] = tuple(History.__subclasses__())
