"""Who of a practice's staff stands behind a client: the people whom a notice or a message can go to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.vocabulary import StaffRole

if TYPE_CHECKING:
    from gateway.edge.authz_client import AuthzClient


@dataclass(frozen=True, slots=True)
class CareTeam:
    """Ids of active staff. `therapists` are those assigned to the client."""

    owners: tuple[str, ...]
    administrators: tuple[str, ...]
    therapists: tuple[str, ...]
    subscribed: frozenset[str]
    available: frozenset[str]

    @property
    def in_charge(self) -> tuple[str, ...]:
        """The administrators and the assigned therapists (row Y27); where nobody administers, the owners."""
        return tuple(dict.fromkeys((*(self.administrators or self.owners), *self.therapists)))


async def care_team(authz: AuthzClient, practice_id: str, client_id: str) -> CareTeam:
    """The care team of a client, as it is now."""
    staff = [member for member in await authz.staff_of(practice_id) if member["state"] == "active"]

    def holding(role: StaffRole) -> tuple[str, ...]:
        return tuple(member["id"] for member in staff if role.value in member["roles"])

    assigned = {member["id"] for member in staff if client_id in member["assigned"]}
    return CareTeam(
        owners=holding(StaffRole.OWNER),
        administrators=holding(StaffRole.ADMINISTRATOR),
        therapists=tuple(one for one in holding(StaffRole.THERAPIST) if one in assigned),
        # One staff member is free, so whoever works alone counts as subscribed (row Y3).
        subscribed=frozenset(member["id"] for member in staff if member["subscribed"] or len(staff) == 1),
        available=frozenset(member["id"] for member in staff if member["available"]),
    )
