"""Changes are recorded in their own transaction: what was not recorded was not done (promise 3)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from authz_service.trail.chain import GENESIS, link_hash
from authz_service.trail.records import rows_of
from authz_service.trail.segments import Link
from models.tables.trail import EVENTS, GROUPS, HEADS, RECORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Origin:
    """Whence a change came: the calling system, its request id, and who acts (`staff/jo`, `system/seed`).

    `bundle` is the digest of the policy that let them; None for what no policy decided.
    """

    caller: str
    request_id: str
    actor: str
    bundle: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the access data, as the trail keeps it.

    `action` is a word such as `grant.update`; `before` and `after` hold only what differs, as JSON values.
    """

    at: datetime  # aware
    origin: Origin
    action: str
    resource_type: str
    resource_id: str
    practice_id: str | None = None
    client_id: str | None = None
    account_id: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str | None = None


def change_chain(practice_id: str | None) -> str:
    """The chain that the changes of a practice (None: of no practice) are recorded in."""
    return f"changes.{practice_id or '-'}"


def record_change(session: Session, change: Change) -> str:
    """Adds the change to its practice's chain inside the session's transaction and returns the record's id."""
    return record_changes(session, (change,))[0]


def record_changes(session: Session, changes: Sequence[Change]) -> list[str]:
    """The same for one or more changes of one practice, in their order."""
    practice_id = changes[0].practice_id
    if any(change.practice_id != practice_id for change in changes):
        raise ValueError("the changes belong to several practices, which have a chain each")
    return _append(session, practice_id, [_body_of(change) for change in changes])


def record_event_once(session: Session, event_id: str, body: Mapping[str, Any]) -> bool:
    """Adds an event to its practice's chain, as `record_change` does; False when its caller sent this id before."""
    seen = {"caller": body["caller"], "id": event_id}
    execute = session.connection().execute
    if execute(select(EVENTS.c.id).filter_by(**seen)).first() is not None:
        return False
    execute(insert(EVENTS).values(**seen, at=body["at"]))
    _append(session, body.get("practice_id"), [body])
    return True


def _append(session: Session, practice_id: str | None, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
    """The head's row is locked until the transaction ends, so the chain has neither forks nor gaps."""
    chain = change_chain(practice_id)
    execute = session.connection().execute
    ahead = update(HEADS).where(HEADS.c.chain == chain).values(number=HEADS.c.number + len(bodies))
    if execute(ahead).rowcount == 0:
        # Another transaction may begin the chain in the meantime.
        with suppress(IntegrityError), session.begin_nested():
            execute(insert(HEADS).values(chain=chain, practice_id=practice_id, number=0, hash=GENESIS))
        execute(ahead)
    last, digest = execute(select(HEADS.c.number, HEADS.c.hash).where(HEADS.c.chain == chain)).one()
    records, groups = [], []
    for number, body in enumerate(bodies, last - len(bodies) + 1):
        record = orjson.dumps(body)
        digest = link_hash(digest, number, record)
        records += rows_of(Link(chain, number, digest), 0, record)
        groups.append({"chain": chain, "number": number, "count": 1, "hash": digest})
    execute(insert(RECORDS), records)
    execute(insert(GROUPS), groups)
    execute(update(HEADS).where(HEADS.c.chain == chain).values(hash=digest))
    return [f"{chain}:{group['number']}:0" for group in groups]


def _body_of(change: Change) -> dict[str, Any]:
    return {
        "type": "change",
        "at": int(change.at.timestamp() * 1_000_000),
        "request_id": change.origin.request_id,
        "caller": change.origin.caller,
        "actor": change.origin.actor,
        "bundle": change.origin.bundle,
        "action": change.action,
        "resource": {"type": change.resource_type, "id": change.resource_id},
        "practice_id": change.practice_id,
        "client_id": change.client_id,
        "account_id": change.account_id,
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
    }
