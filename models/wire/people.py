"""Bodies of clients and staff."""

from __future__ import annotations

from datetime import date  # noqa: TC003 (pydantic reads the annotation)
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.vocabulary import SelfManaging, StaffRole  # noqa: TC001 (pydantic reads the annotations)
from models.wire.access import Reason


class ClientPatch(BaseModel):
    """What decisions read of a client, to be changed."""

    model_config = ConfigDict(extra="forbid")

    born: date | None = None
    self_managing: SelfManaging | None = None
    assent: Literal["given", "withheld"] | None = None
    active: bool | None = None


class NewClient(ClientPatch):
    """A client to be taken on."""

    id: str = Field(min_length=1, max_length=256)
    born: date


class StaffPatch(BaseModel):
    """What decisions read of a staff member, to be changed; `assigned` is the whole list of client ids."""

    model_config = ConfigDict(extra="forbid")

    roles: list[StaffRole] | None = None
    state: Literal["active", "inactive"] | None = None
    subscribed: bool | None = None
    may_invite: bool | None = None
    available: bool | None = Field(default=None, description="Whether they offer times for self-scheduling.")
    assigned: list[str] | None = None


class NewStaff(StaffPatch):
    """A staff member to be taken on."""

    id: str = Field(min_length=1, max_length=256)
    roles: list[StaffRole]


class Staff(BaseModel):
    """A member of a practice's staff."""

    id: str
    practice_id: str
    roles: list[StaffRole]
    state: str
    subscribed: bool
    may_invite: bool
    available: bool
    assigned: list[str]
    etag: str


class StaffList(BaseModel):
    """A practice's staff, in order of id."""

    staff: list[Staff]


class Counts(BaseModel):
    """What a practice's plan counts. Contacts cost nothing, and one staff member is free (rows W15, Y3)."""

    clients: int
    active_clients: int
    contacts: int = Field(description="People with access who are no client's own account; for information.")
    staff: int
    subscribed_staff: int
    charged_staff: int


class Standing(BaseModel):
    """A client, and how many people have access, by status of the grant; `locked` counts locked sign-ins apart."""

    id: str
    born: date
    self_managing: SelfManaging
    assent: str
    active: bool
    people: dict[str, int]
    etag: str


class Roster(BaseModel):
    """Clients, in order of id. `next` is empty on the last page."""

    clients: list[Standing]
    next: str


class Merge(Reason):
    """Which one is kept."""

    into: str = Field(min_length=1, max_length=64)


class Merged(BaseModel):
    """The grant that stands in place of each that ended."""

    grants: dict[str, str]


class Declined(BaseModel):
    """Ids of the grants that ended; empty when there was nothing to decline."""

    declined: list[str]
