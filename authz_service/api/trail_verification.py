"""Whether chains, checkpoints and table of the trail agree: asked for by whoever may read it, and read back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import structlog

from authz_service.api.problems import ProblemError
from authz_service.api.routing import Reply
from authz_service.api.trail import deciding_actor
from authz_service.trail.chain import EVERYTHING
from authz_service.trail.reading import instant_of
from authz_service.trail.results import past_results
from authz_service.verifying import Order, begin, newest_attempt

if TYPE_CHECKING:
    from authz_service.api.routing import Call

WAIT_SECONDS = 1.5  # for a short trail; a longer one is verified in the background
VERIFIED = "trail.verified"
_RESULTS_MAX = 10
_log = structlog.get_logger()


def show_verifications(call: Call) -> Reply:
    """The newest verifications of the practice of whoever acts, and one that is under way."""
    practice_id = deciding_actor(call, "view")
    _require_reach(call, practice_id)
    return _told(call, practice_id)


def verify(call: Call) -> Reply:
    """Verifies the trail now, in a process of its own; where one runs already, that one is waited for."""
    practice_id = deciding_actor(call, "view")
    _require_reach(call, practice_id)
    settings = call.service.settings
    call.service.loader.catch_up()
    event = {
        "type": "event",
        "at": call.service.microseconds(),
        "request_id": call.request_id,
        "caller": call.caller.client_id,
        "action": VERIFIED,
        "actor": call.exchange.actor,
        "practice_id": practice_id,
        "resource": {"type": "trail", "id": None},
    }
    order = Order(
        url=settings.access_database_url,
        folder=str(settings.trail_dir),
        checkpoints=str(settings.checkpoints),
        key=str(settings.keys_dir / "trail.pem"),
        id=secrets.token_hex(16),
        event=event,
    )
    try:
        begin(order, WAIT_SECONDS)
    except OSError as error:
        _log.error("trail_not_verified", error=str(error))
        raise ProblemError(503, "the trail cannot be verified right now") from error
    return _told(call, practice_id)


def _require_reach(call: Call, practice_id: str | None) -> None:
    """Without somebody who acts, the whole trail is told, and so only to who may reach every practice."""
    if practice_id is None and not call.caller.every_practice:
        raise ProblemError(403, "Kinguard-Actor must say for whom, as the token does not cover every practice")


def _told(call: Call, practice_id: str | None) -> Reply:
    practices = None if practice_id is None else (practice_id,)
    with call.service.store.database.reading(EVERYTHING) as connection:
        found = past_results(connection, VERIFIED, practices, _RESULTS_MAX)
    return Reply({"attempt": _attempt(call, practice_id), "verifications": found})


def _attempt(call: Call, practice_id: str | None) -> dict[str, Any] | None:
    attempt = newest_attempt(call.service.settings.trail_dir)
    is_own = attempt is not None and practice_id in (None, attempt.practice_id)
    if attempt is None or not (attempt.is_running or is_own):
        return None
    return {
        "at": instant_of(attempt.at),
        "by": attempt.by if is_own else None,
        "state": "running" if attempt.is_running else "failed" if attempt.problem else "broken_off",
        "groups": attempt.groups,
        "of": attempt.of,
    }
