"""Changes are recorded in their own transaction: what was not recorded was not done (promise 3)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from authz_service.trail.chain import GENESIS, link_hash
from models.tables.trail import GROUPS, HEADS, RECORDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Origin:
    """Whence a change came: the calling system, its request id, and who acts (`staff/jo`, `system/seed`)."""

    caller: str
    request_id: str
    actor: str


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
    """Adds the change to its practice's chain inside the session's transaction and returns the record's id.

    The head's row is locked until the transaction ends, so the chain has neither forks nor gaps.
    """
    chain = change_chain(change.practice_id)
    execute = session.connection().execute
    advanced = execute(update(HEADS).where(HEADS.c.chain == chain).values(number=HEADS.c.number + 1))
    if advanced.rowcount == 0:
        # Another transaction may begin the chain in the meantime.
        with suppress(IntegrityError), session.begin_nested():
            execute(insert(HEADS).values(chain=chain, practice_id=change.practice_id, number=0, hash=GENESIS))
        execute(update(HEADS).where(HEADS.c.chain == chain).values(number=HEADS.c.number + 1))
    number, previous = execute(select(HEADS.c.number, HEADS.c.hash).where(HEADS.c.chain == chain)).one()
    at = int(change.at.timestamp() * 1_000_000)
    body = orjson.dumps(
        {
            "type": "change",
            "at": at,
            "request_id": change.origin.request_id,
            "caller": change.origin.caller,
            "actor": change.origin.actor,
            "action": change.action,
            "resource": {"type": change.resource_type, "id": change.resource_id},
            "practice_id": change.practice_id,
            "client_id": change.client_id,
            "account_id": change.account_id,
            "before": change.before,
            "after": change.after,
            "reason": change.reason,
        }
    )
    digest = link_hash(previous, number, body)
    execute(
        insert(RECORDS).values(
            chain=chain,
            number=number,
            position=0,
            item=0,
            at=at,
            type="change",
            practice_id=change.practice_id,
            request_id=change.origin.request_id,
            caller=change.origin.caller,
            subject=change.origin.actor,
            account_id=change.account_id,
            client_id=change.client_id,
            action=change.action,
            resource_type=change.resource_type,
            resource_id=change.resource_id,
            decision=None,
            what_if=False,
            body=body.decode(),
        )
    )
    execute(insert(GROUPS).values(chain=chain, number=number, count=1, hash=digest))
    execute(update(HEADS).where(HEADS.c.chain == chain).values(hash=digest))
    return f"{chain}:{number}:0"
