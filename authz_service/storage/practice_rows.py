"""Everything that decisions about a practice's families read, in a handful of statements instead of some for each."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select, true

from authz_service.facts.rows import Account, Client, EmergencyAccess
from authz_service.facts.snapshot import Snapshot
from authz_service.storage.reading import grant_of, held, known_of, switches_of
from models.tables import access as tables
from models.vocabulary import SelfManaging

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Row

    from authz_service.facts.rows import Grant
    from authz_service.storage.reading import Reading
    from models.tables.access import History

_NAMED_MAX = 500  # More clients than this are told from the others when their rows have come.


def read_practice(rows: Reading, practice_id: str, client_ids: Iterable[str] | None = None) -> Snapshot | None:
    """The practice with its clients (or only these), their grants, and who holds them; None for an unknown practice.

    Of its items nothing is read: `read_items` does.
    """
    practice = rows.practice(practice_id)
    if practice is None:
        return None
    wanted = None if client_ids is None else tuple(sorted(set(client_ids)))
    switches: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in _among(rows, tables.ClientSwitchRow, practice_id, "client_id", wanted):
        switches[row.client_id].append(row)
    grants = _among(rows, tables.GrantRow, practice_id, "client_id", wanted)
    return Snapshot(
        practices=[practice],
        clients=[
            Client(
                id=row.id,
                practice_id=row.practice_id,
                born=row.born,
                self_managing=SelfManaging(row.self_managing),
                assent=row.assent,
                active=row.active,
                switches=switches_of(switches.get(row.id, ())),
                version=row.version,
            )
            for row in _among(rows, tables.ClientRow, practice_id, "id", wanted)
        ],
        accounts=[Account(row.id, row.state) for row in _holders(rows, practice_id)],
        staff=rows.staff(practice_id),
        grants=map(grant_of, grants),
        withheld=[
            (row.account_id, row.client_id, row.resource_type, row.resource_id)
            for row in _among(rows, tables.WithholdRow, practice_id, "client_id", wanted)
        ],
        blocks=[
            (row.account_id, row.client_id) for row in _among(rows, tables.BlockRow, practice_id, "client_id", wanted)
        ],
        emergencies=[
            EmergencyAccess(row.staff_id, row.client_id, row.starts_at, row.until_at)
            for row in _among(rows, tables.EmergencyAccessRow, practice_id, "client_id", wanted)
        ],
    )


def grants_of_practice(
    rows: Reading, practice_id: str, kinds: Iterable[str], after: str, limit: int
) -> tuple[Grant, ...]:
    """Grants of the practice of these kinds, of whatever status, in the database's order of id, behind `after`."""
    columns = tables.GrantRow.__table__.c  # type: ignore[attr-defined]
    own = and_(columns.practice_id == practice_id, columns.kind.in_(sorted(kinds)), columns.id > after)
    now, then = (wanted.order_by(columns.id).limit(limit) for wanted in held(columns, own))
    return tuple(map(grant_of, rows.select(now, then)))


def read_items(
    rows: Reading, practice_id: str, types: Iterable[str], client_ids: Iterable[str]
) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    """Of each client the registered items of these types: type, id, raw properties; in order of id."""
    wanted = frozenset(client_ids)
    columns = tables.ResourceRow.__table__.c  # type: ignore[attr-defined]
    condition = and_(columns.practice_id == practice_id, columns.resource_type.in_(sorted(types)))
    if len(wanted) <= _NAMED_MAX:
        condition = and_(condition, columns.client_id.in_(sorted(wanted)))
    found: dict[str, list[tuple[str, str, dict[str, Any]]]] = defaultdict(list)
    for row in sorted(rows.select(*held(columns, condition)), key=lambda row: str(row.resource_id)):
        if row.client_id in wanted:
            found[row.client_id].append((row.resource_type, row.resource_id, known_of(row)))
    return found


def _among(
    rows: Reading, table: type[History], practice_id: str, name: str, wanted: tuple[str, ...] | None
) -> Sequence[Row[Any]]:
    columns = table.__table__.c  # type: ignore[attr-defined]
    limit: ColumnElement[bool] = true() if wanted is None else columns[name].in_(wanted)
    return rows.select(*held(columns, columns.practice_id == practice_id, limit))


def _holders(rows: Reading, practice_id: str) -> Sequence[Row[Any]]:
    columns = tables.AccountRow.__table__.c  # type: ignore[attr-defined]
    grants = tables.GrantRow.__table__.c  # type: ignore[attr-defined]
    holding = select(grants.account_id).where(grants.practice_id == practice_id)
    return rows.select(*held(columns, columns.id.in_(holding)))
