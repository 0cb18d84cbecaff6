"""Changes of the access data: a row is never changed, it ends and another begins; the trail records each change."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import insert, select

from authz_service.storage.cache import Touched
from authz_service.storage.reading import Reading
from authz_service.trail.changes import Change, record_change, record_changes
from models.tables import access as tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from authz_service.trail.changes import Origin
    from models.tables.access import History

R = TypeVar("R", bound=tables.History)
# Their rows reach only the decisions about one client; those of other tables may reach any.
_OF_CLIENT = (
    tables.ClientRow,
    tables.ClientSwitchRow,
    tables.GrantRow,
    tables.WithholdRow,
    tables.BlockRow,
    tables.EmergencyAccessRow,
)


class Writer:
    """One transaction of changes, made at `now` by `origin.actor`. `reading` sees what has been changed so far."""

    def __init__(self, session: Session, now: datetime, origin: Origin, reason: str | None) -> None:
        self.now = now
        self.origin = origin
        self.reason = reason
        self.reading = Reading(session.connection())
        self.touched = Touched()
        self._session = session

    @property
    def connection(self) -> Connection:
        """The transaction's own connection, for reads that `reading` has no word for."""
        return self._session.connection()

    def current(self, table: type[R], **identity: Any) -> R | None:
        """The row that holds now."""
        conditions = (getattr(table, name) == value for name, value in identity.items())
        return self._session.scalars(select(table).where(*conditions, table.valid_to.is_(None))).one_or_none()  # type: ignore[union-attr]

    def put(self, table: type[R], **values: Any) -> R:
        """Let these values hold from now on in place of the row about the same; the same again changes nothing."""
        kept = {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}
        before = self.current(table, **{name: kept[name] for name in table.identity})
        version, valid_from = 1, self.now
        if before is not None:
            if values_of(before) == kept:
                return before
            version, valid_from = before.version + 1, self._end(before)
        row = table(**kept, version=version, valid_from=valid_from, changed_by=self.origin.actor, reason=self.reason)
        self._session.add(row)
        self._touch(row)
        self._session.flush()
        return row

    def add(self, table: type[R], rows: Iterable[Mapping[str, Any]]) -> None:
        """Let many things hold from now on of which none held before; each may bring its own `reason`."""
        marks = {"version": 1, "valid_from": self.now, "changed_by": self.origin.actor, "reason": self.reason}
        made = [{**marks, **values} for values in rows]
        if made:
            self._session.flush()
            self.connection.execute(insert(table.__table__), made)  # type: ignore[attr-defined]
        for values in made:
            self._note(table, values)

    def seed(self, world: str, day: date) -> None:
        """Note that the database was filled with a world, and which day its frozen day became."""
        self._session.add(tables.SeedRow(world=world, day=day, seeded_at=self.now))

    def end(self, row: History) -> None:
        """Let nothing hold in place of this row; who ended it, and why, stands in the trail."""
        self._end(row)
        self._touch(row)

    def record(
        self,
        action: str,
        resource: tuple[str, str],
        *,
        practice_id: str | None = None,
        client_id: str | None = None,
        account_id: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Record a change of this transaction; `before` and `after` hold what differs."""
        about = {"practice_id": practice_id, "client_id": client_id, "account_id": account_id}
        record_change(self._session, self.change(action, resource, **about, before=before, after=after))

    def change(self, action: str, resource: tuple[str, str], **about: Any) -> Change:
        """A change of this transaction, to be recorded together with others (`record_all`)."""
        reason = about.pop("reason", self.reason)
        kind, name = resource
        return Change(self.now, self.origin, action, resource_type=kind, resource_id=name, reason=reason, **about)

    def record_all(self, changes: Sequence[Change]) -> None:
        """Record changes of one practice, in their order."""
        if changes:
            record_changes(self._session, changes)

    def _end(self, row: History) -> datetime:
        # A clock that was set back must not make a row end before it began.
        row.valid_to = max(self.now, row.valid_from)
        self._session.flush()
        return row.valid_to

    def _touch(self, row: History) -> None:
        self._note(type(row), vars(row))

    def _note(self, table: type[History], values: Mapping[str, Any]) -> None:
        if table is tables.ResourceRow:
            self.touched.items.add((values["resource_type"], values["resource_id"]))
        elif table in _OF_CLIENT:
            self.touched.clients.add(values["id"] if table is tables.ClientRow else values["client_id"])
            if table in {tables.ClientRow, tables.GrantRow}:
                self.touched.items.add(("client" if table is tables.ClientRow else "grant", values["id"]))
        else:
            self.touched.everything = True


def values_of(row: History) -> dict[str, Any]:
    """What a row says, without its place in history."""
    return row.model_dump(exclude=set(tables.History.model_fields))
