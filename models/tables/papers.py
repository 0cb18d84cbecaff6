"""Tables of papers: files that were handed in or added."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Instant


class StoredFile(RecordsTable, table=True):
    """A file as it was kept. `sha256` is of `content` in hexadecimal; `kept_by` as in the trail ("account/dana")."""

    __tablename__ = "stored_file"

    id: str = Field(primary_key=True)
    practice_id: str
    client_id: str = Field(index=True)
    name: str
    media_type: str
    size: int
    sha256: str
    content: bytes = Field(sa_type=LargeBinary)
    kept_by: str
    kept_at: datetime = Field(sa_type=Instant)
