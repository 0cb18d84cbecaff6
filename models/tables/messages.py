"""Tables of secure messages, of what has been read of them, and of mail to the owner of a practice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document as JsonDocument
from models.tables.columns import Instant


class Message(RecordsTable, table=True):
    """One message of a thread, `number` from 1 in the order of arrival. `key` is the one-time key of the form."""

    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("thread_id", "number"), UniqueConstraint("from_type", "from_id", "key"))

    id: str = Field(primary_key=True)
    practice_id: str
    client_id: str
    thread_id: str
    number: int
    from_type: str
    from_id: str
    sent_at: datetime = Field(sa_type=Instant)
    text: str
    key: str
    file_id: str | None = None


class MessageRead(RecordsTable, table=True):
    """How far one participant has read a thread, and up to which number a notice has gone out."""

    __tablename__ = "message_read"

    thread_id: str = Field(primary_key=True)
    reader_type: str = Field(primary_key=True)
    reader_id: str = Field(primary_key=True)
    practice_id: str
    up_to: int = 0
    noticed: int = 0


class OwnerEmail(RecordsTable, table=True):
    """The copy of a mail that an account sent to the owners of a practice."""

    __tablename__ = "owner_email"
    __table_args__ = (UniqueConstraint("account_id", "key"),)

    id: str = Field(primary_key=True)
    practice_id: str
    client_id: str = Field(index=True)
    account_id: str
    sent_at: datetime = Field(sa_type=Instant)
    owner_ids: list[str] = Field(default_factory=list, sa_type=JsonDocument)
    subject: str
    text: str
    key: str
