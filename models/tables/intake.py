"""Tables of intake forms: the practice's templates, and the answers while a form is being filled in.

A text is an object of languages, `{"en": ..., "es": ...}`; a question is the object that
`gateway.portal.intake.questions` reads and writes.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document as JsonDocument
from models.tables.columns import Instant


class FormTemplate(RecordsTable, table=True):
    """A form that the practice can send. `draft` is what an editor has not published yet, null when there is nothing.

    `version` counts the published versions; `edits` counts every change, so that no editor overwrites another.
    """

    __tablename__ = "form_template"

    id: str = Field(primary_key=True)
    practice_id: str = Field(index=True)
    version: int
    edits: int = 0
    title: dict[str, str] = Field(default_factory=dict, sa_type=JsonDocument)
    questions: list[dict[str, Any]] = Field(default_factory=list, sa_type=JsonDocument)
    signer_rule: str
    visibility: str
    effective_on: date
    draft: dict[str, Any] | None = Field(default=None, sa_type=JsonDocument)
    retired_at: datetime | None = Field(default=None, sa_type=Instant)
    changed_by: str | None = None
    changed_at: datetime = Field(sa_type=Instant)


class FormAnswer(RecordsTable, table=True):
    """What a question of an open form was answered with, from one version of the form on; gone when it is completed."""

    __tablename__ = "form_answer"

    form_id: str = Field(primary_key=True)
    question_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    practice_id: str
    value: Any = Field(default=None, sa_type=JsonDocument, nullable=True)
    account_id: str
    answered_at: datetime = Field(sa_type=Instant)
