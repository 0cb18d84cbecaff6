"""The one cast: reads a world file (`policy_tests/world/northgate.yaml`) for the seeds of both services and for tests.

Every date of the file is as of its frozen day; `shift_days` moves all of them together, so that it becomes another day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import yaml

from models.vocabulary import (
    AgeClass,
    Feature,
    GrantStatus,
    Kind,
    PlanAudience,
    SelfManaging,
    StaffRole,
    default_toggles,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# The raw properties that a question about an item may carry besides `client_id`; what else an item has is for display.
RAW_PROPERTIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "appointment": ("provider_id", "state", "starts_at"),
        "invoice": ("addressee_id", "state", "balance_due_cents"),
        "payment": ("payer_id",),
        "document": ("category", "state", "signer_rule", "signer_ids", "copy_of"),
        "form": ("state", "filler_id", "signer_rule", "signer_ids"),
        "thread": ("provider_id", "participant_ids"),
        "service_plan": ("state",),
        "clinical_note": (),
        "treatment_plan": (),
    }
)
_DATE_IN_TEXT = re.compile(r"\{(\d{4}-\d{2}-\d{2})\}")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LOCAL_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")


class WorldError(ValueError):
    """The world file says something that cannot be; the message names the entry."""


@dataclass(frozen=True, slots=True)
class Practice:
    """A tenant. `letterhead` is display content: tagline, address lines, phone, email, hours, emergency."""

    id: str
    name: str
    state: str
    zone: str  # IANA name
    teen_from: int
    adult_from: int
    plan_audience: PlanAudience
    contacts_allowed: bool
    card_processing: bool
    second_factor: bool
    staff_second_factor: bool
    notice_hours: int
    switches: Mapping[Feature, bool]  # every feature
    letterhead: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A member of a practice's staff; `assigned` holds client ids."""

    id: str
    practice: str
    name: str
    title: str
    email: str
    roles: tuple[StaffRole, ...]
    subscribed: bool
    may_invite: bool
    available: bool
    assigned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Availability:
    """When a staff member offers times. `hours` are (weekday from 0 for Monday, from, until), minutes from midnight."""

    staff: str
    slot_minutes: int
    title: str
    place: str
    hours: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Client:
    """A person in care."""

    id: str
    practice: str
    name: str
    preferred: str
    born: date
    self_managing: SelfManaging
    assent: str
    active: bool
    switches: Mapping[Feature, bool]  # every feature


@dataclass(frozen=True, slots=True)
class Account:
    """A family's login; without `signs_in` there is no credential yet."""

    id: str
    name: str
    email: str
    phone: str
    address: tuple[str, ...]
    state: str
    signs_in: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """Account x client x kind, with every toggle; the window is [starts, until) in days of the practice's zone."""

    id: str
    account: str
    client: str
    kind: Kind
    status: GrantStatus
    starts: date | None
    until: date | None
    proof: str
    toggles: Mapping[Feature, bool]


@dataclass(frozen=True, slots=True)
class Withhold:
    """One item kept from one account."""

    account: str
    client: str
    type: str
    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Block:
    """A safety block between an account and a client."""

    account: str
    client: str
    why: str


