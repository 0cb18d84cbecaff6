"""Setting up a practice with its owner: the one change that nobody of the practice can be asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from authz_service.commands.acting import changing
from authz_service.commands.errors import ConflictError, InvalidError
from authz_service.facts.rows import Practice
from models.ids import MAX_LENGTH, is_id
from models.tables.access import PracticeRow, StaffRow
from models.vocabulary import StaffRole

if TYPE_CHECKING:
    from authz_service.storage import AccessStore
    from authz_service.trail.changes import Origin


def found_practice(store: AccessStore, origin: Origin, practice_id: str, zone: str, owner_id: str) -> None:
    """A new practice with the usual settings, and its owner, who may do the rest in the practice's pages.

    Raises InvalidError for what is no id or no zone, ConflictError when practice or owner exist already.
    """
    wrong = {
        name: f"must be an id: up to {MAX_LENGTH} letters, digits and _.:@-"
        for name, value in (("practice", practice_id), ("owner", owner_id))
        if not is_id(value)
    }
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        wrong["zone"] = f"{zone[:40]!r} is no time zone; use a name such as America/Los_Angeles"
    if wrong:
        raise InvalidError(wrong)
    usual = Practice(practice_id, zone)
    with changing(store, (practice_id,), origin) as writer:
        if writer.current(PracticeRow, practice_id=practice_id) is not None:
            raise ConflictError(f"there is a practice {practice_id} already")
        if writer.current(StaffRow, id=owner_id) is not None:
            raise ConflictError(f"there is a staff member {owner_id} already")
        writer.put(
            PracticeRow,
            practice_id=practice_id,
            zone=zone,
            teen_from=usual.teen_from,
            adult_from=usual.adult_from,
            plan_audience=usual.plan_audience,
            contacts_allowed=usual.contacts_allowed,
            card_processing=usual.card_processing,
            second_factor=usual.second_factor,
            staff_second_factor=usual.staff_second_factor,
            notice_hours=usual.notice_hours,
        )
        writer.put(
            StaffRow,
            id=owner_id,
            practice_id=practice_id,
            state="active",
            roles=[StaffRole.OWNER.value],
            subscribed=False,
            may_invite=False,
            available=False,
        )
        after = {"zone": zone, "owner": owner_id}
        writer.record("practice.create", ("practice", practice_id), practice_id=practice_id, after=after)
