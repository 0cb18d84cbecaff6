"""Clients and staff: who is in care at a practice, and who works there."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from authz_service.api.access import client_content, grants_content
from authz_service.api.conduct import acting_of, if_match_version, read_limit
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Reply
from authz_service.commands import lockouts, merging, people, rosters
from authz_service.trail.changes import Origin
from models.ids import is_id
from models.vocabulary import StaffRole
from models.wire import people as wire
from models.wire.access import Reason

if TYPE_CHECKING:
    from authz_service.api.routing import Call
    from authz_service.facts.rows import Grant, Staff

ROSTER_MAX = 500


def create_client(call: Call) -> Reply:
    """Takes a client on."""
    made = people.create_client(acting_of(call), call.path["practice_id"], call.document)
    return Reply(client_content(made), 201, {"location": f"/v1/clients/{made.id}", "etag": f'"{made.version}"'})


def update_client(call: Call) -> Reply:
    """Changes what decisions read of a client (merge patch); If-Match is honoured where it is sent."""
    acting = acting_of(call)
    found = people.update_client(acting, call.path["client_id"], call.document, if_match_version(call))
    return Reply(client_content(found), headers={"etag": f'"{found.version}"'})


def list_staff(call: Call) -> Reply:
    """A practice's staff."""
    practice_id = call.path["practice_id"]
    with call.service.store.reading(call.caller.practices) as rows:
        if rows.practice(practice_id) is None or not call.caller.may_reach(practice_id):
            raise ProblemError(404, "there is no such practice")
        return Reply({"staff": [_staff(member) for member in rows.staff(practice_id)]})


def create_staff(call: Call) -> Reply:
    """Takes a staff member on."""
    made = people.create_staff(acting_of(call), call.path["practice_id"], call.document)
    return Reply(_staff(made), 201, {"location": f"/v1/staff/{made.id}", "etag": f'"{made.version}"'})


def update_staff(call: Call) -> Reply:
    """Changes a staff member (merge patch); If-Match is honoured where it is sent."""
    acting = acting_of(call)
    found = people.update_staff(acting, call.path["staff_id"], call.document, if_match_version(call))
    return Reply(_staff(found), headers={"etag": f'"{found.version}"'})


def show_counts(call: Call) -> Reply:
    """What the practice's plan counts."""
    practice_id = call.path["practice_id"]
    with call.service.store.reading(call.caller.practices) as rows:
        if rows.practice(practice_id) is None or not call.caller.may_reach(practice_id):
            raise ProblemError(404, "there is no such practice")
        counts = rosters.count_people(rows, practice_id)
    return Reply(asdict(counts))


def show_roster(call: Call) -> Reply:
    """How clients of a practice stand."""
    practice_id, query = call.path["practice_id"], call.query
    ids = query["clients"].split(",") if query.get("clients") else None
    if ids is not None and (len(ids) > ROSTER_MAX or not all(is_id(one) for one in ids)):
        told = f"must be up to {ROSTER_MAX} ids of clients, with commas between them"
        raise ProblemError(400, f"clients {told}", fields={"clients": told})
    active = {None: None, "true": True, "false": False}.get(query.get("active"), "wrong")
    if isinstance(active, str):
        raise ProblemError(400, "active must be true or false", fields={"active": "true or false"})
    limit = read_limit(call, ROSTER_MAX)
    with call.service.store.reading(call.caller.practices) as rows:
        if rows.practice(practice_id) is None or not call.caller.may_reach(practice_id):
            raise ProblemError(404, "there is no such practice")
        found, after = rosters.roster(rows, practice_id, ids, active, (query.get("after", ""), limit))
    clients = [{**asdict(one), "etag": str(one.version)} for one in found]
    for client in clients:
        del client["version"]
    return Reply({"clients": clients, "next": after})


def put_lock(call: Call) -> Reply:
    """Takes all access at one practice from a person."""
    path, reason = call.path, call.body(Reason).reason
    found = lockouts.lock_out(acting_of(call), path["practice_id"], path["account_id"], reason)
    return _grants_reply(call, found)


def delete_lock(call: Call) -> Reply:
    """Gives a person's access at one practice back."""
    return _grants_reply(call, lockouts.let_back(acting_of(call), call.path["practice_id"], call.path["account_id"]))


def merge_accounts(call: Call) -> Reply:
    """Makes two accounts one at a practice."""
    body, path = call.body(wire.Merge), call.path
    merged = merging.merge_accounts(acting_of(call), path["practice_id"], path["account_id"], body.into, body.reason)
    return Reply({"grants": dict(merged.grants)})


def merge_client(call: Call) -> Reply:
    """Lets an empty client record give way to another."""
    body = call.body(wire.Merge)
    merging.merge_client(acting_of(call), call.path["client_id"], body.into, body.reason)
    return Reply(status=204)


def decline_invitation(call: Call) -> Reply:
    """Whoever was invited says no."""
    account_id = call.path["account_id"]
    origin = Origin(call.caller.client_id, call.request_id, f"account/{account_id}")
    ended = lockouts.decline_invitation(call.service.store, origin, call.caller.practices, account_id)
    return Reply({"declined": list(ended)})


def _grants_reply(call: Call, found: tuple[Grant, ...]) -> Reply:
    with call.service.store.reading(call.caller.practices) as rows:
        return Reply({"grants": grants_content(rows, found)})


def _staff(member: Staff) -> dict[str, Any]:
    return {
        "id": member.id,
        "practice_id": member.practice_id,
        "roles": [role for role in StaffRole if role in member.roles],
        "state": member.state,
        "subscribed": member.subscribed,
        "may_invite": member.may_invite,
        "available": member.available,
        "assigned": sorted(member.assigned),
        "etag": str(member.version),
    }
