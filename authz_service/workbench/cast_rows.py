"""The rows of a world: access data that questions can be put to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.facts import rows
from authz_service.facts.snapshot import Snapshot

if TYPE_CHECKING:
    from models import world as cast
    from models.world import World


def access(world: World) -> Snapshot:
    """The access data of a world, with every item registered."""
    return Snapshot(
        practices=[_practice(row) for row in world.practices.values()],
        clients=[_client(row) for row in world.clients.values()],
        accounts=[rows.Account(row.id, row.state) for row in world.accounts.values()],
        staff=[_staff(row) for row in world.staff.values()],
        grants=[_grant(row, world.clients[row.client].practice) for row in world.grants.values()],
        withheld=[(row.account, row.client, row.type, row.id) for row in world.withheld],
        blocks=[(row.account, row.client) for row in world.blocks],
        items={key: dict(item.properties) | {"practice_id": item.practice} for key, item in world.records.items()},
    )


def _practice(row: cast.Practice) -> rows.Practice:
    return rows.Practice(
        id=row.id,
        zone=row.zone,
        teen_from=row.teen_from,
        adult_from=row.adult_from,
        plan_audience=row.plan_audience,
        contacts_allowed=row.contacts_allowed,
        card_processing=row.card_processing,
        second_factor=row.second_factor,
        staff_second_factor=row.staff_second_factor,
        notice_hours=row.notice_hours,
        switches=row.switches,
    )


def _client(row: cast.Client) -> rows.Client:
    return rows.Client(
        id=row.id,
        practice_id=row.practice,
        born=row.born,
        self_managing=row.self_managing,
        assent=row.assent,
        active=row.active,
        switches=row.switches,
    )


def _staff(row: cast.StaffMember) -> rows.Staff:
    return rows.Staff(
        id=row.id,
        practice_id=row.practice,
        roles=frozenset(row.roles),
        subscribed=row.subscribed,
        may_invite=row.may_invite,
        available=row.available,
        assigned=frozenset(row.assigned),
    )


def _grant(row: cast.Grant, practice_id: str) -> rows.Grant:
    return rows.Grant(
        id=row.id,
        account_id=row.account,
        client_id=row.client,
        practice_id=practice_id,
        kind=row.kind,
        status=row.status,
        toggles=row.toggles,
        starts=row.starts,
        until=row.until,
        proof=row.proof,
    )
