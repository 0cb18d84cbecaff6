"""Bodies of what concerns time: coming changes, the past, and hand-overs."""

from __future__ import annotations

from datetime import date  # noqa: TC003 (pydantic reads the annotation)
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from models.vocabulary import AgeClass, GrantStatus, Kind  # noqa: TC001 (pydantic reads the annotation)
from models.wire.what_if import Right  # noqa: TC001 (pydantic reads the annotation)


class ComingChange(BaseModel):
    """Something that changes by itself on a day, at midnight in the practice's zone."""

    day: date
    what: str = Field(description="birthday, grant_begins or grant_ends")
    client_id: str
    account_id: str | None
    grant_id: str | None
    age: AgeClass | None = Field(description="The age class into which a birthday leads.")
    hand_over_id: str | None
    accounts: int = Field(description="For how many accounts something changes.")
    gains: int
    losses: int


class ComingChanges(BaseModel):
    """The coming changes, by day and client."""

    zone: str
    changes: list[ComingChange]


class PastGrant(BaseModel):
    """A grant as it was."""

    id: str
    kind: Kind
    status: GrantStatus
    starts: date | None = Field(alias="from")
    until: date | None


class PastPerson(BaseModel):
    """What an account could do then."""

    account_id: str
    grants: list[PastGrant]
    rights: list[Right]


class PastSetting(BaseModel):
    """One setting that held then, and who had set it. Of switches only those that were off."""

    what: str = Field(description="practice, practice_switch, client, client_switch, grant, withhold or block")
    account_id: str | None
    grant_id: str | None
    values: dict[str, Any]
    set_by: str
    set_at: AwareDatetime
    reason: str | None


class PastReply(BaseModel):
    """Who could do what at an instant."""

    people: list[PastPerson]
    settings: list[PastSetting]
    context: dict[str, Any]


class HandOverRequest(BaseModel):
    """One person's access to all their clients, or to these, passes to a successor on a day."""

    model_config = ConfigDict(extra="forbid")

    from_account: str = Field(min_length=1, max_length=64)
    to_account: str = Field(min_length=1, max_length=64)
    on: date = Field(description="The successor's first day; the old access ends the day before.")
    clients: list[str] | None = Field(default=None, max_length=1000)
    reason: str | None = Field(default=None, max_length=500)


class HandOverStep(BaseModel):
    """What happens for one client."""

    client_id: str
    grant_id: str
    kind: Kind
    until: date | None = Field(description="When the old access would have ended; the successor's ends then.")
    proof: str = Field(description="What is on file for the old access. The successor's proof is asked for anew.")
    kept: bool = Field(description="The successor has access of this kind already, so none begins.")
    left: str | None = Field(description="Why nothing happens: own_login, ends_before, begins_later, does_not_fit.")


class HandOver(BaseModel):
    """A hand-over. Without an id it was only looked at."""

    id: str | None
    from_account: str
    to_account: str
    on: date
    status: GrantStatus | None = Field(description="With which the successor's access begins.")
    steps: list[HandOverStep]
    etag: str


class KeptHandOver(BaseModel):
    """A hand-over that was planned."""

    id: str
    from_account: str
    to_account: str
    on: date
    state: str = Field(description="planned, or undone")
    ended: list[str]
    begun: list[str]
    etag: str


class HandOvers(BaseModel):
    """A practice's hand-overs, the latest day first."""

    hand_overs: list[KeptHandOver]
