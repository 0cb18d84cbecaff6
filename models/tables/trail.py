"""The trail: a row for each decision, change and event, and the heads of the chains written inside transactions.

`body` is the exact text that the chain's hashes were made from; the other columns are copies of it for filtering,
and `kinguard trail verify` compares the two.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field

from models.tables.base import AccessTable

_TOLD = text("type <> 'decision'")
_GIVEN = {"autoincrement": False}


class TrailRecord(AccessTable, table=True):
    """One record, or one item of a batch: item 0 has the body of the whole record, further items only their columns."""

    __tablename__ = "trail_records"
    __table_args__ = (
        Index("ix_trail_records_at", "at"),
        Index("ix_trail_records_account_id_at", "account_id", "at"),
        Index("ix_trail_records_client_id_at", "client_id", "at"),
        Index("ix_trail_records_resource_id_at", "resource_id", "at"),
        Index("ix_trail_records_practice_id_at", "practice_id", "at"),
        Index("ix_trail_records_subject_at", "subject", "at"),
        # Changes and events are few among the decisions.
        Index("ix_trail_records_told", "practice_id", "at", sqlite_where=_TOLD, postgresql_where=_TOLD),
    )

    chain: str = Field(primary_key=True, max_length=80)
    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs=_GIVEN)  # group in the chain, from 1
    position: int = Field(primary_key=True, sa_column_kwargs=_GIVEN)  # record in the group, from 0
    item: int = Field(primary_key=True, default=0, sa_column_kwargs=_GIVEN)
    at: int = Field(sa_type=BigInteger)  # microseconds since the epoch, UTC
    type: str = Field(
        max_length=16
    )  # decision, change, event, legend (how facts are abbreviated), segment (its beginning)
    practice_id: str | None = Field(default=None, max_length=256)
    request_id: str | None = Field(default=None, max_length=256)
    caller: str | None = Field(default=None, max_length=64)
    subject: str | None = Field(default=None, max_length=330)  # who asked or acted: account/dana, staff/jo
    account_id: str | None = Field(default=None, max_length=256)  # the account that asked, or whose access was changed
    client_id: str | None = Field(default=None, max_length=256)
    action: str | None = Field(default=None, max_length=64)
    resource_type: str | None = Field(default=None, max_length=64)
    resource_id: str | None = Field(default=None, max_length=256)
    decision: bool | None = None
    what_if: bool = False
    body: str | None = None


class TrailGroup(AccessTable, table=True):
    """One link of a chain: the records of a group share one hash. A segment's chain begins with its header, group 0."""

    __tablename__ = "trail_groups"

    chain: str = Field(primary_key=True, max_length=80)
    number: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs=_GIVEN)
    count: int
    hash: str = Field(max_length=64)  # hex


class TrailHead(AccessTable, table=True):
    """The newest link of a chain written inside transactions; its row is the lock that gives changes one order."""

    __tablename__ = "trail_heads"

    chain: str = Field(primary_key=True, max_length=80)
    practice_id: str | None = Field(default=None, max_length=256)
    number: int = Field(sa_type=BigInteger)
    hash: str = Field(max_length=64)


class TrailEvent(AccessTable, table=True):
    """The one-time id of an event that was entered, so that a caller may send it again until it knows of that."""

    __tablename__ = "trail_events"

    caller: str = Field(primary_key=True, max_length=64)
    id: str = Field(primary_key=True, max_length=64)
    at: int = Field(sa_type=BigInteger)  # microseconds since the epoch, UTC


RECORDS = AccessTable.metadata.tables["trail_records"]
GROUPS = AccessTable.metadata.tables["trail_groups"]
HEADS = AccessTable.metadata.tables["trail_heads"]
EVENTS = AccessTable.metadata.tables["trail_events"]
