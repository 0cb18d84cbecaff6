"""Table of bulk changes, so that each can be taken back."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document, Instant


class BulkChange(RecordsTable, table=True):
    """A feature switched for many people at once: `grant_ids` are those whose own switch was turned by it.

    `client_id` null is every client, `id` the one-time key of the form that made it.
    """

    __tablename__ = "bulk_change"

    id: str = Field(primary_key=True)
    practice_id: str = Field(index=True)
    client_id: str | None = None
    kinds: list[str] = Field(sa_type=Document)
    feature: str
    is_on: bool
    grant_ids: list[str] = Field(sa_type=Document)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
    undone_at: datetime | None = Field(default=None, sa_type=Instant)
