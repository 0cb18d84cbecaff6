"""Fills an empty access database with a world, so that there is something to decide on from the first minute."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select

from authz_service.facts.code import day_start
from authz_service.storage.database import ALL_PRACTICES
from authz_service.trail.changes import Origin
from models.tables import access as tables
from models.tables.base import AccessTable
from models.vocabulary import GrantStatus
from models.world import load_world

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from authz_service.storage import AccessStore
    from authz_service.storage.writing import Writer
    from models.world import World

SEEDS = AccessTable.metadata.tables["seeds"]
# The world has always been as it is, so that questions about days before the seed have an answer.
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_ORIGIN = Origin(caller="kinguard", request_id="seed", actor="system/seed")


def seed_world(store: AccessStore, world_path: Path, shift_days: int = 0) -> bool:
    """Put a world's people, access and items into the database, every date moved. False when it was seeded before."""
    if seeded_day(store) is not None:
        return False
    world = load_world(world_path, shift_days)
    zone = next(iter(world.practices.values())).zone
    with store.writing(ALL_PRACTICES, _ORIGIN, "the demonstration world") as writer:
        seeded_at, writer.now = writer.now, _LONG_AGO
        _put_practices(writer, world)
        _put_people(writer, world)
        _put_access(writer, world)
        _put_items(writer, world)
        writer.now = seeded_at
        writer.seed(world_path.stem, world.now.astimezone(ZoneInfo(zone)).date())
        for practice in sorted(world.practices):
            writer.record("practice.seed", ("practice", practice), practice_id=practice)
    return True


def seeded_day(store: AccessStore) -> date | None:
    """The day that the world's frozen day became when the database was seeded; None when it never was."""
    with store.database.reading() as connection:
        return connection.scalars(select(SEEDS.c.day)).first()


def _put_practices(writer: Writer, world: World) -> None:
    for row in world.practices.values():
        writer.put(
            tables.PracticeRow,
            practice_id=row.id,
            zone=row.zone,
            teen_from=row.teen_from,
            adult_from=row.adult_from,
            plan_audience=row.plan_audience,
            contacts_allowed=row.contacts_allowed,
            card_processing=row.card_processing,
            second_factor=row.second_factor,
            staff_second_factor=row.staff_second_factor,
            notice_hours=row.notice_hours,
        )
        for feature in (feature for feature, on in row.switches.items() if not on):
            writer.put(tables.PracticeSwitchRow, practice_id=row.id, feature=feature, is_on=False)


def _put_people(writer: Writer, world: World) -> None:
    for client in world.clients.values():
        writer.put(
            tables.ClientRow,
            id=client.id,
            practice_id=client.practice,
            born=client.born,
            self_managing=client.self_managing,
            assent=client.assent,
            active=client.active,
        )
        for feature in (feature for feature, on in client.switches.items() if not on):
            ids = {"practice_id": client.practice, "client_id": client.id}
            writer.put(tables.ClientSwitchRow, **ids, feature=feature, is_on=False)
    for member in world.staff.values():
        writer.put(
            tables.StaffRow,
            id=member.id,
            practice_id=member.practice,
            state="active",
            roles=[role.value for role in member.roles],
            subscribed=member.subscribed,
            may_invite=member.may_invite,
            available=member.available,
        )
        for client_id in member.assigned:
            ids = {"practice_id": member.practice, "staff_id": member.id, "client_id": client_id}
            writer.put(tables.AssignmentRow, **ids)
    for account in world.accounts.values():
        writer.put(tables.AccountRow, id=account.id, state=account.state)


def _put_access(writer: Writer, world: World) -> None:
    for grant in world.grants.values():
        practice = world.practices[world.clients[grant.client].practice]
        values = {
            "id": grant.id,
            "practice_id": practice.id,
            "account_id": grant.account,
            "client_id": grant.client,
            "kind": grant.kind,
            "status": grant.status,
            "starts": grant.starts,
            "until": grant.until,
            "proof": grant.proof,
            "toggles": {feature.value: on for feature, on in grant.toggles.items()},
        }
        if grant.status is GrantStatus.ENDED and grant.until is not None:
            writer.put(tables.GrantRow, **{**values, "status": GrantStatus.ACTIVE})
            writer.now = day_start(grant.until, practice.zone)
        writer.put(tables.GrantRow, **values)
        writer.now = _LONG_AGO
    for kept in world.withheld:
        writer.put(
            tables.WithholdRow,
            practice_id=world.clients[kept.client].practice,
            account_id=kept.account,
            client_id=kept.client,
            resource_type=kept.type,
            resource_id=kept.id,
        )
    for block in world.blocks:
        ids = {"account_id": block.account, "client_id": block.client}
        writer.put(tables.BlockRow, practice_id=world.clients[block.client].practice, **ids)


def _put_items(writer: Writer, world: World) -> None:
    for item in world.records.values():
        writer.put(
            tables.ResourceRow,
            practice_id=item.practice,
            resource_type=item.type,
            resource_id=item.id,
            client_id=item.client,
            properties={name: value for name, value in item.properties.items() if name != "client_id"},
        )
