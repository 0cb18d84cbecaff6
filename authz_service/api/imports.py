"""Imports and exports of a practice's access data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from authz_service.api.authzen import MalformedError, read_instant
from authz_service.api.conduct import PAGE_MAX, acting_of, read_limit
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Parameter, Reply
from authz_service.commands import exporting, importing

if TYPE_CHECKING:
    from datetime import datetime

    from authz_service.api.routing import Call

EXPORT_QUERY = (
    Parameter("after", "The `next` of the page before."),
    Parameter("limit", f"At most this many clients, up to {PAGE_MAX}."),
    Parameter("at", "The instant whose state is told (RFC 3339): the `at` of the first page; now unless told."),
)


def run_import(call: Call) -> Reply:
    """Brings clients and grants in, all of them or none, or says what would happen."""
    return Reply(importing.run_import(acting_of(call), call.path["practice_id"], call.document))


def export_practice(call: Call) -> Reply:
    """A page of a practice's access data; the trail notes that it was taken out."""
    practice_id, after = call.path["practice_id"], call.query.get("after", "")
    wanted = exporting.Wanted(_at(call), after, read_limit(call, PAGE_MAX))
    found = exporting.read_export(acting_of(call), practice_id, wanted)
    record = {
        "type": "event",
        "at": call.service.microseconds(),
        "request_id": call.request_id,
        "caller": call.caller.client_id,
        "action": "records.export",
        "actor": call.exchange.actor,
        "practice_id": practice_id,
        "resource": {"type": "records", "id": practice_id},
        "details": {"clients": len(found["clients"]), "after": after},
    }
    return Reply(found, records=[orjson.dumps(record)])


def _at(call: Call) -> datetime:
    text = call.query.get("at")
    if text is None:
        return call.now
    try:
        at = read_instant(text, "at")
    except MalformedError as error:
        raise ProblemError(400, str(error), fields={"at": str(error)}) from error
    if at > call.now:
        raise ProblemError(400, "at lies in the future: an export tells what there is", fields={"at": "not yet"})
    return at
