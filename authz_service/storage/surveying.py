"""The access data that a search goes through: one state of it, each row read once, items a chunk at a time."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, true

from authz_service.storage.cache import CachedAccess
from authz_service.storage.practice_rows import read_practice
from authz_service.storage.reading import held, known_of
from models.tables.access import GrantRow, ResourceRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement

    from authz_service.facts.snapshot import Snapshot
    from authz_service.storage.reading import Reading

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where to look: in one practice, among what belongs to some clients, or both. None does not limit."""

    practice_id: str | None = None
    client_ids: tuple[str, ...] | None = None


class Survey(CachedAccess):
    """An `Access` on one transaction that remembers what it has read, and lists what there is."""

    def __init__(self, rows: Reading) -> None:
        super().__init__(lambda: nullcontext(rows))
        self.rows = rows
        self._whole: dict[str, Snapshot | None] = {}

    def whole(self, practice_id: str) -> Snapshot | None:
        """Everything that decisions about all of a practice's clients read; None for an unknown practice."""
        if practice_id not in self._whole:
            self._whole[practice_id] = read_practice(self.rows, practice_id)
        return self._whole[practice_id]

    def items_in(self, resource_type: str, bounds: Bounds, after: str | None) -> Iterator[str]:
        """Ids of the registered items of a type, in the database's order, from behind the id `after`."""
        columns = ResourceRow.__table__.c  # type: ignore[attr-defined]
        bounded = and_(columns.resource_type == resource_type, *_within(columns, bounds))
        for row in self._in_order(columns, columns.resource_id, bounded, after):
            self._items[resource_type, row.resource_id] = known_of(row)
            yield row.resource_id

    def grants_in(self, bounds: Bounds, after: str | None) -> Iterator[str]:
        """Ids of grants of whatever status, in the same way."""
        columns = GrantRow.__table__.c  # type: ignore[attr-defined]
        for row in self._in_order(columns, columns.id, and_(true(), *_within(columns, bounds)), after):
            self._items["grant", row.id] = {"client_id": row.client_id, "practice_id": row.practice_id}
            yield row.id

    def _in_order(
        self, columns: Any, name: ColumnElement[str], bounded: ColumnElement[bool], after: str | None
    ) -> Iterator[Any]:
        while True:
            behind = true() if after is None else name > after
            now, then = (select.order_by(name).limit(_CHUNK) for select in held(columns, bounded, behind))
            rows = self.rows.select(now, then)
            yield from rows
            if len(rows) < _CHUNK:
                return
            after = getattr(rows[-1], name.key or "")


def _within(columns: Any, bounds: Bounds) -> Iterator[ColumnElement[bool]]:
    if bounds.practice_id is not None:
        yield columns.practice_id == bounds.practice_id
    if bounds.client_ids is not None:
        yield columns.client_id.in_(bounds.client_ids)
