"""What an import asks for: its entries read, with every fault named by the place where it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from authz_service.commands.errors import InvalidError
from authz_service.commands.fields import Fields
from authz_service.commands.grants import CHANGEABLE, PROOFS, check_window
from authz_service.commands.people import CLIENT_FIELDS, client_values
from authz_service.facts.rows import EVERYONE
from models.vocabulary import Feature, GrantStatus, Kind
from models.wire.imports import ENTRIES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

_PARTS = ("clients", "grants", "withheld", "blocks", "assigned")
_BLOCK_REASON_MAX = 500  # characters
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ClientEntry:
    """A client as asked for; `values` are those given, by column."""

    id: str
    values: Mapping[str, Any]
    switches: Mapping[Feature, bool]


@dataclass(frozen=True, slots=True)
class GrantEntry:
    """A grant as asked for; `changes` is the part of the body that a merge patch of the grant would have."""

    account_id: str
    client_id: str
    kind: Kind
    status: GrantStatus
    starts: date | None
    until: date | None
    proof: str | None
    toggles: Mapping[Feature, bool]
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WithheldEntry:
    """An item to be kept from an account."""

    account_id: str
    client_id: str
    type: str
    id: str


@dataclass(frozen=True, slots=True)
class BlockEntry:
    """A safety block to be put."""

    account_id: str
    client_id: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class AssignmentEntry:
    """A client to be assigned."""

    staff_id: str
    client_id: str


@dataclass(frozen=True, slots=True)
class Entries:
    """Every entry of an import. `wrong` maps the place of a fault to what is wrong there."""

    clients: list[ClientEntry | None]
    grants: list[GrantEntry | None]
    withheld: list[WithheldEntry | None]
    blocks: list[BlockEntry | None]
    assigned: list[AssignmentEntry | None]
    wrong: dict[str, str] = field(default_factory=dict)


def read_entries(body: Mapping[str, Any]) -> Entries:
    """The entries of a body, None in place of each that is wrong; InvalidError for what is no list of objects."""
    lists = {part: _objects(body, part) for part in _PARTS}
    wrong: dict[str, str] = {}
    return Entries(
        clients=_read(lists["clients"], "clients", _client, wrong),
        grants=_read(lists["grants"], "grants", _grant, wrong),
        withheld=_read(lists["withheld"], "withheld", _withheld, wrong),
        blocks=_read(lists["blocks"], "blocks", _block, wrong),
        assigned=_read(lists["assigned"], "assigned", _assignment, wrong),
        wrong=wrong,
    )


def _objects(body: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    found = body.get(part, [])
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise InvalidError({part: "must be a list of objects"})
    if len(found) > ENTRIES_MAX:
        raise InvalidError({part: f"has {len(found)} entries; at most {ENTRIES_MAX} are brought in at once"})
    return found


def _read(
    entries: list[Mapping[str, Any]],
    part: str,
    read: Callable[[Mapping[str, Any]], tuple[Fields, T]],
    wrong: dict[str, str],
) -> list[T | None]:
    found: list[T | None] = []
    for place, entry in enumerate(entries):
        fields, value = read(entry)
        wrong |= {f"{part}.{place}.{name}": message for name, message in fields.wrong.items()}
        found.append(None if fields.wrong else value)
    return found


def _client(body: Mapping[str, Any]) -> tuple[Fields, ClientEntry]:
    fields = Fields(body, ("id", *CLIENT_FIELDS, "switches"))
    name, values = fields.identifier("id"), client_values(fields)
    if values["born"] is None:
        fields.refuse("born", "is required, as a day such as 2017-03-09")
    switches = _on_or_off(fields, "switches")
    return fields, ClientEntry(str(name), {key: value for key, value in values.items() if value is not None}, switches)


def _grant(body: Mapping[str, Any]) -> tuple[Fields, GrantEntry]:
    fields = Fields(body, ("account_id", "client_id", "kind", *CHANGEABLE))
    account_id, client_id = fields.identifier("account_id"), fields.identifier("client_id")
    kind = fields.choice("kind", Kind)
    if "kind" not in fields:
        fields.refuse("kind", f"is required; kinds are {', '.join(Kind)}")
    status = fields.choice("status", GrantStatus) or GrantStatus.PENDING
    starts, until = fields.day("from"), fields.day("until")
    check_window(fields, starts, until)
    proof, toggles = fields.word("proof", PROOFS), _on_or_off(fields, "toggles")
    changes = {name: body[name] for name in ("from", "until", "toggles", "proof") if name in body}
    found = (str(account_id), str(client_id), kind or Kind.SELF, status, starts, until, proof, toggles, changes)
    return fields, GrantEntry(*found)


def _withheld(body: Mapping[str, Any]) -> tuple[Fields, WithheldEntry]:
    fields = Fields(body, ("account_id", "client_id", "type", "id"))
    everyone = body.get("account_id") == EVERYONE
    account_id = EVERYONE if everyone else fields.identifier("account_id")
    names = [fields.identifier(name) for name in ("client_id", "type", "id")]
    return fields, WithheldEntry(str(account_id), *map(str, names))


def _block(body: Mapping[str, Any]) -> tuple[Fields, BlockEntry]:
    fields = Fields(body, ("account_id", "client_id", "reason"))
    account_id, client_id = fields.identifier("account_id"), fields.identifier("client_id")
    reason = body.get("reason")
    if reason is not None and (not isinstance(reason, str) or len(reason) > _BLOCK_REASON_MAX):
        fields.refuse("reason", f"must be a text of up to {_BLOCK_REASON_MAX} characters, or null")
    return fields, BlockEntry(str(account_id), str(client_id), reason if isinstance(reason, str) else None)


def _assignment(body: Mapping[str, Any]) -> tuple[Fields, AssignmentEntry]:
    fields = Fields(body, ("staff_id", "client_id"))
    return fields, AssignmentEntry(str(fields.identifier("staff_id")), str(fields.identifier("client_id")))


def _on_or_off(fields: Fields, name: str) -> dict[Feature, bool]:
    found = fields.toggles(name)
    for feature, on in found.items():
        if on is None:
            fields.refuse(f"{name}.{feature}", "must be true or false")
    return {feature: on for feature, on in found.items() if on is not None}
