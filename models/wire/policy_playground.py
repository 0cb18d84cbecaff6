"""Bodies of the playground: a copy of a bundle that is tried, and never serves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from models.wire.problems import FileProblem  # noqa: TC001 (pydantic reads the annotation)


class AskedOfCopy(BaseModel):
    """A question put to the copy; facts by their full names."""

    model_config = ConfigDict(extra="forbid")

    subject_type: str = Field(max_length=256)
    action: str = Field(max_length=256)
    resource_type: str = Field(max_length=256)
    facts: dict[str, StrictBool | str] = Field(default={}, max_length=500)


class Copy(BaseModel):
    """The texts of a bundle by their names (`facts.yaml`, `limits/item.polar`), suites over facts below `suites/`."""

    model_config = ConfigDict(extra="forbid")

    files: dict[str, str] = Field(min_length=1)
    against: str = Field(default="serving", max_length=64, description="The version it is compared with.")
    ask: AskedOfCopy | None = None


class Tried(BaseModel):
    """What was found. With `problems` there is nothing else; `seconds` is how long it took."""

    problems: list[FileProblem]
    problems_left_out: int
    digest: str | None = None
    against: str | None = None
    difference: dict[str, Any] | None = None
    invariants: list[dict[str, Any]] | None = None
    suites: list[dict[str, Any]] | None = None
    answer: dict[str, Any] | None = None
    seconds: float | None = None
