"""Bodies of what-if questions: hypothetical changes, and who would gain and lose what."""

from __future__ import annotations

from datetime import date  # noqa: TC003 (pydantic reads the annotation)
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from models.vocabulary import Feature, GrantStatus, Kind, PlanAudience, SelfManaging

LISTED_MAX = 20_000
LISTED = 5_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class PracticeChange(_Strict):
    """Settings of the practice, and switches of its features."""

    switches: dict[Feature, bool] = {}
    teen_from: int | None = Field(default=None, ge=0, le=21)
    adult_from: int | None = Field(default=None, ge=1, le=25)
    plan_audience: PlanAudience | None = None
    contacts_allowed: bool | None = None
    card_processing: bool | None = None
    second_factor: bool | None = None
    staff_second_factor: bool | None = None
    notice_hours: int | None = Field(default=None, ge=0, le=720)


class NewGrant(_Strict):
    """A grant that does not exist. It counts as active unless `status` says otherwise; the account may be a new one."""

    client_id: str = Field(min_length=1, max_length=64)
    account_id: str = Field(min_length=1, max_length=64)
    kind: Kind
    status: GrantStatus = GrantStatus.ACTIVE
    starts: date | None = Field(default=None, alias="from")
    until: date | None = None
    proof: str | None = None
    toggles: dict[Feature, bool | None] = {}


class Withhold(_Strict):
    """An item kept from the grant's account, or no longer."""

    grant: str = Field(min_length=1, max_length=64)
    type: str = Field(min_length=1, max_length=64)
    id: str = Field(min_length=1, max_length=256)
    on: bool = True


class Block(_Strict):
    """A safety block between the grant's account and its client, or none any more."""

    grant: str = Field(min_length=1, max_length=64)
    on: bool = True


class Change(_Strict):
    """One hypothetical change: exactly one of `practice`, `client`, `grant`, `new_grant`, `staff`, `withhold`, `block`.

    What is to be different of a client, a grant or a staff member stands beside its id, as in a merge patch.
    """

    practice: PracticeChange | None = None
    client: str | None = Field(default=None, min_length=1, max_length=64)
    grant: str | None = Field(default=None, min_length=1, max_length=64)
    new_grant: NewGrant | None = None
    staff: str | None = Field(default=None, min_length=1, max_length=64)
    withhold: Withhold | None = None
    block: Block | None = None
    switches: dict[Feature, bool] | None = Field(default=None, description="Of a client.")
    born: date | None = Field(default=None, description="Of a client.")
    self_managing: SelfManaging | None = Field(default=None, description="Of a client.")
    assent: str | None = Field(default=None, description="Of a client: given or withheld.")
    active: bool | None = Field(default=None, description="Of a client.")
    status: GrantStatus | None = Field(default=None, description="Of a grant.")
    starts: date | None = Field(default=None, alias="from", description="Of a grant.")
    until: date | None = Field(default=None, description="Of a grant.")
    proof: str | None = Field(default=None, description="Of a grant: none or on_file.")
    toggles: dict[Feature, bool | None] | None = Field(default=None, description="Of a grant; null is the default.")
    state: str | None = Field(default=None, description="Of a staff member: active or inactive.")
    subscribed: bool | None = Field(default=None, description="Of a staff member.")
    available: bool | None = Field(default=None, description="Of a staff member.")
    assigned: list[str] | None = Field(default=None, description="Of a staff member: ids of clients.")


class WhatIf(_Strict):
    """What would be different for families if these changes were made, or on another day."""

    practice_id: str = Field(min_length=1, max_length=64, examples=["northgate"])
    changes: list[Change] = Field(default=[], max_length=500)
    at: AwareDatetime | None = Field(
        default=None, description="Begin with the state of that instant: from history, or today's rows on a coming day."
    )
    compare_at: AwareDatetime | None = Field(
        default=None,
        description="Look at the changed rows on this other day: birthdays and windows do change.",
    )
    clients: list[str] | None = Field(default=None, max_length=1000, description="Only about these clients.")
    accounts: list[str] | None = Field(default=None, max_length=1000, description="Only about these accounts.")
    limit: int = Field(default=LISTED, ge=0, le=LISTED_MAX, description="List at most this many gains and losses.")


class Right(BaseModel):
    """An action on one registered item, or, where the id is null, on items of the type at all."""

    action: str
    resource_type: str
    resource_id: str | None


class Difference(BaseModel):
    """What one account would gain and lose towards one client."""

    account_id: str
    client_id: str
    grant_ids: list[str]
    gains: list[Right]
    loses: list[Right]


class Counts(BaseModel):
    """How many there are of each, whether listed or not."""

    accounts: int
    clients: int
    gains: int
    losses: int


class WhatIfReply(BaseModel):
    """Who would gain and who would lose what; `truncated` when more than the limit was left out of `changes`."""

    changes: list[Difference]
    counts: Counts
    truncated: bool
    context: dict[str, Any]
