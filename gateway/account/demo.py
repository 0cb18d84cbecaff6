"""What the demo's practices know of their people, and the invitation that is still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.account.invitations import Inviting, invite
from models.tables.getting_in import Contact
from models.tables.identity import Person
from models.tables.records import Practice
from models.vocabulary import GrantStatus, StaffRole, SubjectType

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from models.world import World


def demo_contacts(world: World, practice_id: str, now: datetime) -> list[Contact]:
    """Each person as the practice knows them, for each client."""
    return [
        Contact(
            id=f"contact_{grant.id}",
            practice_id=practice_id,
            client_id=grant.client,
            account_id=grant.account,
            grant_id=grant.id,
            kind=grant.kind.value,
            name=world.accounts[grant.account].name,
            email=world.accounts[grant.account].email,
            phone=world.accounts[grant.account].phone,
            added_by=_inviter(world, practice_id),
            added_at=now,
        )
        for grant in world.grants.values()
        if world.clients[grant.client].practice == practice_id
    ]


def invite_demo(session: Session, world: World, practice_id: str, now: datetime, public_url: str) -> None:
    """Mail whoever has a grant and never signed in, as the practice did."""
    practice = session.get_one(Practice, practice_id)
    for grant in world.grants.values():
        waits = grant.status is GrantStatus.PENDING and not world.accounts[grant.account].signs_in
        if waits and world.clients[grant.client].practice == practice_id:
            person = session.get_one(Person, (SubjectType.ACCOUNT.value, grant.account))
            invite(session, person, Inviting(practice, _inviter(world, practice_id), now, public_url), None)


def _inviter(world: World, practice_id: str) -> str:
    staff = [member for member in world.staff.values() if member.practice == practice_id]
    in_charge = [member for member in staff if {StaffRole.ADMINISTRATOR, StaffRole.OWNER} & set(member.roles)]
    return min(in_charge, key=lambda member: StaffRole.ADMINISTRATOR not in member.roles).id
