"""Accepting an invitation with a sign-in that one has already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.commands.acting import changing
from authz_service.commands.errors import ConflictError, NotFoundError
from authz_service.storage.writing import values_of
from models.ids import new_grant_id
from models.tables.access import AccountRow, GrantRow
from models.vocabulary import GrantStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz_service.facts.rows import Grant
    from authz_service.storage import AccessStore
    from authz_service.storage.reading import Reading
    from authz_service.storage.writing import Writer
    from authz_service.trail.changes import Origin


def accept_invitation(
    store: AccessStore, origin: Origin, practices: Iterable[str], account_id: str, invited_as: str
) -> dict[str, str]:
    """The pending grants of `invited_as`, an account that never signed in, become active ones of `account_id`.

    Returns the new grant of each old one; of several accounts that accept at once, one gets them and the others none.
    Raises ConflictError where a grant does not fit the account, and for an account that is in use.
    """
    with store.reading(practices) as rows:
        if rows.account(invited_as) is None:
            raise NotFoundError("account")
        waiting = {grant.practice_id for grant in _pending(rows, invited_as)}
    if not waiting:
        return {}
    if invited_as == account_id:
        raise ConflictError("an invitation is accepted with another account; one's own begins with the first login")
    moved: dict[str, str] = {}
    with changing(store, waiting, origin) as writer:
        if writer.reading.post(account_id) is not None:
            raise ConflictError(f"{account_id} is the id of a staff member")
        if any(grant.status is GrantStatus.ACTIVE for grant in writer.reading.grants_of(invited_as)):
            raise ConflictError(f"{invited_as} has signed in already")
        if writer.current(AccountRow, id=account_id) is None:
            writer.put(AccountRow, id=account_id, state="active")
        for grant in _pending(writer.reading, invited_as):
            if grant.practice_id in waiting:
                moved[grant.id] = _move(writer, grant, account_id)
    return moved


def _move(writer: Writer, grant: Grant, account_id: str) -> str:
    old = writer.current(GrantRow, id=grant.id)
    if old is None:
        raise NotFoundError("grant")
    values = values_of(old)
    _write(writer, {**values, "status": GrantStatus.ENDED.value}, {"status": GrantStatus.ENDED.value})
    standing = [other for other in writer.reading.grants_on(grant.client_id) if other.status is not GrantStatus.ENDED]
    same = [other for other in standing if other.account_id == account_id and other.kind is grant.kind]
    if same:
        return same[0].id
    if grant.kind is Kind.SELF:
        own = [other for other in writer.reading.grants_of(account_id) if other.practice_id == grant.practice_id]
        if any(other.kind is Kind.SELF and other.status is not GrantStatus.ENDED for other in own):
            raise ConflictError(f"{account_id} is the own account of another client")
    grant_id = new_grant_id(account_id, grant.client_id, lambda taken: writer.current(GrantRow, id=taken) is not None)
    after = {**values, "account_id": account_id, "status": GrantStatus.ACTIVE.value}
    shown = {name: value for name, value in after.items() if name not in ("id", "practice_id")}
    _write(writer, {**after, "id": grant_id}, shown)
    return grant_id


def _write(writer: Writer, values: dict[str, object], after: dict[str, object]) -> None:
    row = writer.put(GrantRow, **values)
    writer.record(
        "grant.accept",
        ("grant", row.id),
        practice_id=row.practice_id,
        client_id=row.client_id,
        account_id=row.account_id,
        before={"status": GrantStatus.PENDING.value} if row.status == GrantStatus.ENDED else None,
        after=after,
    )


def _pending(rows: Reading, account_id: str) -> list[Grant]:
    return [grant for grant in rows.grants_of(account_id) if grant.status is GrantStatus.PENDING]
