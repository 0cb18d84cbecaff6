"""Fills an empty records database with the demo practices, as of the day the demo began."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from gateway.account.demo import demo_contacts, invite_demo
from gateway.account.passwords import canonical, hash_password
from gateway.portal.intake.seeding import seed_form
from gateway.portal.intake.standard import standard_forms
from gateway.portal.messages.demo import demo_messages
from gateway.records.store import outbox_entry
from models.tables.identity import Credential, Person
from models.tables.records import ITEMS, Client, ClientHome, DemoSeed, Form, Item, Practice, Thread
from models.tables.scheduling import Availability
from models.vocabulary import SubjectType
from models.world import load_world

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gateway.records.store import RecordsStore
    from models.world import Availability as WorldAvailability
    from models.world import Item as WorldItem
    from models.world import World

PUBLISHED_DAYS = 165  # since the demo's forms took effect
DEMO_PASSWORD = "northgate-demo-2026"  # noqa: S105 - public; the demo profile alone has anyone who can use it.


def seed(
    store: RecordsStore,
    world_file: Path,
    demo_day: date | None,
    clock: Callable[[], datetime],
    public_url: str = "http://127.0.0.1:8080",
) -> bool:
    """Seed unless something is there already; returns whether it did. Mails lead to `public_url`."""
    with store.session(None) as session:
        if session.exec(select(Practice.id)).first() is not None:
            return False
    world = load_world(world_file)
    zone = ZoneInfo(next(iter(world.practices.values())).zone)
    day = demo_day or clock().astimezone(zone).date()
    shift = (day - world.now.astimezone(zone).date()).days
    if shift:
        world = load_world(world_file, shift)
    for practice_id in world.practices:
        with store.session(practice_id) as session:
            session.add_all(_content(world, practice_id))
            session.add_all(demo_contacts(world, practice_id, clock()))
    with store.session(None) as session:
        session.add_all(_people(world))
        session.add_all(_credentials(world))
        session.add(DemoSeed(day=day))
    for practice_id in world.practices:
        with store.session(practice_id, writing=True) as session:
            invite_demo(session, world, practice_id, clock(), public_url)
    return True


def is_demo(session: Session) -> bool:
    """Whether the database was ever filled with demo data."""
    return session.exec(select(DemoSeed)).first() is not None


def _content(world: World, practice_id: str) -> list[Any]:
    practice = world.practices[practice_id]
    kept = Practice(id=practice.id, name=practice.name, zone=practice.zone, letterhead=dict(practice.letterhead))
    published = (world.now - timedelta(days=PUBLISHED_DAYS)).date()
    templates = standard_forms(practice_id, effective_on=published, now=world.now)
    rows: list[Any] = [kept, *templates.values()]
    clients = {
        client.id: Client(
            id=client.id, practice_id=practice_id, name=client.name, preferred=client.preferred, born=client.born
        )
        for client in world.clients.values()
        if client.practice == practice_id
    }
    for client in clients.values():
        rows += [ClientHome(client_id=client.id, practice_id=practice_id), client]
    rows += [
        _hours(row, practice_id)
        for row in world.availability.values()
        if world.staff[row.staff].practice == practice_id
    ]
    for entry in world.records.values():
        if entry.practice == practice_id:
            item = _item(entry)
            rows += [item, outbox_entry(entry.type, item)]
            if isinstance(item, Thread):
                rows += demo_messages(entry, item)
            if isinstance(item, Form) and item.filler_id:
                filler = world.accounts[item.filler_id].name
                seed_form(item, templates[entry.display["template"]], kept, clients[item.client_id], filler)
    return rows


def _hours(row: WorldAvailability, practice_id: str) -> Availability:
    return Availability(
        staff_id=row.staff,
        practice_id=practice_id,
        slot_minutes=row.slot_minutes,
        title=row.title,
        place=row.place,
        hours=[{"weekday": day, "from": begins, "until": ends} for day, begins, ends in row.hours],
    )


def _item(entry: WorldItem) -> Item:
    table = ITEMS[entry.type]
    values: dict[str, Any] = {**entry.properties, **entry.display}  # An appointment's instant is in both.
    columns = table.__table__.columns  # type: ignore[attr-defined]
    known = {name: _plain(values[name]) for name in columns.keys() & values.keys()}
    return table(id=entry.id, practice_id=entry.practice, **known)


def _plain(value: Any) -> Any:
    """What a column can hold: days and instants inside a list or object become text."""
    return _as_json(value) if isinstance(value, list | dict) else value


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_as_json(part) for part in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else value


def _people(world: World) -> list[Person]:
    staff = [
        Person(
            subject_type=SubjectType.STAFF,
            subject_id=member.id,
            name=member.name,
            email=member.email,
            practice_id=member.practice,
            title=member.title,
        )
        for member in world.staff.values()
    ]
    accounts = [
        Person(
            subject_type=SubjectType.ACCOUNT,
            subject_id=account.id,
            name=account.name,
            email=account.email,
            phone=account.phone,
            address=list(account.address),
        )
        for account in world.accounts.values()
    ]
    return staff + accounts


def _credentials(world: World) -> list[Credential]:
    who: Mapping[str, SubjectType] = {
        **dict.fromkeys(world.staff, SubjectType.STAFF),
        **{account.id: SubjectType.ACCOUNT for account in world.accounts.values() if account.signs_in},
    }
    password_hash = hash_password(DEMO_PASSWORD)  # One for all: nothing is hidden by salting a password that is public.
    now = datetime.now(UTC)
    addresses = {
        **{(SubjectType.STAFF, member.id): member.email for member in world.staff.values()},
        **{(SubjectType.ACCOUNT, account.id): account.email for account in world.accounts.values()},
    }
    return [
        Credential(
            username=canonical(name),
            subject_type=kind,
            subject_id=name,
            password_hash=password_hash,
            changed_at=now,
            address=canonical(addresses[kind, name]),
        )
        for name, kind in who.items()
    ]
