"""Tables of requests of families to the practice, and of the banners with which the practice greets them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Instant

_OPEN = text("state = 'open'")


class AccessRequest(RecordsTable, table=True):
    """Somebody who was refused asks the practice to open a part of a client's portal.

    `code` is the reason of the refusal, `state` open, granted, declined or withdrawn. There is one open request at most
    for each part.
    """

    __tablename__ = "access_request"
    __table_args__ = (
        Index(
            "uq_access_request_open",
            "client_id",
            "account_id",
            "resource_type",
            "action",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: str = Field(primary_key=True)
    practice_id: str = Field(index=True)
    client_id: str
    account_id: str = Field(index=True)
    action: str
    resource_type: str
    code: str
    note: str = ""
    asked_at: datetime = Field(sa_type=Instant)
    state: str = "open"
    answer: str = ""
    answered_by: str | None = None
    answered_at: datetime | None = Field(default=None, sa_type=Instant)


class Banner(RecordsTable, table=True):
    """What the practice (`staff_id` empty) or one of its professionals says on the home pages of their clients.

    It is shown up to and including the day `until`, for as long as it stands where that is null (row M8).
    """

    __tablename__ = "banner"

    practice_id: str = Field(primary_key=True)
    staff_id: str = Field(primary_key=True, default="")
    text: str
    until: date | None = None
    changed_at: datetime = Field(sa_type=Instant)
