"""Tables of what the trail has still to be told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document, Instant


class WaitingEvent(RecordsTable, table=True):
    """An event to be entered in the trail, written in the transaction of the change that it tells of.

    `practice_id` is that transaction's. `event` is as the authz service takes it, with its one-time `id`.
    """

    __tablename__ = "waiting_event"

    number: int | None = Field(default=None, primary_key=True)
    practice_id: str | None = Field(default=None, index=True)
    event: dict[str, Any] = Field(sa_type=Document)
    happened_at: datetime = Field(sa_type=Instant)
