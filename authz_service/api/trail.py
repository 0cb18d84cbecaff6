"""The trail over HTTP: read by whoever may, and added to by the systems that see what this one does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from authz_service.api.access import read_limit
from authz_service.api.authzen import MalformedError, read_instant
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Parameter, Reply
from authz_service.tokens.signatures import TokenError, decode, encode
from authz_service.trail.chain import EVERYTHING
from authz_service.trail.changes import record_event_once
from authz_service.trail.reading import SHOWN, Place, Wanted, find_records
from models.wire.trail import Events

if TYPE_CHECKING:
    from authz_service.api.routing import Call

PAGE_MAX = 500
_MICROSECOND = timedelta(microseconds=1)
QUERY = (
    Parameter("account", "Only what is about this account."),
    Parameter("client", "Only what is about this client."),
    Parameter("subject", "Only what this subject asked or did, as `account/dana` or `staff/jo`."),
    Parameter("kind", "`decision`, `change` or `event`."),
    Parameter("type", "Only this type of resource."),
    Parameter("id", "Only this resource id."),
    Parameter("request_id", "Only this request."),
    Parameter("action", "Only this action."),
    Parameter("decision", "`true` or `false`."),
    Parameter("since", "From this RFC 3339 instant on."),
    Parameter("until", "Before this RFC 3339 instant."),
    Parameter("limit", f"At most this many, up to {PAGE_MAX}; 100 unless told."),
    Parameter("next", "The `next` of the page before."),
)


def read_trail(call: Call) -> Reply:
    """The newest records first; the reading is itself recorded."""
    query = call.query
    caller = call.caller
    wanted = Wanted(
        account_id=query.get("account"),
        client_id=query.get("client"),
        subject=query.get("subject"),
        kind=_choice(call, "kind", SHOWN),
        resource_type=query.get("type"),
        resource_id=query.get("id"),
        request_id=query.get("request_id"),
        action=query.get("action"),
        decision={"true": True, "false": False, None: None}[_choice(call, "decision", ("true", "false"))],
        since=_microseconds(call, "since"),
        until=_microseconds(call, "until"),
        practices=None if caller.every_practice else caller.practices,
    )
    limit = read_limit(call, PAGE_MAX)
    before = _read_place(query["next"]) if query.get("next") else None
    call.service.loader.catch_up()
    with call.service.store.database.reading(EVERYTHING) as connection:
        entries, place = find_records(connection, wanted, limit, before)
    record = {
        "type": "event",
        "at": call.service.microseconds(),
        "request_id": call.request_id,
        "caller": caller.client_id,
        "action": "trail.read",
        "actor": call.exchange.actor,
        "resource": {"type": "trail", "id": None},
        "details": {name: value for name, value in query.items() if name != "next"},
    }
    return Reply({"entries": entries, "next": _write_place(place)}, records=[orjson.dumps(record)])


def add_events(call: Call) -> Reply:
    """Adds events; the answer waits until they are durable."""
    events = call.body(Events).events
    records, once = [], []
    for place, event in enumerate(events):
        if event.practice_id is not None and not call.caller.may_reach(event.practice_id):
            field = f"events.{place}.practice_id"
            raise ProblemError(403, f"{field}: the token does not cover the practice", fields={field: "not covered"})
        body = {
            "type": "event",
            "at": call.service.microseconds(),
            "request_id": call.request_id,
            "caller": call.caller.client_id,
            **event.model_dump(mode="json", exclude_none=True),
        }
        if event.id is None:
            records.append(orjson.dumps(body))
        else:
            once.append((event.id, body))
    added = len(records)
    if once:
        with call.service.store.database.writing(EVERYTHING) as session:
            added += sum(record_event_once(session, event_id, body) for event_id, body in once)
    return Reply({"added": added}, 201, records=records)


def _choice(call: Call, name: str, choices: tuple[str, ...]) -> str | None:
    value = call.query.get(name)
    if value is None or value in choices:
        return value
    raise ProblemError(400, f"{name} must be one of {', '.join(choices)}", fields={name: "not one of these"})


def _microseconds(call: Call, name: str) -> int | None:
    value = call.query.get(name)
    if value is None:
        return None
    try:
        instant = read_instant(value, name)
    except MalformedError as error:
        raise ProblemError(400, str(error), fields={name: str(error)}) from error
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND


def _write_place(place: Place | None) -> str:
    return "" if place is None else encode(orjson.dumps(place))


def _read_place(text: str) -> Place:
    try:
        at, chain, number, position, item = orjson.loads(decode(text))
    except (TokenError, ValueError, TypeError) as error:
        raise ProblemError(400, "next is not one that a page gave", fields={"next": "not known"}) from error
    if type(chain) is not str or any(type(each) is not int for each in (at, number, position, item)):
        raise ProblemError(400, "next is not one that a page gave", fields={"next": "not known"})
    return at, chain, number, position, item
