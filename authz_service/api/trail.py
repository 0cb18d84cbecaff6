"""The trail over HTTP: read by whoever may, and added to by the systems that see what this one does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from authz_service.api.authzen import MalformedError, read_instant
from authz_service.api.conduct import acting_of, read_limit
from authz_service.api.problems import ProblemError, lacks_scope
from authz_service.api.routing import Parameter, Reply
from authz_service.commands.errors import ForbiddenError
from authz_service.facts.request import Request
from authz_service.tokens.signatures import TokenError, decode, encode
from authz_service.trail.chain import EVERYTHING
from authz_service.trail.changes import record_event_once
from authz_service.trail.reading import SHOWN, Place, Wanted, find_records
from models.vocabulary import Scope, SubjectType
from models.wire.trail import Events

if TYPE_CHECKING:
    from authz_service.api.routing import Call

PAGE_MAX = 500
SIX_YEARS = 6 * 366 * 24 * 3600 * 1_000_000  # microseconds; how far back accounting goes, and records are kept
_MICROSECOND = timedelta(microseconds=1)
QUERY = (
    Parameter("account", "Only what is about this account."),
    Parameter("client", "Only what is about this client."),
    Parameter("subject", "Only what this subject asked or did, as `account/dana` or `staff/jo`."),
    Parameter("practice", "Only what belongs to this practice."),
    Parameter("kind", "`decision`, `change` or `event`, or several of them with commas between."),
    Parameter("type", "Only this type of resource."),
    Parameter("id", "Only this resource id."),
    Parameter("request_id", "Only this request."),
    Parameter("action", "Only this action."),
    Parameter("decision", "`true` or `false`."),
    Parameter("since", "From this RFC 3339 instant on."),
    Parameter("until", "Before this RFC 3339 instant."),
    Parameter("for", "`export`: the pages are to be taken away, which is decided and recorded as an export."),
    Parameter("limit", f"At most this many, up to {PAGE_MAX}; 100 unless told."),
    Parameter("next", "The `next` of the page before."),
)


def read_trail(call: Call) -> Reply:
    """The newest records first; the reading is itself recorded. Where staff act, the policy says whether they may."""
    query = call.query
    exports = _choice(call, "for", ("export",)) is not None
    practice_id = deciding_actor(call, "export" if exports else "view")
    wanted = Wanted(
        account_id=query.get("account"),
        client_id=query.get("client"),
        subject=query.get("subject"),
        kinds=_kinds(call),
        resource_type=query.get("type"),
        resource_id=query.get("id"),
        request_id=query.get("request_id"),
        action=query.get("action"),
        decision={"true": True, "false": False, None: None}[_choice(call, "decision", ("true", "false"))],
        since=read_microseconds(call, "since"),
        until=read_microseconds(call, "until"),
        practices=_practices(call, practice_id),
    )
    limit = read_limit(call, PAGE_MAX)
    goes_on = bool(query.get("next"))
    before = _read_place(query["next"]) if goes_on else None
    if not goes_on:  # What came since is newer than the page before.
        call.service.loader.catch_up()
    with call.service.store.database.reading(EVERYTHING) as connection:
        entries, place = find_records(connection, wanted, limit, before)
    record = {
        "type": "event",
        "at": call.service.microseconds(),
        "request_id": call.request_id,
        "caller": call.caller.client_id,
        "action": "trail.exported" if exports else "trail.read",
        "actor": call.exchange.actor,
        "practice_id": practice_id,
        "client_id": query.get("client"),
        "resource": {"type": "trail", "id": None},
        "details": {name: value for name, value in query.items() if name not in ("next", "for")},
    }
    records = [] if exports and goes_on else [orjson.dumps(record)]
    return Reply({"entries": entries, "next": _write_place(place)}, records=records)


def deciding_actor(call: Call, action: str, resource_type: str = "trail") -> str | None:
    """Whether whoever acts may do this in their practice, and which that is; None where nobody is named.

    Raises ForbiddenError when the policy says no.
    """
    if call.exchange.actor is None:
        return None
    acting = acting_of(call)
    staff_id = acting.origin.actor.removeprefix(f"{SubjectType.STAFF}/")
    with call.service.store.deciding(call.caller.practices) as access:
        post = access.post(staff_id)
        practice_id = "" if post is None else post.practice.id
        properties: dict[str, Any] = {"practice_id": practice_id}
        asked = Request(
            SubjectType.STAFF.value, staff_id, action, resource_type, practice_id, call.now, properties, acting.authn
        )
        decision = call.serving.decider.decide(access, asked)
    if post is None or not decision.allowed or not call.caller.may_reach(practice_id):
        raise ForbiddenError(acting.origin.actor, action, (resource_type, practice_id), (practice_id, None), decision)
    return practice_id


def _practices(call: Call, practice_id: str | None) -> frozenset[str] | None:
    """The practices whose records may be shown; None for every record, those without a practice too."""
    asked = call.query.get("practice")
    if practice_id is not None:
        return frozenset({practice_id} if asked in (None, practice_id) else ())
    if asked is not None:
        return frozenset({asked} if call.caller.may_reach(asked) else ())
    return None if call.caller.every_practice else frozenset(call.caller.practices)


def _kinds(call: Call) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(call.query.get("kind", ",".join(SHOWN)).split(",")))
    if not set(kinds) <= set(SHOWN):
        raise ProblemError(400, f"kind must be of {', '.join(SHOWN)}", fields={"kind": "not one of these"})
    return kinds


def add_events(call: Call) -> Reply:
    """Adds events; the answer waits until they are durable."""
    events = call.body(Events).events
    if Scope.ACT not in call.caller.scopes and any(event.actor is not None for event in events):
        raise lacks_scope(Scope.ACT)
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


def read_microseconds(call: Call, name: str) -> int | None:
    """A query parameter's instant, as the trail counts time."""
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
