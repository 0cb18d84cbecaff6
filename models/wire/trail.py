"""Bodies of the trail."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class EventResource(BaseModel):
    """What an event is about."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(min_length=1, max_length=64)
    id: str | None = Field(default=None, min_length=1, max_length=256)


class Event(BaseModel):
    """An event that a calling system adds: a sign-in, a view. Ids only, never content.

    `id` is a one-time id of the caller's: the same event sent again is entered once. `happened_at` and `request_id` say
    when and in which request it happened, where it is sent later.
    """

    model_config = ConfigDict(extra="forbid")

    action: str = Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_.]*$", examples=["sign_in.succeeded"])
    actor: str | None = Field(default=None, max_length=320, examples=["account/dana"])
    account_id: str | None = Field(default=None, max_length=256)
    client_id: str | None = Field(default=None, max_length=256)
    practice_id: str | None = Field(default=None, max_length=256)
    resource: EventResource | None = None
    details: dict[str, str | int | bool | None] = Field(default={}, max_length=20)
    id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{16,64}$")
    happened_at: AwareDatetime | None = None
    request_id: str | None = Field(default=None, pattern=r"^[!-~]{1,128}$")


class Events(BaseModel):
    """Events of one request, added together."""

    model_config = ConfigDict(extra="forbid")

    events: list[Event] = Field(min_length=1, max_length=100)


class Added(BaseModel):
    """How many were added; an event whose `id` was sent before is not added again."""

    added: int


class Entry(BaseModel):
    """One record of the trail, or one item of a batch."""

    model_config = ConfigDict(extra="allow")

    id: str
    type: Literal["decision", "change", "event"]
    at: str
    request_id: str | None = None
    caller: str | None = None
    subject: str | None = None
    action: str | None = None
    resource: dict[str, Any] | None = None
    account_id: str | None = None
    client_id: str | None = None
    practice_id: str | None = None
    decision: bool | None = None
    what_if: str | None = None


class TrailPage(BaseModel):
    """The newest records first. `next` is empty on the last page."""

    entries: list[Entry]
    next: str


class Explained(BaseModel):
    """A record with its explanation by the policy that decided, where that is still known."""

    entry: Entry
    explanation: dict[str, Any] | None
    policy: Literal["in_service", "earlier", "unknown"] | None = Field(
        description="Whether the policy that decided serves still, is kept, or is not known any more; null for others."
    )
    situation: list[dict[str, Any]] = Field(description="Every fact that was read: fact, value, says, legal.")


class Disclosure(BaseModel):
    """What one person was shown or given of one item, or one release by a link."""

    account_id: str
    kinds: list[str] = Field(description="What the person was to the client in that time.")
    standing: Literal["representative", "other"] = Field(
        description="Whether the law treats this person as the client (45 CFR 164.502(g))."
    )
    action: str
    resource: dict[str, Any]
    count: int
    first: str
    last: str
    release: str | None = None


class Disclosures(BaseModel):
    """The disclosures of a client in [since, until), the newest first."""

    since: str
    until: str
    disclosures: list[Disclosure]
    complete: bool


class Denial(BaseModel):
    """What one person was refused, why, and on which legal basis."""

    account_id: str
    action: str
    resource: dict[str, Any]
    count: int
    first: str
    last: str
    code: str
    text: str
    rules: list[str]
    facts: list[dict[str, Any]]
    legal: list[str]


class Denials(BaseModel):
    """The refusals about a client in [since, until), the newest first."""

    since: str
    until: str
    denials: list[Denial]
    complete: bool


class Verification(BaseModel):
    """What one verification found. Another practice's chains are not counted; that one is damaged is told."""

    id: str = Field(description="The record of the trail that it is.")
    at: str
    by: str | None
    whole: bool = Field(description="Whether chains, checkpoints and table agree, everywhere.")
    seconds: float
    chains: int
    groups: int
    records: int
    waiting: int = Field(description="Records in segments that are not in the table yet.")
    unsigned: int = Field(description="Records newer than the newest checkpoint of their chain.")
    checkpoints: int
    newest_checkpoint: str | None
    problems: int
    findings: list[dict[str, Any]] = Field(description="The first ones: flaw, place, text, number of the group, at.")
    examined: list[dict[str, Any]] = Field(description="Chains, damaged ones first, then the newest.")
    notes: list[str]


class Attempt(BaseModel):
    """A verification that is under way, or that did not come to its end."""

    at: str
    by: str | None
    state: Literal["running", "failed", "broken_off"]
    groups: int
    of: int


class Verifications(BaseModel):
    """The newest verifications first, at most ten."""

    attempt: Attempt | None
    verifications: list[Verification]
