"""Row security for SQLite, which has none: a session sees and writes only its own practice's rows.

On PostgreSQL the database itself sees to it (`models.migrations.records.row_security`); a test holds the two alike.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, bindparam, event, func
from sqlalchemy.orm import with_loader_criteria
from sqlmodel import Session

from models.tables.base import RecordsTable
from models.tables.events import WaitingEvent
from models.tables.getting_in import MailedLink
from models.tables.identity import Person
from models.tables.mail import Mail
from models.tables.records import ClientHome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Each of them is found before it is known which practice it belongs to.
OF_EVERYONE = (Person, ClientHome, MailedLink)
WITH_NONE = (Mail, WaitingEvent)  # Rows that belong to no practice are seen outside every practice only.


class OtherPracticeError(Exception):
    """A row of another practice would have been written; nothing of the transaction is."""


_own: ContextVar[str] = ContextVar("own_practice")


class OwnPracticeSession(Session):
    """A session that hides every other practice's rows, and refuses to write them. To be used within `keeping_to`."""


@contextmanager
def keeping_to(practice_id: str | None) -> Iterator[None]:
    """Which practice the sessions opened meanwhile are of; None is outside every practice."""
    token = _own.set(practice_id or "")
    try:
        yield
    finally:
        _own.reset(token)


@event.listens_for(OwnPracticeSession, "do_orm_execute")
def _hide(state: Any) -> None:
    if not state.is_column_load and not state.is_relationship_load:
        state.statement = state.statement.options(*_criteria())


@event.listens_for(OwnPracticeSession, "before_flush")
def _refuse(flushing: Session, _context: object, _instances: object) -> None:
    _require_own((*flushing.new, *flushing.dirty, *flushing.deleted), _own.get())


@cache
def _criteria() -> tuple[Any, ...]:
    """Made once, so that statements are compiled once; the practice is filled in when one runs."""
    own = bindparam("own_practice", callable_=_own.get, type_=String())
    return tuple(
        with_loader_criteria(
            table,
            func.coalesce(table.practice_id, "") == own if table in WITH_NONE else table.practice_id == own,
            include_aliases=True,
        )
        for table in tables_of_a_practice()
    )


@cache
def tables_of_a_practice() -> tuple[Any, ...]:
    """The classes of the tables whose rows belong to a practice."""
    mapped = (mapper.class_ for mapper in RecordsTable._sa_registry.mappers)  # noqa: SLF001 - SQLModel's own registry
    return tuple(
        sorted(
            (table for table in mapped if "practice_id" in table.__table__.columns and table not in OF_EVERYONE),
            key=lambda table: str(table.__tablename__),
        )
    )


def _require_own(rows: Iterable[Any], own: str) -> None:
    for row in rows:
        if isinstance(row, tables_of_a_practice()):
            practice_id = "" if row.practice_id is None and isinstance(row, WITH_NONE) else row.practice_id
            if practice_id != own:
                raise OtherPracticeError(
                    f"a row of {row.__tablename__} belongs to another practice than the transaction"
                )
