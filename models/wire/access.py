"""Bodies of grants, switches, practices, clients and registered resources."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 (pydantic reads the annotation)
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.vocabulary import Feature, GrantStatus, Kind, PlanAudience

REASON_MAX = 500


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class BriefGrant(BaseModel):
    """A grant without what is kept from its account. The window is [from, until), days in the practice's zone."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    account_id: str
    client_id: str
    practice_id: str
    kind: Kind
    status: GrantStatus
    starts: date | None = Field(alias="from")
    until: date | None
    proof: str
    toggles: dict[Feature, bool]
    etag: str


class Grant(BriefGrant):
    """An account's access to a client, with what is kept from the account."""

    withheld: list[dict[str, str]] = Field(description="Items kept from this account.")
    blocked: bool
    locked: bool = Field(description="The account's sign-in is locked, everywhere.")


class Grants(BaseModel):
    """Grants, in order of id."""

    grants: list[Grant]


class NewGrant(_Strict):
    """A grant to be made; toggles that are not given start as the kind's defaults."""

    account_id: str = Field(min_length=1, max_length=256)
    kind: Kind
    status: GrantStatus = GrantStatus.PENDING
    starts: date | None = Field(default=None, alias="from")
    until: date | None = None
    proof: str = "none"
    toggles: dict[Feature, bool | None] = {}


class GrantPatch(_Strict):
    """What is to be changed (RFC 7396); null opens an end of the window, or gives a toggle its default."""

    status: GrantStatus | None = None
    starts: date | None = Field(default=None, alias="from")
    until: date | None = None
    proof: str | None = None
    toggles: dict[Feature, bool | None] | None = None
    reason: str | None = Field(default=None, max_length=REASON_MAX, description="Kept with the change.")


class Reason(_Strict):
    """Why something is done, for whoever reviews it."""

    reason: str | None = Field(default=None, max_length=500)


class Setting(BaseModel):
    """Who set something, when, and why where that was said."""

    by: str
    at: datetime
    reason: str | None


class KeptFrom(Setting):
    """An account that an item is kept from by name."""

    account_id: str


class Withheld(BaseModel):
    """From whom an item is kept: from everyone who represents the client, from some by name, or from nobody."""

    everyone: Setting | None
    accounts: list[KeptFrom]


class Block(_Strict):
    """Why a safety block is set."""

    reason: str = Field(min_length=1, max_length=500)


class Switch(_Strict):
    """A feature, on or off."""

    on: bool


class SwitchesPatch(_Strict):
    """Several features, on or off; those that are not named stay."""

    switches: dict[Feature, bool] = Field(min_length=1)


class Switches(BaseModel):
    """The switches after the change."""

    switches: dict[Feature, bool]
    etag: str


class Practice(BaseModel):
    """A practice's settings and switches."""

    id: str
    zone: str
    teen_from: int
    adult_from: int
    plan_audience: PlanAudience
    contacts_allowed: bool
    card_processing: bool
    second_factor: bool
    staff_second_factor: bool
    notice_hours: int
    switches: dict[Feature, bool]
    switches_etag: str
    etag: str


class PracticePatch(_Strict):
    """The settings to be changed."""

    teen_from: int | None = Field(default=None, ge=0, le=21)
    adult_from: int | None = Field(default=None, ge=1, le=25)
    plan_audience: PlanAudience | None = None
    contacts_allowed: bool | None = None
    card_processing: bool | None = None
    second_factor: bool | None = None
    staff_second_factor: bool | None = None
    notice_hours: int | None = Field(default=None, ge=0, le=720)


class Client(BaseModel):
    """A client's attributes, as far as decisions need them, and switches."""

    id: str
    practice_id: str
    born: date
    self_managing: str
    assent: str
    active: bool
    switches: dict[Feature, bool]
    switches_etag: str
    etag: str


class ClientIds(BaseModel):
    """Ids of a practice's clients, in order. `next` is empty on the last page."""

    clients: list[str]
    next: str


class NewResource(_Strict):
    """The facts of an item, no content."""

    type: str = Field(min_length=1, max_length=64)
    id: str = Field(min_length=1, max_length=256)
    properties: dict[str, Any]


class NewResources(_Strict):
    """Facts of several items, registered together."""

    resources: list[NewResource] = Field(min_length=1, max_length=1000)


class Registered(BaseModel):
    """How many items are registered by this request."""

    registered: int


class Acceptance(_Strict):
    """The account for which an invitation was made."""

    invited_as: str = Field(min_length=1, max_length=64)


class Accepted(BaseModel):
    """The new grant of each grant of the invitation; empty when there is nothing to accept any more."""

    moved: dict[str, str]


class Active(BaseModel):
    """Ids of the account's active grants."""

    active: list[str]


class PolicyRule(BaseModel):
    """A rule of the policy in service."""

    id: str
    effect: str
    file: str
    line: int
    says: str


class PolicySummary(BaseModel):
    """The policy in service."""

    digest: str
    subject_types: list[str]
    resource_types: dict[str, list[str]]
    rules: list[PolicyRule]


class Health(BaseModel):
    """Whether the process lives, or is ready to decide."""

    ok: bool
    problems: list[str]


class Properties(BaseModel):
    """The raw properties of an item, `client_id` among them."""

    model_config = ConfigDict(extra="allow")

    client_id: str
