"""Tables of the gateway's people: who they are and how they sign in.

Identity is global: a family's account may belong to several practices, and none of them learns of the others.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document, Instant


class Person(RecordsTable, table=True):
    """An account or a staff member, by the ids of the access data. `practice_id` and `title` only for staff."""

    __tablename__ = "person"

    subject_type: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    name: str
    email: str | None = None
    phone: str | None = None
    address: list[str] = Field(default_factory=list, sa_type=Document)
    practice_id: str | None = None
    title: str | None = None


class Credential(RecordsTable, table=True):
    """A sign-in name (in canonical form) and the Argon2id hash of its password."""

    __tablename__ = "credential"

    username: str = Field(primary_key=True)
    subject_type: str
    subject_id: str
    password_hash: str
    changed_at: datetime = Field(sa_type=Instant)
