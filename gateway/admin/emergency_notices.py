"""Telling the owner and the privacy contact of an emergency access, however it was opened: once each."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from gateway.edge.errors import CannotDecide
from gateway.mail.post import letter, post
from gateway.web.formats import clock_time, day
from gateway.web.language import speaking
from models.tables.oversight import EmergencyNotice, PrivacyContact
from models.tables.records import Practice
from models.vocabulary import StaffRole, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlmodel import Session

ROUND_MAX = 50  # the newest of a practice, in one round
_log: Any = structlog.get_logger()


async def tell_of_emergencies(state: Any) -> None:
    """Tell of whatever was opened since, over the API too."""
    practices: list[Practice] = await state.records.read(None, lambda session: list(session.exec(select(Practice))))
    for practice in practices:
        try:
            found, _next = await state.authz.emergencies(practice.id, {"limit": str(ROUND_MAX)})
            for access in found:
                await tell_of(state, practice, access)
        except CannotDecide as error:
            _log.warning("emergencies_wait", practice=practice.id, reason=str(error))


async def tell_of(state: Any, practice: Practice, access: Mapping[str, Any]) -> bool:
    """Write the mails about one emergency access; False when they were written before.

    They name no client, and no reason, which may say what a mail must not: who reads them signs in to see.
    """
    known = await state.records.read(practice.id, lambda session: session.get(EmergencyNotice, access["id"]))
    if known is not None:
        return False
    told = await _whom(state, practice)
    people = await state.records.people(SubjectType.STAFF, sorted({*told, access["staff_id"]}))
    who = people[access["staff_id"]].name if access["staff_id"] in people else access["staff_id"]
    until = datetime.fromisoformat(access["until"]).astimezone(ZoneInfo(practice.zone))
    url = f"{state.settings.public_url}/admin/emergency/{access['id']}"

    def write(session: Session) -> None:
        session.add(EmergencyNotice(access_id=access["id"], practice_id=practice.id, told_at=state.clock()))
        session.flush()
        for staff_id in told:
            person = people.get(staff_id)
            if person is None or not person.email:
                _log.warning("emergency_untold", practice=practice.id, staff=staff_id, reason="no address")
                continue
            with speaking(person.language):
                words = {"until": f"{day(until.date())}, {clock_time(until)}"}
            words |= {"name": person.name, "practice": practice.name, "who": who}
            mail = letter("emergency_access", person.email, person.language, url=url, **words)
            post(session, mail, practice_id=practice.id)

    try:
        await state.records.change(practice.id, write)
    except IntegrityError:  # Another round was faster.
        return False
    return True


async def privacy_contact(state: Any, practice_id: str) -> str:
    """The id of the staff member who was chosen; empty where it is the owner."""
    row = await state.records.read(practice_id, lambda session: session.get(PrivacyContact, practice_id))
    return "" if row is None else str(row.staff_id)


async def _whom(state: Any, practice: Practice) -> list[str]:
    staff = [member for member in await state.authz.staff_of(practice.id) if member["state"] == "active"]
    owners = [member["id"] for member in staff if StaffRole.OWNER.value in member["roles"]]
    chosen = await privacy_contact(state, practice.id)
    return list(dict.fromkeys([*owners, *(member["id"] for member in staff if member["id"] == chosen)]))
