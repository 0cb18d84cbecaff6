"""Hand-overs: one person's access to their clients passes to a successor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.api.conduct import acting_of, if_match_version
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Reply
from authz_service.api.what_if import what_if_record
from authz_service.commands import hand_overs
from authz_service.commands.errors import ForbiddenError
from models.wire import time as wire

if TYPE_CHECKING:
    from authz_service.api.routing import Call
    from authz_service.commands.hand_overs import HandOver, Kept


def list_hand_overs(call: Call) -> Reply:
    """The practice's hand-overs."""
    practice_id, acting = call.path["practice_id"], acting_of(call)
    with call.service.store.reading(call.caller.practices) as rows:
        if rows.practice(practice_id) is None or not acting.reaches(practice_id):
            raise ProblemError(404, "there is no such practice")
        resource = ("practice", practice_id)
        decision = acting.decide_on(rows, call.now, "view", resource, {"practice_id": practice_id})
        if decision is None or not decision.allowed:
            raise ForbiddenError(acting.origin.actor, "view", resource, (practice_id, None), decision)
        found = hand_overs.hand_overs(rows, practice_id)
    return Reply({"hand_overs": [_kept(each) for each in found]})


def preview_hand_over(call: Call) -> Reply:
    """What a hand-over would do; its ETag makes sure that the hand-over does just that."""
    call.body(wire.HandOverRequest)
    practice_id = call.path["practice_id"]
    plan = hand_overs.look_at_hand_over(acting_of(call), practice_id, call.document)
    about = {"from_account": plan.from_account, "to_account": plan.to_account, "on": plan.day.isoformat()}
    record = what_if_record(call, practice_id, "hand_over", {**about, "steps": len(plan.steps)})
    return Reply(_plan(plan, None), headers={"etag": f'"{plan.etag}"'}, records=[record])


def create_hand_over(call: Call) -> Reply:
    """Plans a hand-over; If-Match with the preview's ETag is honoured where it is sent."""
    call.body(wire.HandOverRequest)
    practice_id = call.path["practice_id"]
    plan, kept = hand_overs.hand_over(acting_of(call), practice_id, call.document, if_match_version(call))
    return Reply(_plan(plan, kept), 201, {"location": f"/v1/practices/{practice_id}/hand-overs/{kept.id}"})


def delete_hand_over(call: Call) -> Reply:
    """Takes a planned hand-over back; If-Match is honoured where it is sent."""
    path = call.path
    kept = hand_overs.undo_hand_over(acting_of(call), path["practice_id"], path["hand_over_id"], if_match_version(call))
    return Reply(_kept(kept))


def _plan(plan: HandOver, kept: Kept | None) -> dict[str, Any]:
    return {
        "id": None if kept is None else kept.id,
        "from_account": plan.from_account,
        "to_account": plan.to_account,
        "on": plan.day,
        "status": plan.status,
        "steps": [
            {
                "client_id": step.client_id,
                "grant_id": step.grant.id,
                "kind": step.grant.kind,
                "until": step.grant.until,
                "proof": step.grant.proof,
                "kept": step.kept,
                "left": step.left,
            }
            for step in plan.steps
        ],
        "etag": plan.etag if kept is None else str(kept.version),
    }


def _kept(kept: Kept) -> dict[str, Any]:
    return {
        "id": kept.id,
        "from_account": kept.from_account,
        "to_account": kept.to_account,
        "on": kept.day,
        "state": kept.state,
        "ended": kept.ended,
        "begun": kept.begun,
        "etag": str(kept.version),
    }