@dataclass(frozen=True, slots=True)
class Item:
    """A record. `properties` are raw, as in a question (`client_id` among them; instants in UTC, RFC 3339).

    `display` is the rest: dates are `date`, instants aware `datetime` in the practice's zone, texts as written.
    """

    type: str
    id: str
    client: str
    practice: str
    properties: Mapping[str, Any]
    display: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """Everyone and everything, at `now`: noon of the frozen day, moved by the shift, in UTC."""

    now: datetime
    practices: Mapping[str, Practice]
    staff: Mapping[str, StaffMember]
    availability: Mapping[str, Availability]
    clients: Mapping[str, Client]
    accounts: Mapping[str, Account]
    grants: Mapping[str, Grant]
    withheld: tuple[Withhold, ...]
    blocks: tuple[Block, ...]
    records: Mapping[tuple[str, str], Item]

    @property
    def items(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Type, id and raw properties of every item, in the file's order."""
        return ((item.type, item.id, item.properties) for item in self.records.values())

    def display(self, item_type: str, item_id: str) -> Mapping[str, Any]:
        """What is shown of an item; KeyError when there is none."""
        return self.records[item_type, item_id].display


def load_world(path: Path, shift_days: int = 0) -> World:
    """Read a world file and add `shift_days` to each of its dates. Raises WorldError naming the entry that is wrong."""
    with path.open(encoding="utf-8") as stream:
        return _Reader(yaml.safe_load(stream), timedelta(days=shift_days)).world()


class _Reader:
    def __init__(self, data: dict[str, Any], shift: timedelta) -> None:
        self.data = data
        self.shift = shift
        self.practices = {key: self._practice(key, row) for key, row in data["practices"].items()}
        self.clients = {key: self._client(key, row) for key, row in data["clients"].items()}
        frozen_zone = next(iter(self.practices.values())).zone
        self.now = self._instant(data["frozen"], frozen_zone)

    def world(self) -> World:
        data = self.data
        staff = {key: self._staff(key, row) for key, row in data["staff"].items()}
        accounts = {key: self._account(key, row) for key, row in data["accounts"].items()}
        grants = {key: self._grant(key, row, accounts) for key, row in data["grants"].items()}
        listed = ((kind, key, row) for kind, rows in data["items"].items() for key, row in rows.items())
        records = {(kind, key): self._item(kind, key, row) for kind, key, row in listed}
        withheld = tuple(Withhold(**row) for row in data["withheld"])
        granted = {(grant.account, grant.client) for grant in grants.values()}
        for row in withheld:
            if (row.type, row.id) not in records or (row.account, row.client) not in granted:
                raise WorldError(f"withheld {row.type} {row.id}: no such item, or no grant of {row.account} for it")
        return World(
            now=self.now,
            practices=MappingProxyType(self.practices),
            staff=MappingProxyType(staff),
            availability=MappingProxyType(self._availability(staff)),
            clients=MappingProxyType(self.clients),
            accounts=MappingProxyType(accounts),
            grants=MappingProxyType(grants),
            withheld=withheld,
            blocks=tuple(Block(**row) for row in data["blocks"]),
            records=MappingProxyType(records),
        )

    def _practice(self, key: str, row: dict[str, Any]) -> Practice:
        row = row | {"plan_audience": PlanAudience(row["plan_audience"]), "switches": _switches(row["switches"])}
        return Practice(id=key, **row)

    def _client(self, key: str, row: dict[str, Any]) -> Client:
        if row["practice"] not in self.practices:
            raise WorldError(f"client {key}: no practice {row['practice']}")
        row = row | {
            "born": row["born"] + self.shift,
            "self_managing": SelfManaging(row["self_managing"]),
            "switches": _switches(row["switches"]),
        }
        return Client(id=key, **row)

    def _staff(self, key: str, row: dict[str, Any]) -> StaffMember:
        own = {client.id for client in self.clients.values() if client.practice == row["practice"]}
        if strangers := set(row["assigned"]) - own:
            raise WorldError(f"staff {key}: assigned to {min(strangers)}, who is no client of {row['practice']}")
        roles = tuple(StaffRole(role) for role in row["roles"])
        return StaffMember(id=key, **(row | {"roles": roles, "assigned": tuple(row["assigned"])}))

    def _availability(self, staff: dict[str, StaffMember]) -> dict[str, Availability]:
        found = {}
        for key, row in self.data.get("availability", {}).items():
            if key not in staff or not staff[key].available:
                raise WorldError(f"availability {key}: no staff member of this id offers times")
            days = ((_WEEKDAYS.index(day), span) for day, spans in row["hours"].items() for span in spans)
            hours = tuple((weekday, begins, ends) for weekday, (begins, ends) in days)
            found[key] = Availability(staff=key, **(row | {"hours": hours}))
        return found

    def _account(self, key: str, row: dict[str, Any]) -> Account:
        return Account(id=key, **({"signs_in": True} | row | {"address": tuple(row["address"])}))

    def _grant(self, key: str, row: dict[str, Any], accounts: dict[str, Account]) -> Grant:
        account, client = row["account"], row["client"]
        if key != f"g_{account}_{client}" or account not in accounts or client not in self.clients:
            raise WorldError(f"grant {key}: is not g_<account>_<client> of an account and a client that exist")
        kind = Kind(row["kind"])
        changed = {Feature(name): on for name, on in row["toggles"].items()}
        toggles = dict(default_toggles(kind, self._age(self.clients[client]))) | changed
        return Grant(
            id=key,
            account=account,
            client=client,
            kind=kind,
            status=GrantStatus(row["status"]),
            starts=row["from"] and row["from"] + self.shift,
            until=row["until"] and row["until"] + self.shift,
            proof=row["proof"],
            toggles=MappingProxyType(toggles),
        )

    def _age(self, client: Client) -> AgeClass:
        practice = self.practices[client.practice]
        today = self.now.astimezone(ZoneInfo(practice.zone)).date()
        years = today.year - client.born.year - ((today.month, today.day) < (client.born.month, client.born.day))
        if years >= practice.adult_from:
            return AgeClass.ADULT
        return AgeClass.TEEN if years >= practice.teen_from else AgeClass.CHILD

    def _item(self, kind: str, key: str, row: dict[str, Any]) -> Item:
        if row.get("client_id") not in self.clients:
            raise WorldError(f"{kind} {key}: no client {row.get('client_id')}")
        names = ("client_id", *RAW_PROPERTIES[kind])
        if absent := [name for name in names if name not in row]:
            raise WorldError(f"{kind} {key}: {absent[0]} is missing; write null when there is none")
        practice = self.practices[self.clients[row["client_id"]].practice]
        shifted = self._shifted(row, practice.zone)
        raw = {name: shifted[name] for name in names}
        if "starts_at" in raw:
            raw["starts_at"] = raw["starts_at"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        display = {name: value for name, value in shifted.items() if name == "starts_at" or name not in names}
        return Item(kind, key, row["client_id"], practice.id, MappingProxyType(raw), MappingProxyType(display))

    def _shifted(self, value: Any, zone: str) -> Any:
        if isinstance(value, dict):
            return {key: self._shifted(part, zone) for key, part in value.items()}
        if isinstance(value, list):
            return [self._shifted(part, zone) for part in value]
        if isinstance(value, date):
            return value + self.shift
        if not isinstance(value, str):
            return value
        if _LOCAL_INSTANT.fullmatch(value):
            return self._instant(value, zone).astimezone(ZoneInfo(zone))
        return _DATE_IN_TEXT.sub(self._written_out, value)

    def _instant(self, text: str, zone: str) -> datetime:
        local = datetime.fromisoformat(text) + self.shift  # The local hour stays, also across a change of the clocks.
        return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

    def _written_out(self, match: re.Match[str]) -> str:
        day = date.fromisoformat(match[1]) + self.shift
        return f"{day:%B} {day.day}, {day.year}"


def _switches(off: dict[str, bool]) -> Mapping[Feature, bool]:
    return MappingProxyType(dict.fromkeys(Feature, True) | {Feature(name): on for name, on in off.items()})
