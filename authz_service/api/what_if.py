"""`POST /v1/what-if`: who would gain and who would lose what. Nothing is enforced, and the trail marks it so."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import orjson

from authz_service.api.conduct import acting_of
from authz_service.api.problems import ProblemError, lacks_scope
from authz_service.api.routing import Reply
from authz_service.commands import what_if as asking
from authz_service.facts.code import rfc3339
from models.vocabulary import Scope
from models.wire import what_if as wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from authz_service.api.routing import Call
    from authz_service.facts.comparison import Difference

# Far enough for every birthday, and no day of it falls out of the calendar in any zone.
_YEARS = range(1900, 2201)
# The trail keeps what was supposed as long as it is no longer than this.
_RECORDED_BYTES = 8 * 1024


def ask_what_if(call: Call) -> Reply:
    """Lays hypothetical changes over the rows and compares what every account may do."""
    body = call.body(wire.WhatIf)
    acting = acting_of(call)
    at, compare_at = (
        instant_asked(call, name, value) for name, value in (("at", body.at), ("compare_at", body.compare_at))
    )
    asked = asking.Asked(
        practice_id=body.practice_id,
        changes=call.document.get("changes", ()),
        at=at,
        compare_at=compare_at,
        clients=None if body.clients is None else frozenset(body.clients),
        accounts=None if body.accounts is None else frozenset(body.accounts),
    )
    found = asking.what_if(acting, call.serving.comparison, call.now, asked)
    content = listed(found, body.limit)
    instants = {name: rfc3339(value) for name, value in (("at", at), ("compare_at", compare_at)) if value is not None}
    content["context"] = {"what_if": True, **instants}
    stated = orjson.dumps(asked.changes)
    about = {"changes": asked.changes} if len(stated) <= _RECORDED_BYTES else {"changes_left_out": len(asked.changes)}
    details = {**about, **instants, **content["counts"]}
    return Reply(content, records=[what_if_record(call, body.practice_id, "what_if", details)])


def instant_asked(call: Call, name: str, value: datetime | None) -> datetime | None:
    """An instant other than now, in UTC; ProblemError without the scope for it, or far outside the calendar."""
    if value is None:
        return None
    if Scope.ASK_AT not in call.caller.scopes:
        raise lacks_scope(Scope.ASK_AT)
    if value.year not in _YEARS:
        raise ProblemError(422, f"{name}: must lie between 1900 and 2200", fields={name: "between 1900 and 2200"})
    return value.astimezone(UTC)


def listed(found: Sequence[Difference], limit: int) -> dict[str, Any]:
    """The differences as they travel, and how many there are; at most `limit` gains and losses are listed."""
    left = limit
    changes = []
    for each in found:
        gains = each.gains[:left]
        loses = each.loses[: left - len(gains)]
        left -= len(gains) + len(loses)
        if gains or loses:
            changes.append(
                {
                    "account_id": each.account_id,
                    "client_id": each.client_id,
                    "grant_ids": each.grant_ids,
                    "gains": [right._asdict() for right in gains],
                    "loses": [right._asdict() for right in loses],
                }
            )
    counts = {
        "accounts": len({each.account_id for each in found}),
        "clients": len({each.client_id for each in found}),
        "gains": sum(len(each.gains) for each in found),
        "losses": sum(len(each.loses) for each in found),
    }
    return {"changes": changes, "counts": counts, "truncated": counts["gains"] + counts["losses"] > limit}


def what_if_record(
    call: Call, practice_id: str, action: str, details: Mapping[str, Any], client_id: str | None = None
) -> bytes:
    """The trail's record of a question that enforces nothing."""
    return orjson.dumps(
        {
            "type": "event",
            "at": int(call.now.timestamp() * 1_000_000),
            "request_id": call.request_id,
            "caller": call.caller.client_id,
            "bundle": call.serving.digest,
            "action": action,
            "what_if": True,
            "actor": call.exchange.actor,
            "practice_id": practice_id,
            "client_id": client_id,
            "resource": {"type": "practice", "id": practice_id},
            "details": details,
        }
    )
