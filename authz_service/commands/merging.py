"""One person who was entered twice: two accounts become one at a practice, or an empty client gives way to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from authz_service.commands.errors import ConflictError, InvalidError, NotFoundError
from authz_service.commands.grants import put_grant
from authz_service.commands.lockouts import grants_here, turn
from authz_service.storage.reading import held
from authz_service.storage.writing import values_of
from models.ids import new_grant_id
from models.tables.access import AccountRow, BlockRow, ClientRow, GrantRow, ResourceRow, WithholdRow
from models.vocabulary import GrantStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.commands.acting import Acting
    from authz_service.facts.rows import Grant
    from authz_service.storage.writing import Writer

_items = ResourceRow.__table__.c  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Merged:
    """Each grant that ended, with the one that stands in its place."""

    grants: Mapping[str, str]


def merge_accounts(acting: Acting, practice_id: str, account_id: str, into: str, reason: str | None = None) -> Merged:
    """Everything that `account_id` has at the practice is from now on had by `into`, who is the same person.

    Grants end and begin again under `into`; where `into` has the same one already, that one stays as it is. What is
    kept from either of the two, and a safety block on either, is kept from `into`: nobody sees more by a merge than
    one of the two did. An active grant is active again only if `into` has signed in, otherwise it is pending.
    """
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    if account_id == into:
        raise InvalidError({"into": "must be another account"})
    with acting.changing(practice_id, reason) as writer:
        rows = writer.reading
        if not grants_here(rows, practice_id, account_id) or not grants_here(rows, practice_id, into):
            raise NotFoundError("account")
        if rows.post(into) is not None:
            raise ConflictError(f"{into} is the id of a staff member")
        theirs = grants_here(rows, practice_id, account_id)
        for grant in theirs:  # What has ended moves nothing, but what was kept from it is kept from `into`.
            acting.require(writer, "update", ("grant", grant.id), practice_id, grant.client_id)
        moving = [grant for grant in theirs if grant.status is not GrantStatus.ENDED]
        placed = {}
        for grant in moving:
            placed[grant.id] = _move(acting, writer, grant, into)
        for client_id in sorted({grant.client_id for grant in theirs}):
            _keep_from(writer, practice_id, client_id, account_id, into)
        writer.record(
            "account.merge", ("grant", into), practice_id=practice_id, account_id=into, after={"of": account_id}
        )
        return Merged(placed)


def merge_client(acting: Acting, client_id: str, into: str, reason: str | None = None) -> None:
    """A client who was entered twice: this record, which must be empty, is no longer in care; `into` stands for it."""
    client, other = acting.client(client_id), acting.client(into)
    if client_id == into or client.practice_id != other.practice_id:
        raise InvalidError({"into": "must be another client of the practice"})
    with acting.changing(client.practice_id, reason) as writer:
        for one in (client_id, into):
            acting.require(writer, "update", ("client", one), client.practice_id, one)
        standing = [grant for grant in writer.reading.grants_on(client_id) if grant.status is not GrantStatus.ENDED]
        if standing:
            raise ConflictError(f"{client_id} is not empty: {len(standing)} people have access; end that first")
        items = writer.reading.select(*held(_items, _items.client_id == client_id))
        if items:
            raise ConflictError(
                f"{client_id} is not empty: it has {len(items)} items, such as {items[0].resource_type}"
            )
        row = writer.current(ClientRow, id=client_id)
        if row is None:
            raise NotFoundError("client")
        writer.put(ClientRow, **{**values_of(row), "active": False})
        writer.record(
            "client.merge",
            ("client", client_id),
            practice_id=client.practice_id,
            client_id=client_id,
            before={"active": row.active},
            after={"active": False, "into": into},
        )


def _move(acting: Acting, writer: Writer, grant: Grant, into: str) -> str:
    practice_id, client_id = grant.practice_id, grant.client_id
    acting.require(writer, "end", ("grant", grant.id), practice_id, client_id)
    acting.require(writer, "create", ("grant", "new"), practice_id, client_id)
    row = writer.current(GrantRow, id=grant.id)
    if row is None:
        raise NotFoundError("grant")
    values = values_of(row)
    turn(writer, row, "grant.merge", GrantStatus.ENDED)
    standing = [one for one in writer.reading.grants_on(client_id) if one.status is not GrantStatus.ENDED]
    theirs = [one for one in standing if one.account_id == into]
    if same := [one for one in theirs if one.kind is grant.kind]:
        return same[0].id
    if theirs and Kind.SELF in {grant.kind, *(one.kind for one in theirs)}:
        raise ConflictError(f"{into} cannot be both {client_id} and somebody who acts for {client_id}")
    if grant.kind is Kind.SELF:
        here = grants_here(writer.reading, practice_id, into)
        if own := [one for one in here if one.kind is Kind.SELF and one.status is not GrantStatus.ENDED]:
            raise ConflictError(f"{into} is the own account of another client: {own[0].id}")
    if writer.current(AccountRow, id=into) is None:
        raise NotFoundError("account")
    signed_in = any(one.status is GrantStatus.ACTIVE for one in grants_here(writer.reading, practice_id, into))
    status = GrantStatus.ACTIVE if signed_in else GrantStatus.PENDING
    status = GrantStatus.SUSPENDED if grant.status is GrantStatus.SUSPENDED else status
    grant_id = new_grant_id(into, client_id, lambda taken: writer.current(GrantRow, id=taken) is not None)
    made = {**values, "id": grant_id, "account_id": into, "status": status.value}
    shown = {name: value for name, value in made.items() if name not in ("id", "practice_id")}
    put_grant(writer, "grant.merge", made, None, shown)
    return grant_id


def _keep_from(writer: Writer, practice_id: str, client_id: str, account_id: str, into: str) -> None:
    about: dict[str, Any] = {"practice_id": practice_id, "client_id": client_id, "account_id": into}
    known = set(writer.reading.withheld_from(into, client_id))
    for item in writer.reading.withheld_from(account_id, client_id):
        if item not in known:
            writer.put(WithholdRow, **about, resource_type=item[0], resource_id=item[1])
            writer.record("withhold.create", item, **about)
    blocked = writer.current(BlockRow, account_id=account_id, client_id=client_id)
    if blocked is not None and writer.current(BlockRow, account_id=into, client_id=client_id) is None:
        writer.put(BlockRow, **about)
        writer.record("block.create", ("client", client_id), **about)
