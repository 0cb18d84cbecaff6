"""Bodies of emergency access."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 (pydantic reads the annotation)

from pydantic import BaseModel, ConfigDict, Field

from models.wire.trail import Entry  # noqa: TC001 (pydantic reads the annotation)


class NewEmergencyAccess(BaseModel):
    """Why, and for how long at most."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(
        min_length=1, max_length=500, examples=["The assigned therapist is ill; a crisis call came in."]
    )
    minutes: int = Field(ge=1, le=60, strict=True)


class EmergencyReview(BaseModel):
    """What whoever signs the emergency access off found."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(min_length=1, max_length=500)


class EmergencyAccess(BaseModel):
    """A staff member's emergency access to one client, open in [starts_at, until)."""

    id: str
    practice_id: str
    client_id: str
    staff_id: str
    starts_at: datetime
    until: datetime
    open: bool
    reason: str
    ended_by: str | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    review: str | None


class EmergencyAccesses(BaseModel):
    """The newest first. `next` is empty on the last page."""

    emergency_accesses: list[EmergencyAccess]
    next: str


class EmergencyReads(BaseModel):
    """What the service allowed its holder while it was open, the oldest first; `complete` says whether that is all."""

    reads: list[Entry]
    complete: bool
