"""Tables of mail and notices.

Mail belongs to the practice on whose behalf it goes out, or to none (sign-in and recovery). What an account wants to
hear about, and what it calls a client, is the account's own and belongs to no practice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document, Instant


class Mail(RecordsTable, table=True):
    """One mail on its way. `content` is `{"subject", "text", "html", "unsubscribe"}` until it was sent, then null.

    `id` begins with the time, so that it orders mails, and is the Message-ID's local part. `next_try_at` null means at
    once; `first_tried_at` is the mail's Date.
    """

    __tablename__ = "mail"
    __table_args__ = (Index("ix_mail_state", "state", "next_try_at"),)

    id: str = Field(primary_key=True)
    practice_id: str | None = None
    recipient: str
    content: dict[str, Any] | None = Field(default=None, sa_type=Document)
    state: str  # waiting, sent, failed
    tries: int = 0
    first_tried_at: datetime | None = Field(default=None, sa_type=Instant)
    next_try_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    last_error: str = ""


class Notice(RecordsTable, table=True):
    """Something that happened, still to be told. Without a subject it is for whoever holds a grant on the client.

    `due_at` null means that nobody has looked yet when the person wants to hear of it. The row goes when the mail that
    tells of it is posted, or when the person may not know.
    """

    __tablename__ = "notice"

    id: str = Field(primary_key=True)
    practice_id: str = Field(index=True)
    event: str
    client_id: str | None = None
    item_type: str | None = None
    item_id: str | None = None
    path: str
    subject_type: str
    subject_id: str | None = None
    but: str | None = None
    due_at: datetime | None = Field(default=None, sa_type=Instant)


class NoticeChoice(RecordsTable, table=True):
    """How somebody wants to hear of an event: `at_once`, `daily` or `never`.

    Staff choose for all clients alike (`client_id` empty). An empty `event` is the choice for everything, and wins.
    """

    __tablename__ = "notice_choice"

    subject_type: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    client_id: str = Field(primary_key=True)
    event: str = Field(primary_key=True)
    choice: str


class ClientLabel(RecordsTable, table=True):
    """What an account calls a client in its mails."""

    __tablename__ = "client_label"

    account_id: str = Field(primary_key=True)
    client_id: str = Field(primary_key=True)
    label: str


class NoticeStop(RecordsTable, table=True):
    """The SHA-256 of the secret in a mail's link that ends the notices of one person."""

    __tablename__ = "notice_stop"

    token_hash: str = Field(primary_key=True)
    subject_type: str
    subject_id: str
    made_at: datetime = Field(sa_type=Instant)


class AppointmentReminder(RecordsTable, table=True):
    """Says that an appointment, at this time, was announced; one that was moved is announced again."""

    __tablename__ = "appointment_reminder"

    appointment_id: str = Field(primary_key=True)
    starts_at: datetime = Field(primary_key=True, sa_type=Instant)
    practice_id: str
