"""Tables of imports and exports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document, Instant


class ImportJob(RecordsTable, table=True):
    """An import, from the file that was handed in until it is done. `state`: draft, running, done, discarded.

    `options` are the choices of whoever imports. `plan` is what would happen, as compressed JSON; that of a running job
    is what both databases get, so that one that was broken off can be brought to its end. `placed_at` says that the
    authz service has its part. Once it is over, file and plan are gone and `counts` stay.
    """

    __tablename__ = "import_job"

    id: str = Field(primary_key=True)
    practice_id: str = Field(index=True)
    once: str = Field(unique=True)  # the form's own key, so that a file that is sent twice is one import
    state: str = "draft"
    file_name: str
    content: bytes
    options: dict[str, Any] = Field(default_factory=dict, sa_type=Document)
    plan: bytes = b""
    digest: str = ""  # of the dry run that was shown
    problem: str = ""  # why it stands still
    counts: dict[str, Any] = Field(default_factory=dict, sa_type=Document)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
    started_by: str | None = None
    started_amr: str = ""  # how they had signed in: RFC 8176 values, a space between two
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    placed_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


class ExportDone(RecordsTable, table=True):
    """Somebody took the practice's data out."""

    __tablename__ = "export_done"

    id: str = Field(primary_key=True)
    practice_id: str = Field(index=True)
    done_by: str
    done_at: datetime = Field(sa_type=Instant)
    with_files: bool
