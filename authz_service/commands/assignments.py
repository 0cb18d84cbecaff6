"""One client assigned to a staff member, or no longer: two administrators at once lose nothing of each other's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.commands.errors import InvalidError, NotFoundError
from models.tables.access import AssignmentRow, StaffRow

if TYPE_CHECKING:
    from authz_service.commands.acting import Acting


def assign_client(acting: Acting, staff_id: str, client_id: str, *, on: bool) -> bool:
    """Assign a client of the practice to one of its staff, or end that. False when it is so already."""
    client = acting.client(client_id)
    practice_id = client.practice_id
    with acting.changing(practice_id) as writer:
        acting.require(writer, "update", ("subscription", staff_id), practice_id)
        member = writer.current(StaffRow, id=staff_id)
        if member is None or member.practice_id != practice_id:
            raise NotFoundError("staff member")
        if on and member.state != "active":
            raise InvalidError({"staff_id": "has left the practice; let them work there again first"})
        row = writer.current(AssignmentRow, staff_id=staff_id, client_id=client_id)
        if (row is not None) is on:
            return False
        if row is not None:
            writer.end(row)
        else:
            writer.put(AssignmentRow, practice_id=practice_id, staff_id=staff_id, client_id=client_id)
        word = "assign" if on else "unassign"
        writer.record(f"staff.{word}", ("subscription", staff_id), practice_id=practice_id, client_id=client_id)
        return True
