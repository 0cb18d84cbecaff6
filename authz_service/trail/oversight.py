"""What the trail tells about one client or one emergency access: disclosures, refusals, reads.

A question is not always a look: the portal asks before it announces something, and staff ask what a family would see.
So what counts as a person's own is only what was asked in a request in which no staff member was asked about, and not
by the portal's background work (whose request ids begin with `background:`, which no browser can send).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from authz_service.trail.reading import read_entries
from models.tables.access import GrantRow
from models.tables.trail import RECORDS
from models.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

BACKGROUND = "background:"
OUT_OF_REACH = "the token does not cover the practice"  # why a question is denied that is none of the caller's
ROWS_MAX = 200_000  # of one client in one period
DENIALS_MAX = 20_000
READS_MAX = 20_000
RELEASES = ("document.disclosed", "document.released.opened")
# What content a person was shown or given; messages are their own writing, and the calendar and invoices lists.
_CONTENT = ("document", "form", "invoice", "service_plan", "clinical_note", "treatment_plan")
_GIVING = ("view", "download", "print")
# Whom the law treats as the client, as far as the representation goes: 45 CFR 164.502(g).
_REPRESENTATIVES = frozenset({Kind.GUARDIAN.value, Kind.ADULT_PROXY.value, Kind.CASEWORKER.value})
# What emergency access opens; a list over all clients of one of these may have shown the client too.
_OPENED = (
    "profile",
    "calendar",
    "appointment",
    "document",
    "form",
    "service_plan",
    "clinical_note",
    "treatment_plan",
)
_C = RECORDS.c


@dataclass(slots=True)
class Given:
    """What an account was shown or given of one item in a period; times in microseconds."""

    account_id: str
    action: str
    resource_type: str
    resource_id: str
    kinds: tuple[str, ...]
    first: int
    last: int
    count: int = 0
    release: str | None = None

    @property
    def standing(self) -> str:
        """Whether the law treats the person as the client: `representative`, or `other`."""
        return "representative" if _REPRESENTATIVES & set(self.kinds) else "other"


@dataclass(slots=True)
class Refused:
    """The refusals of one question to an account in a period, with the newest of their entries."""

    entry: dict[str, Any]
    first: int
    last: int
    count: int = 1
    subject_type: str = field(default="account")


def disclosures(
    connection: Connection, practice_id: str, client_id: str, since: int, until: int
) -> tuple[list[Given], bool]:
    """Everything given of a practice's client to others in [since, until), the newest first; and whether that is all.

    What another practice's system entered about the client is no record of this one.
    """
    own = _of_client(practice_id, client_id, since, until)
    columns = (_C.at, _C.request_id, _C.account_id, _C.action, _C.resource_type, _C.resource_id)
    query = select(*columns).where(
        *own,
        _C.type == "decision",
        _C.decision.is_(True),
        _C.what_if.is_(False),
        _C.account_id.is_not(None),
        _C.resource_id.is_not(None),
        _C.resource_type.in_(_CONTENT),
        _C.action.in_(_GIVING),
    )
    rows = connection.execute(query.order_by(_C.at).limit(ROWS_MAX + 1)).all()
    others = _others_requests(connection, own)
    kinds = _kinds(connection, client_id)
    given: dict[tuple[str, ...], Given] = {}
    for row in _looks(row for row in rows[:ROWS_MAX] if not _is_others(row.request_id, others)):
        _add(given, row, kinds)
    released = select(RECORDS).where(*own, _C.type == "event", _C.action.in_(RELEASES)).order_by(_C.at)
    found = list(given.values())
    for entry, row in _with_entries(connection, connection.execute(released.limit(ROWS_MAX)).all()):
        held = _held(kinds, row.account_id, row.at, row.at)
        if row.account_id is not None and Kind.SELF.value not in held:
            release = entry.get("details", {}).get("release")
            what = (row.account_id, row.action, row.resource_type, row.resource_id)
            found.append(Given(*what, held, row.at, row.at, 1, release))
    return sorted(found, key=lambda one: one.last, reverse=True), len(rows) <= ROWS_MAX


def denials(
    connection: Connection, practice_id: str, client_id: str, since: int, until: int
) -> tuple[list[Refused], bool]:
    """What people were refused about a client in [since, until), the newest first; and whether that is all."""
    own = _of_client(practice_id, client_id, since, until)
    query = select(RECORDS).where(
        *own,
        _C.type == "decision",
        _C.decision.is_(False),
        _C.what_if.is_(False),
        _C.account_id.is_not(None),
    )
    rows = connection.execute(query.order_by(_C.at.desc()).limit(DENIALS_MAX + 1)).all()
    others = _others_requests(connection, own)
    found: dict[tuple[Any, ...], Refused] = {}
    mine = [row for row in rows[:DENIALS_MAX] if not _is_others(row.request_id, others)]
    for entry, row in _with_entries(connection, mine):
        if entry.get("error") == OUT_OF_REACH:  # Another practice's system was refused, not the person it named.
            continue
        facts = repr(entry.get("situations"))
        key = (row.account_id, row.action, row.resource_type, row.resource_id, entry.get("bundle"), facts)
        known = found.get(key)
        if known is None:
            found[key] = Refused(entry, row.at, row.at)
        else:
            known.first, known.count = min(known.first, row.at), known.count + 1
    return sorted(found.values(), key=lambda one: one.last, reverse=True), len(rows) <= DENIALS_MAX


def emergency_reads(
    connection: Connection, staff_id: str, client_id: str, since: int, until: int
) -> tuple[list[dict[str, Any]], bool]:
    """What the holder of emergency access was allowed under it, the oldest first; and whether that is all.

    `until` is when it would have ended by itself: what was asked just before an earlier end, and answered, is found by
    the fact that was recorded. Lists and searches over all clients are listed too: they may have shown this one.
    """
    over_all = and_(_C.client_id.is_(None), _C.resource_id.is_(None), _C.resource_type.in_(_OPENED))
    query = select(RECORDS).where(
        _C.subject == f"staff/{staff_id}",
        _C.at >= since,
        _C.at < until,
        or_(_C.client_id == client_id, over_all),
        or_(_C.type == "event", and_(_C.type == "decision", _C.decision.is_(True), _C.what_if.is_(False))),
    )
    order = (_C.at, _C.chain, _C.number, _C.position, _C.item)
    rows = connection.execute(query.order_by(*order).limit(READS_MAX + 1)).all()
    found = read_entries(connection, rows[:READS_MAX])
    return [entry for entry in found if _is_under_emergency(entry)], len(rows) <= READS_MAX


def _is_under_emergency(entry: Mapping[str, Any]) -> bool:
    if entry["type"] == "event":
        return entry["resource"] is not None and entry["resource"]["type"] in _OPENED
    if entry["resource"]["type"] not in _OPENED or entry["action"] not in ("view", "download"):
        return False  # What its holder may by their own right: the rule opens nothing else.
    # Without the legend of the facts nobody can tell, so it is listed.
    known = entry.get("situations")
    return entry["client_id"] is None or known is None or any(facts.get("subject.emergency", False) for facts in known)


def _of_client(practice_id: str, client_id: str, since: int, until: int) -> tuple[Any, ...]:
    return (_C.client_id == client_id, _C.practice_id == practice_id, _C.at >= since, _C.at < until)


def _others_requests(connection: Connection, own: tuple[Any, ...]) -> frozenset[str]:
    """Requests in which a staff member was asked about: what they ask about a family is no look of the family."""
    query = select(_C.request_id).distinct().where(*own, _C.subject.like("staff/%"), _C.request_id.is_not(None))
    return frozenset(row.request_id for row in connection.execute(query))


def _is_others(request_id: str | None, others: Collection[str]) -> bool:
    return request_id is not None and (request_id in others or request_id.startswith(BACKGROUND))


def _looks(rows: Iterable[Any]) -> list[Any]:
    """One row for each request and item: a page that shows an item asks about its buttons, too."""
    asked: dict[tuple[Any, ...], Any] = {}
    for row in rows:
        key: tuple[Any, ...] = (row.request_id, row.account_id, row.resource_type, row.resource_id)
        if row.request_id is None:
            key = (len(asked),)
        if key not in asked or row.action == "view":
            asked[key] = row
    return list(asked.values())


def _add(given: dict[tuple[str, ...], Given], row: Any, kinds: Mapping[str, Sequence[Any]]) -> None:
    what = (row.account_id, row.action, row.resource_type, row.resource_id)
    known = given.get(what)
    if known is None:
        held = _held(kinds, row.account_id, row.at, row.at)
        if Kind.SELF.value in held:
            return
        known = given[what] = Given(*what, held, row.at, row.at)
    known.last, known.count = row.at, known.count + 1


def _kinds(connection: Connection, client_id: str) -> dict[str, list[Any]]:
    """Every grant that was ever held on the client, by account."""
    c = GrantRow.__table__.c  # type: ignore[attr-defined]
    found: dict[str, list[Any]] = defaultdict(list)
    query = select(c.account_id, c.kind, c.valid_from, c.valid_to).where(c.client_id == client_id)
    for row in connection.execute(query):
        found[row.account_id].append(row)
    return found


def _held(kinds: Mapping[str, Sequence[Any]], account_id: str | None, since: int, until: int) -> tuple[str, ...]:
    """What the account was to the client in that time; at the latest known where the records begin later."""
    rows = kinds.get(account_id or "", ())
    held = {
        row.kind
        for row in rows
        if _us(row.valid_from) <= until and (row.valid_to is None or _us(row.valid_to) >= since)
    }
    return tuple(sorted(held or {row.kind for row in rows}))


def _us(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000_000)


def _with_entries(connection: Connection, rows: Sequence[Row[Any]]) -> list[tuple[dict[str, Any], Row[Any]]]:
    return list(zip(read_entries(connection, rows), rows, strict=True))
