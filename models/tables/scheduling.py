"""Tables of availability and self-scheduling.

Minutes count from midnight on the clock of the practice; a weekday is 0 for Monday to 6 for Sunday.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlmodel import Field

from models.tables.base import RecordsTable
from models.tables.columns import Document, Instant


class Availability(RecordsTable, table=True):
    """When a staff member offers times. Whoever books with them holds this row locked meanwhile.

    `hours` are `{"weekday", "from", "until"}`; `exceptions` are `{"day", "from", "until"}`, `day` an ISO day, which
    replace the hours of that day (`from` and `until` null: away). `title` and `place` are those of a new appointment.
    """

    __tablename__ = "availability"

    staff_id: str = Field(primary_key=True)
    practice_id: str
    slot_minutes: int
    title: str
    place: str
    hours: list[dict[str, Any]] = Field(default_factory=list, sa_type=Document)
    exceptions: list[dict[str, Any]] = Field(default_factory=list, sa_type=Document)
    version: int = 1


class SchedulingRule(RecordsTable, table=True):
    """How a practice answers requests of families. Without a row its staff confirm each one."""

    __tablename__ = "scheduling_rule"

    practice_id: str = Field(primary_key=True)
    confirms: str  # staff, automatic


class CalendarFeed(RecordsTable, table=True):
    """A secret address of one client's calendar, made by one account.

    Of no practice: all that a fetch brings is the secret, kept as its SHA-256. `amr` is how the account had signed in.
    """

    __tablename__ = "calendar_feed"

    account_id: str = Field(primary_key=True)
    client_id: str = Field(primary_key=True)
    secret_hash: str = Field(unique=True)
    amr: list[str] = Field(default_factory=list, sa_type=Document)
    made_at: datetime = Field(default_factory=lambda: datetime.now(UTC), sa_type=Instant)
