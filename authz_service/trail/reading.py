"""The trail as it is read: the newest first, filtered, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import and_, func, or_, select, tuple_

from authz_service.trail.legend import spell_out
from authz_service.trail.records import ITEM_FIELDS
from models.tables.trail import RECORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

SHOWN = ("decision", "change", "event")
_PLACES_AT_ONCE = 500
_NUMBER_MAX = 2**31 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = (RECORDS.c.at, RECORDS.c.chain, RECORDS.c.number, RECORDS.c.position, RECORDS.c.item)
Place = tuple[int, str, int, int, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: None leaves a filter out. `since` and `until` are microseconds since the epoch, [since, until)."""

    account_id: str | None = None
    client_id: str | None = None
    subject: str | None = None
    kinds: Collection[str] = SHOWN  # of decision, change and event
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
        query = query.where(RECORDS.c.at <= before[0], _before(before))
    rows = connection.execute(query.order_by(*(column.desc() for column in _PLACE)).limit(limit + 1)).all()
    page = rows[:limit]
    more = len(rows) > limit
    return read_entries(connection, page), tuple(page[-1]._mapping[column] for column in _PLACE) if more else None  # noqa: SLF001


def find_record(connection: Connection, record_id: str) -> dict[str, Any] | None:
    """The entry of an id, as `find_records` gave it; None when there is none."""
    chain, *numbers = record_id.rsplit(":", 3)
    readable = all(each.isascii() and each.isdigit() and len(each) < 20 for each in numbers)
    if len(numbers) != len(_PLACE) - 2 or not readable:
        return None
    place = dict(zip(("number", "position", "item"), (int(each) for each in numbers), strict=True))
    if any(each > _NUMBER_MAX for each in place.values()):
        return None
    c = RECORDS.c
    query = select(RECORDS).where(
        c.chain == chain, c.type.in_(SHOWN), *(c[name] == each for name, each in place.items())
    )
    found = read_entries(connection, connection.execute(query).all())
    return found[0] if found else None


def read_entries(connection: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Rows of records as entries."""
    bodies = _bodies(connection, rows)
    legends = _legends(connection, {body["bundle"] for body in bodies.values() if "items" in body})
    return [_entry(row, bodies[row.chain, row.number, row.position], legends) for row in rows]


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    c = RECORDS.c
    conditions: list[ColumnElement[bool]] = [c.type.in_(sorted(wanted.kinds))]
    if "decision" not in wanted.kinds:
        conditions.append(c.type != "decision")  # In the words of the index for what is no decision.
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
        # Beside what names one person, client or item a practice tells little, so its index must not be taken for it.
        names_one = any((wanted.account_id, wanted.client_id, wanted.subject, wanted.resource_id))
        practice = func.coalesce(c.practice_id, "") if names_one else c.practice_id
        conditions.append(practice.in_(sorted(wanted.practices)))
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
    places = sorted(wanted)
    c = RECORDS.c
    for start in range(0, len(places), _PLACES_AT_ONCE):
        query = select(c.chain, c.number, c.position, c.body).where(
            c.item == 0, tuple_(c.chain, c.number, c.position).in_(places[start : start + _PLACES_AT_ONCE])
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
        "at": instant_of(row.at),
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
        extra = ("bundle", "reason", "before", "after", "details", "happened_at")
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


def instant_of(microseconds: int) -> str:
    """A time of the trail in RFC 3339."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
