"""Emergency accesses as they are listed and reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from models.tables.access import EmergencyAccessRow

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

_C = EmergencyAccessRow.__table__.c  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Sought:
    """Which emergency accesses of a practice; None leaves a filter out. `open_at`: those open at that instant."""

    practice_id: str
    staff_id: str | None = None
    client_id: str | None = None
    open_at: datetime | None = None
    reviewed: bool | None = None


def emergency(connection: Connection, access_id: str) -> Row[Any] | None:
    """One emergency access as it stands now."""
    return connection.execute(select(_C).where(_C.id == access_id, _C.valid_to.is_(None))).one_or_none()


def emergencies(connection: Connection, sought: Sought, limit: int, before: str | None = None) -> list[Row[Any]]:
    """The newest first, at most `limit`, from behind the one with the id `before`."""
    conditions: list[ColumnElement[bool]] = [_C.practice_id == sought.practice_id, _C.valid_to.is_(None)]
    if sought.staff_id is not None:
        conditions.append(_C.staff_id == sought.staff_id)
    if sought.client_id is not None:
        conditions.append(_C.client_id == sought.client_id)
    if sought.open_at is not None:
        conditions += [_C.starts_at <= sought.open_at, _C.until_at > sought.open_at]
    if sought.reviewed is not None:
        conditions.append(_C.reviewed_by.is_not(None) if sought.reviewed else _C.reviewed_by.is_(None))
    last = None if before is None else emergency(connection, before)
    if last is not None:
        conditions.append(
            or_(_C.starts_at < last.starts_at, and_(_C.starts_at == last.starts_at, _C.id < last.id)),
        )
    newest = select(_C).where(*conditions).order_by(_C.starts_at.desc(), _C.id.desc()).limit(limit)
    return list(connection.execute(newest).all())
