"""Bodies of clients and staff."""

from __future__ import annotations

from datetime import date  # noqa: TC003 (pydantic reads the annotation)
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.vocabulary import SelfManaging, StaffRole  # noqa: TC001 (pydantic reads the annotations)


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
