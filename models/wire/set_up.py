"""Bodies of kind defaults, bulk changes of grants, and the set-up check."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 (pydantic reads the annotations)

from pydantic import BaseModel, ConfigDict, Field

from models.vocabulary import Feature, Kind, SetUpRule  # noqa: TC001 (pydantic reads the annotations)
from models.wire.access import BriefGrant, GrantPatch


class KindDefaults(BaseModel):
    """With what a new grant of a kind begins.

    `chosen` are the practice's own choices; what is not among them begins as usual: `usual`, for a child where that
    differs `usual_child`, for a teen `usual_teen`. Only the features in `may` ever open anything for the kind.
    """

    kind: Kind
    chosen: dict[Feature, bool]
    usual: dict[Feature, bool]
    usual_child: dict[Feature, bool]
    usual_teen: dict[Feature, bool]
    may: list[Feature]
    etag: str


class AllKindDefaults(BaseModel):
    """Of every kind, in the order of the vocabulary."""

    kinds: list[KindDefaults]


class KindDefaultsPatch(BaseModel):
    """What new grants of the kind begin with from now on; null goes back to the usual."""

    model_config = ConfigDict(extra="forbid")

    toggles: dict[Feature, bool | None]


class GrantChange(GrantPatch):
    """A change of one grant among several, decided on the version `etag`."""

    id: str = Field(min_length=1, max_length=256)
    etag: str = Field(min_length=1, max_length=32)


class GrantChanges(BaseModel):
    """Changes of several grants of a practice, made together or not at all."""

    model_config = ConfigDict(extra="forbid")

    changes: list[GrantChange] = Field(min_length=1, max_length=1000)
    reason: str | None = Field(default=None, min_length=1, max_length=500)


class GrantsChanged(BaseModel):
    """The grants as they are now, in the order of the changes."""

    grants: list[BriefGrant]


class PracticeGrants(BaseModel):
    """Grants of a practice, in order of id. `next` is empty on the last page."""

    grants: list[BriefGrant]
    next: str


class Finding(BaseModel):
    """Something that is probably not meant. The same thing keeps its `id`; `count` is how many grants it reaches."""

    id: str
    rule: SetUpRule
    client_id: str | None
    grant_ids: list[str] = Field(description="At most 50 of them.")
    account_ids: list[str] = Field(description="Who holds each of these grants.")
    staff_id: str | None
    features: list[Feature]
    day: date | None
    count: int
    dismissed: bool


class Dismissal(BaseModel):
    """A finding that the practice called right."""

    finding: str
    reason: str
    by: str
    at: datetime


class Check(BaseModel):
    """The findings of a practice, and those that it called right."""

    findings: list[Finding]
    dismissals: list[Dismissal]


class DismissalReason(BaseModel):
    """Why a finding is right as it is."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)
