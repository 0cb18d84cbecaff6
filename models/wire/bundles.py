"""Bodies of the policy's bundles: staged, shadowed, put into service, rolled back."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 (pydantic reads the annotation)

from pydantic import BaseModel, ConfigDict, Field

from models.vocabulary import (  # noqa: TC001 (pydantic reads the annotations)
    DeploymentKind,
    LiveQuestion,
    VersionState,
    WouldBe,
)


class NewVersion(BaseModel):
    """A bundle to keep: each file's text by its name, such as `limits/item.polar`."""

    model_config = ConfigDict(extra="forbid")

    files: dict[str, str] = Field(min_length=1, max_length=500)
    note: str = Field(default="", max_length=500)


class Version(BaseModel):
    """A bundle that the service keeps, by its digest (sha256, hex)."""

    digest: str
    state: VersionState
    note: str
    staged_at: datetime
    staged_by: str
    rules: int
    questions: int
    invariants: int
    shadow: bool = Field(description="Whether it is asked every live question too, without a say in the answer.")
    etag: str


class File(BaseModel):
    """A file of a bundle."""

    name: str
    lines: int


class VersionInFull(Version):
    """The same with its files, in order of name."""

    files: list[File]


class Deployment(BaseModel):
    """A bundle came into service in place of `before`; the one with the highest number serves."""

    number: int
    digest: str
    before: str | None
    at: datetime
    by: str
    reason: str
    kind: DeploymentKind


class Versions(BaseModel):
    """Every bundle kept, and every deployment, the newest first."""

    serving: str
    versions: list[Version]
    deployments: list[Deployment]


class ShadowSwitch(BaseModel):
    """Whether the bundle shadows."""

    model_config = ConfigDict(extra="forbid")

    on: bool = Field(strict=True)


class ShadowExample(BaseModel):
    """A live question that it decided otherwise; a plan is about no item in particular."""

    request_id: str
    subject: str = Field(examples=["account/dana"])
    resource_id: str | None
    at: datetime


class ShadowDifference(BaseModel):
    """Live questions of one sort that were answered `serving` and would have been answered otherwise.

    `would` is `allowed` or `denied`. Of a plan, `serving` is whether it allows anything, and the staged one would allow
    `more` and nothing less, `less` and nothing more, or `other` items.
    """

    asked: LiveQuestion
    subject_type: str
    action: str
    resource_type: str
    serving: bool
    would: WouldBe
    count: int
    examples: list[ShadowExample] = Field(description="At most the last 20.")


class ShadowCounts(BaseModel):
    """How many live questions were put to it, how many of these it would answer otherwise or could not answer.

    `not_compared` counts those that were not put to it, because there were too many at once.
    """

    compared: int
    differed: int
    failed: int
    not_compared: int


class ShadowAsked(ShadowCounts):
    """The same for the questions that were asked in one way; of a search, each candidate is a question."""

    asked: LiveQuestion


class Shadow(ShadowCounts):
    """What a bundle made of the live questions since it was last switched on: in all, and by how they were asked."""

    on: bool
    since: datetime | None
    asked: list[ShadowAsked]
    differences: list[ShadowDifference]


class Rollback(BaseModel):
    """Why, and which bundle was seen serving by whoever decided it."""

    model_config = ConfigDict(extra="forbid")

    serving: str = Field(min_length=1, max_length=64)
    reason: str = Field(min_length=1, max_length=500)


class Deploy(Rollback):
    """The same for a new bundle."""


class Processes(BaseModel):
    """How many processes serve it now, and how many gave no sign until their lease was over: these deny everything."""

    swapped: int
    gone: int


class Deployed(BaseModel):
    """The bundle that serves now, in every process."""

    number: int
    digest: str
    before: str | None
    processes: Processes
