"""The body of a refused request (RFC 9457)."""

from __future__ import annotations

from pydantic import BaseModel


class FieldError(BaseModel):
    """One field of the request's body that is wrong."""

    field: str
    message: str


class FileProblem(BaseModel):
    """What is wrong with a file of a bundle; line 0 is the whole file."""

    file: str
    line: int
    message: str


class Problem(BaseModel):
    """Why a request was refused. `field` is the first of `errors`; `problems` are those of a refused bundle."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    errors: list[FieldError] | None = None
    problems: list[FileProblem] | None = None
