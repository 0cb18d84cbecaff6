"""Events of the trail that tell of a change of the records: written in its transaction, and carried over afterwards.

So neither happens without the other. What only shows something is told to the service itself, before it is shown.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from structlog.contextvars import get_contextvars

from models.tables.events import WaitingEvent
from models.trail_events import EVENTS
from models.vocabulary import SubjectType
from models.wire.trail import Event

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlmodel import Session

    from gateway.edge.reader import Reader
    from models.tables.records import Item

WAITING = "events_waiting"  # in the info of a session that wrote one


def enter_event(session: Session, event: Mapping[str, Any], *, at: datetime, once: str | None = None) -> None:
    """Have the trail told of what this transaction does; of what is the same `once` it is told one time.

    ValueError for an event that it would not take.
    """
    if event["action"] not in EVENTS:
        raise ValueError(f"{event['action']} is no event of models/trail_events.py: enter it there")
    known = {name: value for name, value in event.items() if value is not None}
    event_id = secrets.token_hex(16) if once is None else one_time_id(event["action"], once)
    request_id = get_contextvars().get("request_id")
    told = Event(**known, id=event_id, happened_at=at, request_id=request_id)
    session.add(
        WaitingEvent(
            practice_id=session.info["practice_id"],
            event=told.model_dump(mode="json", exclude_none=True),
            happened_at=at,
        )
    )
    session.info[WAITING] = True


def one_time_id(action: str, once: str) -> str:
    """The id of an event that can come about only once."""
    return hashlib.sha256(f"{action} {once}".encode()).hexdigest()


def event_by(
    reader: Reader,
    action: str,
    row: Item | None = None,
    *,
    account_id: str | None = None,
    details: Mapping[str, str | int | bool | None] | None = None,
) -> dict[str, Any]:
    """What a reader did, to an item where there is one; `account_id` when it is about another's account."""
    own = reader.id if reader.type is SubjectType.ACCOUNT else None
    return {
        "action": action,
        "actor": reader.actor,
        "account_id": account_id or own,
        "client_id": None if row is None else row.client_id,
        "practice_id": reader.practice_id if row is None else row.practice_id,
        "resource": None if row is None else {"type": str(row.__tablename__), "id": row.id},
        "details": None if details is None else dict(details),
    }
