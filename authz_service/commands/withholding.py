"""Keeping single items, or a whole client, from a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.commands.errors import InvalidError
from authz_service.facts.rows import EVERYONE
from models.tables.access import BlockRow, WithholdRow

if TYPE_CHECKING:
    from authz_service.commands.acting import Acting
    from authz_service.facts.rows import Client, Grant
    from authz_service.storage.writing import Writer


def withhold(acting: Acting, grant_id: str, resource_type: str, resource_id: str, reason: str | None = None) -> bool:
    """Keep an item from the grant's account, now and whenever it is shared again. False when it is kept already."""
    grant = acting.grant(grant_id)
    _require_withholdable(acting, resource_type)
    with acting.changing(grant.practice_id, reason) as writer:
        acting.require(writer, "create", ("withhold", grant_id), grant.practice_id, grant.client_id)
        _require_of_client(writer, grant.client_id, resource_type, resource_id)
        if _withheld(writer, grant, resource_type, resource_id) is not None:
            return False
        writer.put(
            WithholdRow,
            practice_id=grant.practice_id,
            account_id=grant.account_id,
            client_id=grant.client_id,
            resource_type=resource_type,
            resource_id=resource_id,
        )
        _record(writer, "withhold.create", grant, (resource_type, resource_id))
        return True


def release(acting: Acting, grant_id: str, resource_type: str, resource_id: str, reason: str | None = None) -> bool:
    """Stop keeping an item from the grant's account. False when it was not kept."""
    grant = acting.grant(grant_id)
    with acting.changing(grant.practice_id, reason) as writer:
        acting.require(writer, "end", ("withhold", grant_id), grant.practice_id, grant.client_id)
        row = _withheld(writer, grant, resource_type, resource_id)
        if row is None:
            return False
        writer.end(row)
        _record(writer, "withhold.end", grant, (resource_type, resource_id))
        return True


def withhold_from_all(
    acting: Acting, client_id: str, resource_type: str, resource_id: str, reason: str | None = None
) -> bool:
    """Keep an item from everyone who represents the client, now or later (row P12). False when it is kept already."""
    client = acting.client(client_id)
    _require_withholdable(acting, resource_type)
    with acting.changing(client.practice_id, reason) as writer:
        acting.require(writer, "create", ("withhold", client_id), client.practice_id, client_id)
        _require_of_client(writer, client_id, resource_type, resource_id)
        if _withheld_from_all(writer, client, resource_type, resource_id) is not None:
            return False
        writer.put(
            WithholdRow,
            practice_id=client.practice_id,
            account_id=EVERYONE,
            client_id=client_id,
            resource_type=resource_type,
            resource_id=resource_id,
        )
        item = (resource_type, resource_id)
        writer.record("withhold.create_for_all", item, practice_id=client.practice_id, client_id=client_id)
        return True


def release_for_all(
    acting: Acting, client_id: str, resource_type: str, resource_id: str, reason: str | None = None
) -> bool:
    """Stop keeping an item from everyone; who it is kept from by name still does not get it. False when it was not."""
    client = acting.client(client_id)
    with acting.changing(client.practice_id, reason) as writer:
        acting.require(writer, "end", ("withhold", client_id), client.practice_id, client_id)
        row = _withheld_from_all(writer, client, resource_type, resource_id)
        if row is None:
            return False
        writer.end(row)
        item = (resource_type, resource_id)
        writer.record("withhold.end_for_all", item, practice_id=client.practice_id, client_id=client_id)
        return True


def block(acting: Acting, grant_id: str, reason: str) -> bool:
    """Put a safety block between the grant's account and the client, for a reason. False when there is one already."""
    grant = acting.grant(grant_id)
    if not isinstance(reason, str) or not reason.strip():
        raise InvalidError({"reason": "is required: a safety block is explained to whoever reviews it"})
    with acting.changing(grant.practice_id, reason) as writer:
        acting.require(writer, "create", ("block", grant_id), grant.practice_id, grant.client_id)
        if _block(writer, grant) is not None:
            return False
        ids = {"account_id": grant.account_id, "client_id": grant.client_id}
        writer.put(BlockRow, practice_id=grant.practice_id, **ids)
        _record(writer, "block.create", grant, ("block", grant.id))
        return True


def unblock(acting: Acting, grant_id: str, reason: str | None = None) -> bool:
    """Take the safety block away. False when there was none."""
    grant = acting.grant(grant_id)
    with acting.changing(grant.practice_id, reason) as writer:
        acting.require(writer, "end", ("block", grant_id), grant.practice_id, grant.client_id)
        row = _block(writer, grant)
        if row is None:
            return False
        writer.end(row)
        _record(writer, "block.end", grant, ("block", grant.id))
        return True


def _require_withholdable(acting: Acting, resource_type: str) -> None:
    kinds = acting.decider.derivation.registry.withholdable
    if resource_type not in kinds:
        raise InvalidError({"type": f"{resource_type[:40]!r} cannot be withheld; what can is {', '.join(kinds)}"})


def _require_of_client(writer: Writer, client_id: str, resource_type: str, resource_id: str) -> None:
    item = writer.reading.item(resource_type, resource_id)
    if item is not None and item.get("client_id") != client_id:
        raise InvalidError({"resource_id": f"this {resource_type} is not one of the grant's client"})


def _withheld_from_all(writer: Writer, client: Client, resource_type: str, resource_id: str) -> WithholdRow | None:
    ids = {"account_id": EVERYONE, "client_id": client.id}
    return writer.current(WithholdRow, resource_type=resource_type, resource_id=resource_id, **ids)


def _withheld(writer: Writer, grant: Grant, resource_type: str, resource_id: str) -> WithholdRow | None:
    ids = {"account_id": grant.account_id, "client_id": grant.client_id}
    return writer.current(WithholdRow, resource_type=resource_type, resource_id=resource_id, **ids)


def _block(writer: Writer, grant: Grant) -> BlockRow | None:
    return writer.current(BlockRow, account_id=grant.account_id, client_id=grant.client_id)


def _record(writer: Writer, action: str, grant: Grant, resource: tuple[str, str]) -> None:
    writer.record(
        action,
        resource,
        practice_id=grant.practice_id,
        client_id=grant.client_id,
        account_id=grant.account_id,
    )
