"""Clients and staff: who is in care at a practice, and who works there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.api.access import acting_of, client_content, if_match_version
from authz_service.api.problems import ProblemError
from authz_service.api.routing import Reply
from authz_service.commands import people
from models.vocabulary import StaffRole

if TYPE_CHECKING:
    from authz_service.api.routing import Call
    from authz_service.facts.rows import Staff


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
