"""Recorded decisions as they are read for a replay: the newest first, a page at a time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from sqlalchemy import and_, func, or_, select, tuple_

from authz_service.trail.chain import EVERYTHING
from authz_service.trail.records import ITEM_FIELDS
from models.tables.access import GrantRow
from models.tables.trail import RECORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection

    from authz_service.storage import Database

PAGE = 1_000
_KEPT = 20_000
# A decision reads its rows at most so long after the instant it is recorded at; clocks of machines differ, too.
_MARGIN_SECONDS = 60
_C = RECORDS.c
_ORDER = (_C.chain, _C.number, _C.position, _C.item)
_NAMES = ("subject_type", "subject_id", "action", "resource_type", "resource_id", "client_id", "decision", "facts")
(
    _SUBJECT_TYPE,
    _SUBJECT_ID,
    _ACTION,
    _RESOURCE_TYPE,
    _RESOURCE_ID,
    _CLIENT_ID,
    _DECISION,
    _FACTS,
    _ERROR,
    _AT,
) = map(ITEM_FIELDS.index, (*_NAMES, "error", "at"))


@dataclass(frozen=True, slots=True)
class Range:
    """Which decisions: of [since, until) in microseconds since the epoch, of these practices; None does not limit."""

    since: int | None = None
    until: int | None = None
    practices: Collection[str] | None = None


class Recorded(NamedTuple):
    """One recorded decision. `facts` are the abbreviated situations that were asked, one for each grant."""

    place: tuple[str, int, int, int]
    at: int  # microseconds since the epoch
    bundle: str
    subject_type: str
    subject_id: str
    action: str
    resource_type: str
    resource_id: str | None
    client_id: str | None
    allowed: bool
    facts: tuple[str, ...]
    error: str | None
    what_if: bool

    @property
    def id(self) -> str:
        """The record's id, as the trail gives it."""
        return ":".join(map(str, self.place))

    @property
    def is_list(self) -> bool:
        """Whether it was asked of all items of the type, not of one."""
        return self.resource_id is None


def count_recorded(database: Database, wanted: Range) -> int:
    """How many decisions there are, what-if questions included."""
    with database.reading(EVERYTHING) as connection:
        return connection.scalar(select(func.count()).select_from(RECORDS).where(*_within(wanted))) or 0


def pages(database: Database, wanted: Range) -> Iterator[list[Recorded]]:
    """The decisions, page by page, each page in a transaction of its own."""
    place: tuple[int, tuple[str, int, int, int]] | None = None
    while True:
        query = select(_C.at, *_ORDER, _C.body).where(*_within(wanted))
        if place is not None:
            query = query.where(_C.at <= place[0], or_(_C.at < place[0], tuple_(*_ORDER) > tuple_(*place[1])))
        with database.reading(EVERYTHING) as connection:
            rows = connection.execute(query.order_by(_C.at.desc(), *_ORDER).limit(PAGE)).all()
            found = _read(connection, rows)
        if found:
            yield found
        if len(rows) < PAGE:
            return
        place = rows[-1][0], rows[-1][1:5]


def legend_of(database: Database, bundle: str) -> dict[str, Any] | None:
    """How the facts of a bundle are abbreviated; None when the trail does not say."""
    query = select(_C.body).where(_C.type == "legend", _C.resource_id == bundle).limit(1)
    with database.reading(EVERYTHING) as connection:
        body = connection.scalar(query)
    return None if body is None else dict(orjson.loads(body))


class GrantHistory:
    """How many grants an account held on a client around an instant."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[tuple[str, str], list[tuple[str, int, int | None]]] = OrderedDict()

    def count(self, account_id: str, client_id: str, at: int) -> int:
        """Of whatever status; `at` in microseconds. One that came or went about then is counted, too."""
        margin = _MARGIN_SECONDS * 1_000_000
        return len(
            {
                grant_id
                for grant_id, since, until in self._held(account_id, client_id)
                if since <= at + margin and (until is None or until >= at - margin)
            }
        )

    def _held(self, account_id: str, client_id: str) -> list[tuple[str, int, int | None]]:
        key = (account_id, client_id)
        found = self._known.get(key)
        if found is None:
            c = GrantRow.__table__.c  # type: ignore[attr-defined]
            query = select(c.id, c.valid_from, c.valid_to).where(c.account_id == account_id, c.client_id == client_id)
            with self._database.reading(EVERYTHING) as connection:
                found = [(row.id, _us(row.valid_from), _us(row.valid_to)) for row in connection.execute(query)]
            self._known[key] = found
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found


def _within(wanted: Range) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [_C.type == "decision"]
    if wanted.since is not None:
        conditions.append(_C.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(_C.at < wanted.until)
    if wanted.practices is not None:
        conditions.append(_C.practice_id.in_(sorted(wanted.practices)))
    return conditions


def _read(connection: Connection, rows: Sequence[Any]) -> list[Recorded]:
    """Of rows of (at, chain, number, position, item, body): a column by its name would cost as much as all the rest."""
    bodies = {row[1:4]: orjson.loads(row[5]) for row in rows if row[5] is not None}
    elsewhere = sorted({row[1:4] for row in rows} - bodies.keys())
    if elsewhere:  # Items of a batch whose first one is of another page, or of another practice.
        query = select(*_ORDER[:3], _C.body).where(and_(_C.item == 0, tuple_(*_ORDER[:3]).in_(elsewhere)))
        bodies |= {row[:3]: orjson.loads(row[3]) for row in connection.execute(query)}
    return [_recorded(row, bodies[row[1:4]]) for row in rows]


def _recorded(row: Any, body: dict[str, Any]) -> Recorded:
    place = row[1:5]
    item = body["items"][place[3]]
    facts = item[_FACTS]
    return Recorded(
        place=place,
        at=row[0],
        bundle=body["bundle"],
        subject_type=item[_SUBJECT_TYPE],
        subject_id=item[_SUBJECT_ID],
        action=item[_ACTION],
        resource_type=item[_RESOURCE_TYPE],
        resource_id=item[_RESOURCE_ID],
        client_id=item[_CLIENT_ID],
        allowed=bool(item[_DECISION]),
        facts=tuple(facts.split(" ")) if facts else (),
        error=item[_ERROR],
        what_if=item[_AT] is not None,
    )


def _us(instant: Any) -> Any:
    return None if instant is None else int(instant.timestamp() * 1_000_000)
