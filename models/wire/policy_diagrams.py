"""Bodies of diagrams: a question as tests and branches, and the way of a situation through them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

_End = StrictBool | Literal["folded"]


class Situation(BaseModel):
    """Facts by their full names (`subject.kind`); what is left out is missing. `part` as a diagram's `part`."""

    model_config = ConfigDict(extra="forbid")

    facts: dict[str, StrictBool | str] = Field(default={}, max_length=500)
    part: str = Field(default="decision", max_length=256)


class Listed(BaseModel):
    """One question: its diagram's size, and in how many of the situations that can occur it is allowed."""

    subject_type: str
    action: str
    resource_type: str
    nodes: int
    facts: int
    situations: int
    allowed: int
    share: str


class Diagrams(BaseModel):
    """Every question of a version."""

    version: str
    serves: bool
    diagrams: list[Listed]


class Branch(BaseModel):
    """Values that lead to the same place: a test, an answer, or what is folded."""

    values: list[bool | str]
    to: int | _End


class DrawnNode(BaseModel):
    """One node."""

    number: int
    fact: str
    branches: list[Branch]


class Part(BaseModel):
    """A diagram of the question: `decision`, `permit`, `forbid` or `rule:ID`."""

    part: str
    nodes: int
    rule: dict[str, Any] | None


class Diagram(BaseModel):
    """A question drawn; `holds` of the `situations` that can occur satisfy the part."""

    version: str
    serves: bool
    subject_type: str
    action: str
    resource_type: str
    part: str
    parts: list[Part]
    facts: list[dict[str, Any]]
    root: int | _End
    tests: list[DrawnNode]
    folded: int
    holds: int
    situations: int
    share: str


class Step(BaseModel):
    """From a test along a branch; without `value` where its fact is missing."""

    number: int
    value: bool | str | None
    to: int | _End


class Way(BaseModel):
    """What the situation is answered, and its way through the part's diagram.

    `steps` reach as far as the facts do; `open` is what remains possible behind the first that is missing. Both are
    empty for what is no situation (`error` says why). `holds` is None while the missing facts leave it open.
    """

    version: str
    serves: bool
    part: str
    decision: bool
    because: str
    error: str | None
    missing: list[str]
    holds: bool | None
    steps: list[Step]
    open: list[Step]
    rules: list[dict[str, Any]]
    facts: list[dict[str, Any]]
    nearest: list[dict[str, Any]]
