"""Emergency access over HTTP: start, end, list, what was read under it, and the sign-off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from authz_service.api.conduct import PAGE_MAX, acting_of, read_limit
from authz_service.api.oversight import event_of
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Parameter, Reply
from authz_service.api.trail import deciding_actor
from authz_service.commands import emergency as commands
from authz_service.storage.emergencies import Sought, emergencies, emergency
from authz_service.trail.oversight import emergency_reads
from models.tables.access import EmergencyAccessRow
from models.wire import emergency as wire

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from authz_service.api.routing import Call

QUERY = (
    Parameter("client", "Only those to this client."),
    Parameter("staff", "Only those of this staff member."),
    Parameter("open", "`true`: only those open now."),
    Parameter("reviewed", "`true` or `false`: only those that were, or were not, signed off."),
    Parameter("after", "The `next` of the page before."),
    Parameter("limit", "At most this many, up to 500."),
)
_FLAGS = {"true": True, "false": False, None: None}


def start(call: Call) -> Reply:
    """Opens emergency access to a client for whoever acts; 200 where the same is open already."""
    body = call.body(wire.NewEmergencyAccess)
    access_id, is_new = commands.start_emergency(acting_of(call), call.path["client_id"], body.reason, body.minutes)
    return Reply(_shown(call, access_id), 201 if is_new else 200, {"location": f"/v1/emergency-accesses/{access_id}"})


def end(call: Call) -> Reply:
    """Ends it at once."""
    access_id = call.path["access_id"]
    commands.end_emergency(acting_of(call), access_id)
    return Reply(_shown(call, access_id))


def review(call: Call) -> Reply:
    """Signs off what was read under it."""
    access_id = call.path["access_id"]
    commands.review_emergency(acting_of(call), access_id, call.body(wire.EmergencyReview).note)
    return Reply(_shown(call, access_id))


def show(call: Call) -> Reply:
    """One emergency access."""
    return Reply(_shown(call, call.path["access_id"]))


def list_of_practice(call: Call) -> Reply:
    """The emergency accesses of a practice, the newest first."""
    practice_id, query = call.path["practice_id"], call.query
    with call.service.store.reading(call.caller.practices) as rows:
        if rows.practice(practice_id) is None or not call.caller.may_reach(practice_id):
            raise ProblemError(404, "there is no such practice")
    limit = read_limit(call, PAGE_MAX)
    sought = Sought(
        practice_id,
        query.get("staff"),
        query.get("client"),
        open_at=call.now if _flag(call, "open") else None,
        reviewed=_flag(call, "reviewed"),
    )
    with call.service.store.database.reading(call.caller.practices) as connection:
        found = emergencies(connection, sought, limit + 1, query.get("after") or None)
    page = found[:limit]
    content = [_content(row, call.now) for row in page]
    return Reply({"emergency_accesses": content, "next": page[-1].id if len(found) > limit else ""})


def list_reads(call: Call) -> Reply:
    """Everything its holder was allowed under it."""
    practice_id = deciding_actor(call, "view", "emergency_access")
    row = _found(call, call.path["access_id"])
    if practice_id not in (None, row.practice_id):
        raise ProblemError(404, "there is no such emergency access")
    columns = EmergencyAccessRow.__table__.c  # type: ignore[attr-defined]
    call.service.loader.catch_up()
    with call.service.store.database.reading(call.caller.practices) as connection:
        planned = connection.execute(select(func.max(columns.until_at)).where(columns.id == row.id)).scalar_one()
        since, until = (int(each.timestamp() * 1_000_000) for each in (row.starts_at, planned))
        reads, complete = emergency_reads(connection, row.staff_id, row.client_id, since, until)
    record = event_of(call, "emergency_access.reads.read", {"emergency_access": row.id}, row.client_id)
    return Reply({"reads": reads, "complete": complete}, records=[record])


def _shown(call: Call, access_id: str) -> dict[str, Any]:
    return _content(_found(call, access_id), call.service.clock())


def _found(call: Call, access_id: str) -> Row[Any]:
    with call.service.store.database.reading(call.caller.practices) as connection:
        row = emergency(connection, access_id)
    if row is None or not call.caller.may_reach(row.practice_id):
        raise ProblemError(404, "there is no such emergency access")
    return row


def _content(row: Row[Any], now: datetime) -> dict[str, Any]:
    return {
        "id": row.id,
        "practice_id": row.practice_id,
        "client_id": row.client_id,
        "staff_id": row.staff_id,
        "starts_at": row.starts_at,
        "until": row.until_at,
        "open": row.starts_at <= now < row.until_at,
        "reason": row.purpose,
        "ended_by": row.ended_by,
        "reviewed_by": row.reviewed_by,
        "reviewed_at": row.reviewed_at,
        "review": row.review,
    }


def _flag(call: Call, name: str) -> bool | None:
    value = call.query.get(name)
    if value not in _FLAGS:
        raise ProblemError(400, f"{name} must be true or false", fields={name: "true or false"})
    return _FLAGS[value]
