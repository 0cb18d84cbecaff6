"""Who could see and do what at an instant, from history, and who had set what made it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from authz_service.commands.errors import ForbiddenError, InvalidError, NotFoundError
from authz_service.facts.comparison import State
from authz_service.facts.snapshot import Snapshot
from authz_service.storage.practice_rows import read_items, read_practice
from models.tables import access as tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from authz_service.commands.acting import Acting
    from authz_service.facts.comparison import Comparison, Right
    from authz_service.facts.rows import Grant

_NOBODY = Snapshot(practices=())
_HISTORY = frozenset(tables.History.model_fields)


@dataclass(frozen=True, slots=True)
class Set:
    """One setting that held: what it is about, what it said, who had set it, when and why."""

    what: str  # practice, practice_switch, client, client_switch, grant, withhold, block
    account_id: str | None
    grant_id: str | None
    values: Mapping[str, Any]
    set_by: str
    set_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """What an account could do towards the client; the grants are those that it held, of whatever status."""

    account_id: str
    grants: tuple[Grant, ...]
    rights: tuple[Right, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """The client's access as it was: everyone with a grant, in order of account, and everything that was set."""

    people: tuple[Person, ...]
    settings: tuple[Set, ...]


def who_could(
    acting: Acting,
    comparison: Comparison,
    now: datetime,
    client_id: str,
    *,
    at: datetime,
    item: tuple[str, str] | None = None,
) -> Past:
    """Who could do what with the client's items at the instant, or with one of them (type, id).

    Past instants are read from history, coming ones from today's rows. Who set a safety block, and why, is told to
    whoever may see blocks. Raises NotFoundError for a client or item that there was not then, InvalidError for a type
    that there is not, ForbiddenError for whoever may not see the grants.
    """
    practice_id = acting.client(client_id).practice_id
    if item is not None and item[0] not in acting.decider.policy.resource_types:
        raise InvalidError({"type": f"{item[0][:40]!r} is no type of item"})
    with acting.store.reading(acting.practices) as rows:
        owners = {"practice_id": practice_id, "client_id": client_id}
        decision = acting.decide_on(rows, now, "view", ("grant", "all"), owners)
        if decision is None or not decision.allowed:
            raise ForbiddenError(acting.origin.actor, "view", ("grant", "all"), (practice_id, client_id), decision)
        blocks = acting.decide_on(rows, now, "view", ("block", "all"), owners)
    with acting.store.reading(acting.practices, at) as rows:
        snapshot = read_practice(rows, practice_id, [client_id])
        if snapshot is None or snapshot.client(client_id) is None:
            raise NotFoundError("client at that time")
        items = [] if item is None else _one(rows.registered(*item), client_id, item)
        found = comparison.compare(
            State(_NOBODY, at),
            State(snapshot, at),
            sorted({(grant.account_id, client_id) for grant in snapshot.grants.values()}),
            lambda types, clients: {client_id: items} if item else read_items(rows, practice_id, types, clients),
        )
    with acting.store.database.reading(acting.practices) as connection:
        held = _settings(connection, min(at, now), practice_id, client_id, item)
        tells_blocks = blocks is not None and blocks.allowed
        settings = tuple(each for each in held if tells_blocks or each.what != "block")
    rights = {each.account_id: each.gains for each in found}
    people = {grant.account_id for grant in snapshot.grants.values()}
    return Past(
        tuple(
            Person(
                account_id,
                tuple(grant for grant in snapshot.grants.values() if grant.account_id == account_id),
                tuple(
                    right
                    for right in rights.get(account_id, ())
                    if item is None or (right.resource_type, right.resource_id) == item
                ),
            )
            for account_id in sorted(people)
        ),
        settings,
    )


def _one(
    known: Mapping[str, Any] | None, client_id: str, item: tuple[str, str]
) -> list[tuple[str, str, Mapping[str, Any]]]:
    if known is None or known.get("client_id") != client_id:
        raise NotFoundError(f"{item[0]} of this client at that time")
    return [(*item, known)]


def _settings(
    connection: Connection, at: datetime, practice_id: str, client_id: str, item: tuple[str, str] | None
) -> Iterator[Set]:
    """The rows that held at the instant, the practice's first; the switches and withholds only where they say no."""
    wanted: tuple[tuple[str, type[tables.History], dict[str, str]], ...] = (
        ("practice", tables.PracticeRow, {"practice_id": practice_id}),
        ("practice_switch", tables.PracticeSwitchRow, {"practice_id": practice_id}),
        ("client", tables.ClientRow, {"id": client_id}),
        ("client_switch", tables.ClientSwitchRow, {"client_id": client_id}),
        ("grant", tables.GrantRow, {"client_id": client_id}),
        ("withhold", tables.WithholdRow, {"client_id": client_id}),
        ("block", tables.BlockRow, {"client_id": client_id}),
    )
    for what, table, owners in wanted:
        for row in _held(connection, table, owners, at):
            values = {name: value for name, value in row._mapping.items() if name not in _HISTORY}  # noqa: SLF001
            if values.get("is_on") or (what == "withhold" and item and (row.resource_type, row.resource_id) != item):
                continue
            grant_id = row.id if what == "grant" else None
            account_id = values.get("account_id")
            yield Set(what, account_id, grant_id, values, row.changed_by, row.valid_from, row.reason)


def _held(
    connection: Connection, table: type[tables.History], owners: Mapping[str, str], at: datetime
) -> list[Row[Any]]:
    columns = table.__table__.c  # type: ignore[attr-defined]
    mine = (columns[name] == value for name, value in owners.items())
    valid = and_(columns.valid_from <= at, or_(columns.valid_to.is_(None), columns.valid_to > at))
    return list(connection.execute(select(*columns).where(*mine, valid).order_by(columns.key)))
