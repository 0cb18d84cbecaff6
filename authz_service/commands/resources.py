"""Registering what items are, as far as rules read it: never their content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from authz_service.commands.acting import changing
from authz_service.commands.errors import ConflictError, InvalidError
from authz_service.storage.database import ALL_PRACTICES
from models.tables.access import ResourceRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from authz_service.facts.decision import Decider
    from authz_service.facts.rows import Client
    from authz_service.storage import AccessStore
    from authz_service.storage.writing import Writer
    from authz_service.trail.changes import Origin

_ID_LENGTH = 256


@dataclass(frozen=True, slots=True)
class Registration:
    """An item with its raw properties, `client_id` among them."""

    type: str
    id: str
    properties: Mapping[str, Any]


def register_resources(
    store: AccessStore,
    decider: Decider,
    origin: Origin,
    practices: Collection[str],
    entries: Sequence[Registration],
) -> int:
    """Register items, all or none, in place of what was registered for them. Returns how many differ from before."""
    clients = _clients(store, practices, entries)
    wrong: dict[str, str] = {}
    for place, entry in enumerate(entries):
        found = _wrong(decider, entry, clients)
        wrong |= {f"resources.{place}.{name}": message for name, message in found.items()}
    if wrong:
        raise InvalidError(wrong)
    concerned = {client.practice_id for client in clients.values()}
    changed = 0
    if concerned:
        with changing(store, concerned, origin) as writer:
            for entry in entries:
                client = clients[entry.properties["client_id"]]
                changed += _register(writer, entry, client)
    return changed


def remove_resource(
    store: AccessStore, origin: Origin, practices: Collection[str], resource_type: str, resource_id: str
) -> bool:
    """Forget what an item is. False when nothing was registered within reach."""
    with store.reading(practices) as rows:
        item = rows.registered(resource_type, resource_id)
    if item is None or not _reached(practices, item["practice_id"]):
        return False
    with changing(store, (item["practice_id"],), origin) as writer:
        row = writer.current(ResourceRow, resource_type=resource_type, resource_id=resource_id)
        if row is None:
            return False
        writer.end(row)
        _record(writer, "resource.remove", row, row.properties, None)
        return True


def _clients(store: AccessStore, practices: Collection[str], entries: Sequence[Registration]) -> dict[str, Client]:
    named = {str(entry.properties.get("client_id")) for entry in entries}
    with store.reading(practices) as rows:
        found = {client_id: rows.client(client_id) for client_id in sorted(named)}
    return {key: client for key, client in found.items() if client and _reached(practices, client.practice_id)}


def _reached(practices: Collection[str], practice_id: str) -> bool:
    return practice_id in practices or ALL_PRACTICES[0] in practices


def _wrong(decider: Decider, entry: Registration, clients: Mapping[str, Client]) -> dict[str, str]:
    kinds = decider.derivation.registry.types
    if entry.type not in kinds:
        return {"type": f"{entry.type[:40]!r} is not registered; what is are {', '.join(kinds)}"}
    wrong = {}
    if not isinstance(entry.id, str) or not 0 < len(entry.id) <= _ID_LENGTH:
        wrong["id"] = f"must be a text of 1 to {_ID_LENGTH} characters"
    client_id, practice_id = entry.properties.get("client_id"), entry.properties.get("practice_id")
    client = clients.get(client_id) if isinstance(client_id, str) else None
    if client is None:
        wrong["properties.client_id"] = "there is no such client"
    elif practice_id is not None and practice_id != client.practice_id:
        wrong["properties.practice_id"] = "is not the practice of the client"
    found = decider.derivation.registry.check(entry.type, entry.properties)
    return wrong | {f"properties.{name}": message for name, message in found.items()}


def _register(writer: Writer, entry: Registration, client: Client) -> bool:
    before = writer.current(ResourceRow, resource_type=entry.type, resource_id=entry.id)
    if before is not None and before.client_id != client.id:
        raise ConflictError(f"{entry.type} {entry.id} is registered already, for another client")
    kept = {name: value for name, value in entry.properties.items() if name not in ("client_id", "practice_id")}
    if before is not None and before.properties == kept:
        return False
    old = None if before is None else before.properties
    row = writer.put(
        ResourceRow,
        practice_id=client.practice_id,
        resource_type=entry.type,
        resource_id=entry.id,
        client_id=client.id,
        properties=kept,
    )
    _record(writer, "resource.register", row, old, kept)
    return True


def _record(
    writer: Writer, action: str, row: ResourceRow, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> None:
    writer.record(
        action,
        (row.resource_type, row.resource_id),
        practice_id=row.practice_id,
        client_id=row.client_id,
        before=before,
        after=after,
    )
