"""Two bundles compared, and recorded decisions put to another bundle, for the practice of who asks."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from authz_service.api.conduct import acting_of
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Reply
from authz_service.api.trail import deciding_actor
from authz_service.api.versions import find_version
from authz_service.engine import BundleError
from authz_service.facts.decision import prepare
from authz_service.review.differences import Differences
from authz_service.review.recorded import Range
from authz_service.review.replay import Replay
from authz_service.review.replay_report import as_body as replay_body
from authz_service.review.touched import whom_it_touches
from authz_service.review.touched_report import as_body as touched_body
from authz_service.workbench.difference_report import as_body as difference_body
from models.wire import policy_differences as wire

if TYPE_CHECKING:
    from authz_service.api.routing import Call
    from authz_service.engine import Policy

# An endpoint has ten seconds, and what it found must still be recorded.
_SECONDS = 8.0
_COMPARING_SECONDS = 4.0
_RECORDED = ("counted", "unchanged", "now_allowed", "now_denied", "not_replayable")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def show_difference(call: Call) -> Reply:
    """What changes from one bundle to another, and whom of the actor's practice it touches now."""
    practice_id = _practice_of_actor(call, "view")
    deadline = time.monotonic() + _SECONDS
    old, new = (_policy(call, _named(call, name)) for name in ("old", "new"))
    try:
        difference = _differences().find(old, new, _COMPARING_SECONDS)
    except TimeoutError as error:
        message = "the bundles are still being compared; ask again, or run `kinguard policy diff`"
        raise ProblemError(503, message, headers={"retry-after": "10"}) from error
    try:
        deciders = prepare(old), prepare(new)
    except BundleError as error:
        raise ProblemError(422, f"the bundle cannot be asked about the practice's rows: {error.problems[0]}") from error
    touched = whom_it_touches(call.service.store, deciders, call.now, practices={practice_id}, deadline=deadline)
    content = difference_body(difference, old.digest, new.digest)
    content["touched"] = touched_body(touched, wire.TOUCHED_LISTED)
    return Reply(
        content, records=[_event(call, practice_id, "policy.compared", {"old": old.digest, "new": new.digest})]
    )


def replay(call: Call) -> Reply:
    """What another bundle says to the recorded decisions of the actor's practice."""
    body = call.body(wire.ReplayRequest)
    practice_id = _practice_of_actor(call, "run")
    deadline = time.monotonic() + _SECONDS
    new = _policy(call, body.version)
    since, until = (_microseconds(value) for value in (body.since, body.until))
    if since is not None and until is not None and since >= until:
        raise ProblemError(422, "since: must be before until", fields={"since": "not before until"})
    caught_up = call.service.loader.catch_up()
    wanted = Range(since, until, {practice_id})
    replaying = Replay(call.service.store.database, new, call.service.bundles.policy)
    found = replaying.run(wanted, limit=body.limit, deadline=deadline, listed=wire.CHANGED_LISTED)
    found.complete &= caught_up
    content = replay_body(found, new.digest)
    counts = {name: content[name] for name in _RECORDED}
    return Reply(content, records=[_event(call, practice_id, "policy.replayed", {"version": new.digest, **counts})])


@lru_cache(maxsize=1)
def _differences() -> Differences:
    return Differences()


def _practice_of_actor(call: Call, action: str) -> str:
    """Whose rows and records may be told: those of the practice for which somebody acts."""
    acting_of(call)
    return deciding_actor(call, action, "policy") or ""


def _named(call: Call, name: str) -> str:
    version = call.query.get(name)
    if version is None:
        raise ProblemError(400, f"{name} is required: a bundle's digest, or `serving`", fields={name: "required"})
    return version


def _policy(call: Call, version: str) -> Policy:
    return find_version(call, version)[0]


def _microseconds(instant: datetime | None) -> int | None:
    return None if instant is None else (instant.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def _event(call: Call, practice_id: str, action: str, details: dict[str, Any]) -> bytes:
    return orjson.dumps(
        {
            "type": "event",
            "at": call.service.microseconds(),
            "request_id": call.request_id,
            "caller": call.caller.client_id,
            "action": action,
            "actor": call.exchange.actor,
            "practice_id": practice_id,
            "resource": {"type": "policy", "id": None},
            "details": details,
        }
    )
