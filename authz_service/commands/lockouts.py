"""Taking all access at one practice from a person, and giving it back; and an invitation that is declined.

A sign-in is a person's own and may serve several practices: none of them locks it, each closes its own door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.commands.acting import changing
from authz_service.commands.errors import ConflictError, NotFoundError
from authz_service.commands.grants import put_grant, status_before
from authz_service.storage.writing import values_of
from models.tables.access import GrantRow
from models.vocabulary import GrantStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from authz_service.commands.acting import Acting
    from authz_service.facts.rows import Grant
    from authz_service.storage import AccessStore
    from authz_service.storage.reading import Reading
    from authz_service.storage.writing import Writer
    from authz_service.trail.changes import Origin

_OPEN = (GrantStatus.PENDING, GrantStatus.ACTIVE)


def lock_out(acting: Acting, practice_id: str, account_id: str, reason: str | None = None) -> tuple[Grant, ...]:
    """Suspend every grant of an account in the practice, in one change. Returns the account's grants there."""
    return _turn(acting, practice_id, account_id, _OPEN, reason)


def let_back(acting: Acting, practice_id: str, account_id: str, reason: str | None = None) -> tuple[Grant, ...]:
    """Resume every suspended grant of the account in the practice: each is again what it was before."""
    return _turn(acting, practice_id, account_id, (GrantStatus.SUSPENDED,), reason)


def decline_invitation(
    store: AccessStore, origin: Origin, practices: Iterable[str], account_id: str
) -> tuple[str, ...]:
    """Whoever was invited as this account says no: its pending grants end. Returns their ids.

    ConflictError for an account that is in use: access that one has is given back to the practice, not declined.
    """
    with store.reading(practices) as rows:
        if rows.account(account_id) is None:
            raise NotFoundError("account")
        pending = [grant for grant in rows.grants_of(account_id) if grant.status is GrantStatus.PENDING]
    if not pending:
        return ()
    ended = []
    with changing(store, {grant.practice_id for grant in pending}, origin) as writer:
        if any(grant.status is GrantStatus.ACTIVE for grant in writer.reading.grants_of(account_id)):
            raise ConflictError(f"{account_id} has signed in already")
        for grant in pending:
            row = writer.current(GrantRow, id=grant.id)
            if row is not None and row.status == GrantStatus.PENDING:
                turn(writer, row, "grant.decline", GrantStatus.ENDED)
                ended.append(grant.id)
    return tuple(ended)


def turn(writer: Writer, row: GrantRow, action: str, status: GrantStatus) -> None:
    """Give a grant another status, and record it."""
    values = {**values_of(row), "status": status.value}
    put_grant(writer, action, values, {"status": row.status}, {"status": status.value})


def grants_here(rows: Reading, practice_id: str, account_id: str) -> tuple[Grant, ...]:
    """The account's grants in the practice."""
    return tuple(grant for grant in rows.grants_of(account_id) if grant.practice_id == practice_id)


def _turn(
    acting: Acting, practice_id: str, account_id: str, turned: Sequence[GrantStatus], reason: str | None
) -> tuple[Grant, ...]:
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    with acting.changing(practice_id, reason) as writer:
        found = grants_here(writer.reading, practice_id, account_id)
        if not found:
            raise NotFoundError("account")
        acting.require(writer, "update", ("grant", found[0].id), practice_id, found[0].client_id)
        for grant in found:
            row = writer.current(GrantRow, id=grant.id)
            if row is None or row.status not in turned:
                continue
            acting.require(writer, "update", ("grant", grant.id), practice_id, grant.client_id)
            back = row.status == GrantStatus.SUSPENDED
            status = status_before(writer.reading, grant.id) if back else GrantStatus.SUSPENDED
            turn(writer, row, "grant.update", status)
        return grants_here(writer.reading, practice_id, account_id)
