"""Emergency access ("break glass"): started for a reason and a time, ended, and reviewed. 45 CFR 164.312(a)(2)(ii)."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from authz_service.commands.errors import ConflictError, InvalidError, NotFoundError
from authz_service.storage.emergencies import Sought, emergencies, emergency
from authz_service.storage.writing import values_of
from models.tables.access import EmergencyAccessRow
from models.vocabulary import StaffRole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.commands.acting import Acting
    from authz_service.storage.writing import Writer

MINUTES_MAX = 60
TEXT_CHARACTERS_MAX = 500
_REVIEWERS = frozenset({StaffRole.OWNER, StaffRole.ADMINISTRATOR, StaffRole.REVIEWER})


def start_emergency(acting: Acting, client_id: str, reason: object, minutes: object) -> tuple[str, bool]:
    """Open emergency access to a client for whoever acts: its id, and whether it is new.

    The same person asking again for the same reason, while it is open, gets the one that is open: a form sent twice
    starts it once. Raises ConflictError where another one is open.
    """
    text = _text("reason", reason)
    if type(minutes) is not int or not 1 <= minutes <= MINUTES_MAX:
        raise InvalidError({"minutes": f"must be a whole number from 1 to {MINUTES_MAX}"})
    client = acting.client(client_id)
    with acting.changing(client.practice_id, text) as writer:
        acting.require(writer, "start", ("emergency_access", client_id), client.practice_id, client_id)
        staff_id = _staff_of(acting)
        mine = Sought(client.practice_id, staff_id, client_id, open_at=writer.now)
        for row in emergencies(writer.connection, mine, 1):
            if row.purpose == text:
                return str(row.id), False
            raise ConflictError("emergency access to this client is open already; end it first")
        until = writer.now + timedelta(minutes=minutes)
        made = writer.put(
            EmergencyAccessRow,
            id=f"ea_{secrets.token_hex(12)}",
            practice_id=client.practice_id,
            staff_id=staff_id,
            client_id=client_id,
            starts_at=writer.now,
            until_at=until,
            purpose=text,
            ended_by=None,
            reviewed_by=None,
            reviewed_at=None,
            review=None,
        )
        _record(writer, "emergency_access.start", made, after={"until": until.isoformat(), "minutes": minutes})
        return made.id, True


def end_emergency(acting: Acting, access_id: str) -> bool:
    """End it now; False when it was over. Whoever holds it may always give it back; others as the policy says."""
    practice_id = _practice_of(acting, access_id)
    with acting.changing(practice_id) as writer:
        row = _current(writer, access_id)
        if row.staff_id != _staff_of(acting):
            acting.require(writer, "end", ("emergency_access", access_id), practice_id, row.client_id)
        if row.until_at <= writer.now:
            return False
        before = row.until_at
        ended = writer.put(
            EmergencyAccessRow, **{**values_of(row), "until_at": writer.now, "ended_by": acting.origin.actor}
        )
        until = {"until": ended.until_at.isoformat()}
        _record(writer, "emergency_access.end", ended, before={"until": before.isoformat()}, after=until)
        return True


def review_emergency(acting: Acting, access_id: str, note: object) -> None:
    """Sign off what was read under it. Raises ConflictError while it is open, and where it has been signed off.

    Who may see emergency accesses may sign them off, but not their own, as long as there is somebody else who could.
    """
    text = _text("note", note)
    practice_id = _practice_of(acting, access_id)
    with acting.changing(practice_id, text) as writer:
        row = _current(writer, access_id)
        acting.require(writer, "view", ("emergency_access", access_id), practice_id, row.client_id)
        if row.until_at > writer.now:
            raise ConflictError("this emergency access is still open; end it first")
        if row.reviewed_by is not None:
            raise ConflictError(f"this emergency access was reviewed by {row.reviewed_by}")
        if row.staff_id == _staff_of(acting) and _has_other_reviewers(writer, practice_id, row.staff_id):
            raise ConflictError("nobody reviews their own emergency access where somebody else can")
        signed = {"reviewed_by": acting.origin.actor, "reviewed_at": writer.now, "review": text}
        reviewed = writer.put(EmergencyAccessRow, **{**values_of(row), **signed})
        _record(writer, "emergency_access.review", reviewed, after={"reviewed_by": acting.origin.actor})


def _has_other_reviewers(writer: Writer, practice_id: str, staff_id: str) -> bool:
    staff = writer.reading.staff(practice_id)
    return any(one.id != staff_id and one.state == "active" and one.roles & _REVIEWERS for one in staff)


def _practice_of(acting: Acting, access_id: str) -> str:
    with acting.store.database.reading(acting.practices) as connection:
        found = emergency(connection, access_id)
    if found is None or not acting.reaches(found.practice_id):
        raise NotFoundError("emergency access")
    return str(found.practice_id)


def _current(writer: Writer, access_id: str) -> EmergencyAccessRow:
    row = writer.current(EmergencyAccessRow, id=access_id)
    if row is None:
        raise NotFoundError("emergency access")
    return row


def _staff_of(acting: Acting) -> str:
    return acting.origin.actor.removeprefix("staff/")


def _text(name: str, value: object) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text or len(text) > TEXT_CHARACTERS_MAX:
        raise InvalidError({name: f"is required, with at most {TEXT_CHARACTERS_MAX} characters: it is reviewed"})
    return text


def _record(
    writer: Writer,
    action: str,
    row: EmergencyAccessRow,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    about = {"practice_id": row.practice_id, "client_id": row.client_id}
    writer.record(action, ("emergency_access", row.id), before=before, after=after, **about)
