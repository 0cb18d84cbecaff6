"""Tables of the gateway's people: who they are and how they sign in.

Identity is global: a family's account may belong to several practices, and none of them learns of the others.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document, Instant


class Person(RecordsTable, table=True):
    """An account or a staff member, by the ids of the access data. `practice_id` and `title` only for staff.

    `language` is that of the mails they get.
    """

    __tablename__ = "person"

    subject_type: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    name: str
    email: str | None = None
    phone: str | None = None
    address: list[str] = Field(default_factory=list, sa_type=Document)
    practice_id: str | None = None
    title: str | None = None
    language: str = "en"


class Credential(RecordsTable, table=True):
    """A sign-in name (in canonical form) and the Argon2id hash of its password.

    `address` is the person's login address, also canonical: no two sign-ins share one (conflict c1). A mailed one-time
    password has `must_change`, and is worth nothing from `expires_at` on.
    """

    __tablename__ = "credential"

    username: str = Field(primary_key=True)
    subject_type: str
    subject_id: str = Field(index=True)
    password_hash: str
    changed_at: datetime = Field(sa_type=Instant)
    address: str | None = Field(default=None, unique=True)
    must_change: bool = False
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
