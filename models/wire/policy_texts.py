"""The body of a version's texts."""

from __future__ import annotations

from pydantic import BaseModel


class Texts(BaseModel):
    """Every file of a version: its text by its name."""

    version: str
    files: dict[str, str]
