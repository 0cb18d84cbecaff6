"""Tables of emergency access: whom the practice tells of it, and of which one it was told."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Instant


class PrivacyContact(RecordsTable, table=True):
    """The member of the staff who hears of emergency accesses beside the owner; without a row it is the owner alone."""

    __tablename__ = "privacy_contact"

    practice_id: str = Field(primary_key=True)
    staff_id: str
    set_by: str
    set_at: datetime = Field(sa_type=Instant)


class EmergencyNotice(RecordsTable, table=True):
    """An emergency access of which the owner and the privacy contact were told."""

    __tablename__ = "emergency_notice"

    access_id: str = Field(primary_key=True)
    practice_id: str
    told_at: datetime = Field(sa_type=Instant)
