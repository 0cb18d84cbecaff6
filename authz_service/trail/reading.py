"""The trail as it is read: the newest first, filtered, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import and_, or_, select, tuple_

from authz_service.trail.legend import spell_out
from authz_service.trail.records import ITEM_FIELDS
from models.tables.trail import RECORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

SHOWN = ("decision", "change", "event")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = (RECORDS.c.at, RECORDS.c.chain, RECORDS.c.number, RECORDS.c.position, RECORDS.c.item)
Place = tuple[int, str, int, int, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: None leaves a filter out. `since` and `until` are microseconds since the epoch, [since, until)."""

    account_id: str | None = None
    client_id: str | None = None
    subject: str | None = None
    kind: str | None = None  # decision, change or event
    resource_type: str | None = None
    resource_id: str | None = None
    request_id: str | None = None
    action: str | None = None
    decision: bool | None = None
    since: int | None = None
    until: int | None = None
    practices: Collection[str] | None = None  # only these, and none without a practice


def find_records(
    connection: Connection, wanted: Wanted, limit: int, before: Place | None = None
) -> tuple[list[dict[str, Any]], Place | None]:
    """A page of entries, and the place from which the next page goes on."""
    query = select(RECORDS).where(and_(*_conditions(wanted)))
    if before is not None:
        query = query.where(_before(before))
    rows = connection.execute(query.order_by(*(column.desc() for column in _PLACE)).limit(limit + 1)).all()
    page = rows[:limit]
    bodies = _bodies(connection, page)
    legends = _legends(connection, {body["bundle"] for body in bodies.values() if "items" in body})
    entries = [_entry(row, bodies[row.chain, row.number, row.position], legends) for row in page]
    more = len(rows) > limit
    return entries, tuple(page[-1]._mapping[column] for column in _PLACE) if more else None  # noqa: SLF001


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    c = RECORDS.c
    conditions: list[ColumnElement[bool]] = [c.type.in_(SHOWN) if wanted.kind is None else c.type == wanted.kind]
    for name in ("account_id", "client_id", "subject", "resource_type", "resource_id", "request_id", "action"):
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(c[name] == value)
    if wanted.decision is not None:
        conditions.append(c.decision.is_(wanted.decision))
    if wanted.since is not None:
        conditions.append(c.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(c.at < wanted.until)
    if wanted.practices is not None:
        conditions.append(c.practice_id.in_(sorted(wanted.practices)))
    return conditions


def _before(place: Place) -> ColumnElement[bool]:
    alternatives = []
    for depth, column in enumerate(_PLACE):
        same = [earlier == value for earlier, value in zip(_PLACE[:depth], place, strict=False)]
        alternatives.append(and_(*same, column < place[depth]))
    return or_(*alternatives)


def _bodies(connection: Connection, rows: Sequence[Row[Any]]) -> dict[tuple[str, int, int], dict[str, Any]]:
    found = {(r.chain, r.number, r.position): orjson.loads(r.body) for r in rows if r.body is not None}
    wanted = {(r.chain, r.number, r.position) for r in rows} - found.keys()
    if wanted:
        c = RECORDS.c
        query = select(c.chain, c.number, c.position, c.body).where(
            c.item == 0, tuple_(c.chain, c.number, c.position).in_(sorted(wanted))
        )
        for row in connection.execute(query):
            found[row.chain, row.number, row.position] = orjson.loads(row.body)
    return found


def _legends(connection: Connection, bundles: set[str]) -> dict[str, dict[str, Any]]:
    query = select(RECORDS.c.resource_id, RECORDS.c.body).where(
        RECORDS.c.type == "legend", RECORDS.c.resource_id.in_(sorted(bundles))
    )
    return {row.resource_id: orjson.loads(row.body) for row in connection.execute(query)} if bundles else {}


def _entry(row: Row[Any], body: dict[str, Any], legends: dict[str, dict[str, Any]]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": f"{row.chain}:{row.number}:{row.position}:{row.item}",
        "type": row.type,
        "at": _instant(row.at),
        "request_id": row.request_id,
        "caller": row.caller,
        "subject": row.subject,
        "account_id": row.account_id,
        "client_id": row.client_id,
        "practice_id": row.practice_id,
        "action": row.action,
        "resource": None if row.resource_type is None else {"type": row.resource_type, "id": row.resource_id},
        "decision": row.decision,
    }
    if "items" not in body:
        extra = ("reason", "before", "after", "details", "happened_at")
        return entry | {name: body[name] for name in extra if body.get(name) is not None}
    item = dict(zip(ITEM_FIELDS, body["items"][row.item], strict=False))
    legend = legends.get(body["bundle"])
    entry["bundle"] = body["bundle"]
    entry["grant_id"] = item["grant_id"]
    entry["what_if"] = item["at"]
    if item["error"] is not None:
        entry["error"] = item["error"]
    if legend is not None:
        texts = item["facts"].split(" ") if item["facts"] else []
        entry["situations"] = [spell_out(legend, item["subject_type"], item["resource_type"], each) for each in texts]
    return entry


def _instant(microseconds: int) -> str:
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
