"""How the clients of a practice stand, and what its plan counts (rows W14, W15, Y2, Y3)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import true

from authz_service.facts.derive import subscribed_staff
from authz_service.storage.reading import held
from models.tables.access import AccountRow, ClientRow, GrantRow
from models.vocabulary import GrantStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from authz_service.storage.reading import Reading

FREE_STAFF = 1  # one staff member of a practice is free (row Y3)

_clients = ClientRow.__table__.c  # type: ignore[attr-defined]
_grants = GrantRow.__table__.c  # type: ignore[attr-defined]
_accounts = AccountRow.__table__.c  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Standing:
    """A client, and how many people have access by status; `locked` are people whose sign-in is locked."""

    id: str
    born: date
    self_managing: str
    assent: str
    active: bool
    version: int
    people: dict[str, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """What the plan of a practice counts. Contacts are counted for information only: they never cost anything."""

    clients: int
    active_clients: int
    contacts: int
    staff: int
    subscribed_staff: int
    charged_staff: int


def roster(
    rows: Reading, practice_id: str, ids: Sequence[str] | None, active: bool | None, page: tuple[str, int]
) -> tuple[list[Standing], str]:
    """Clients in order of id, those named or all; and where the next page begins, empty on the last.

    `page` is the id behind which it begins, and how many it has at most; `active` None is both.
    """
    after, limit = page
    own = _clients.practice_id == practice_id
    found = rows.select(*held(_clients, own, true() if ids is None else _clients.id.in_(ids)))
    wanted = [row for row in found if active in (None, row.active) and row.id > after]
    kept = sorted(wanted, key=lambda row: str(row.id))
    shown, more = kept[:limit], len(kept) > limit
    people = _people(rows, [row.id for row in shown])
    standings = [
        Standing(row.id, row.born, row.self_managing, row.assent, row.active, row.version, people[row.id])
        for row in shown
    ]
    return standings, shown[-1].id if more else ""


def count_people(rows: Reading, practice_id: str) -> Counts:
    """The counts as they are now."""
    clients = rows.select(*held(_clients, _clients.practice_id == practice_id))
    grants = rows.select(*held(_grants, _grants.practice_id == practice_id))
    standing = [row for row in grants if row.status != GrantStatus.ENDED]
    own = {row.account_id for row in standing if row.kind == Kind.SELF}
    staff = [member for member in rows.staff(practice_id) if member.state == "active"]
    subscribed = subscribed_staff(staff)
    return Counts(
        clients=len(clients),
        active_clients=sum(row.active for row in clients),
        contacts=len({row.account_id for row in standing} - own),
        staff=len(staff),
        subscribed_staff=len(subscribed),
        charged_staff=max(0, len(subscribed) - FREE_STAFF),
    )


def _people(rows: Reading, client_ids: list[str]) -> dict[str, dict[str, int]]:
    counted: dict[str, Counter[str]] = {client_id: Counter() for client_id in client_ids}
    if not client_ids:
        return {}
    grants: Sequence[Any] = rows.select(*held(_grants, _grants.client_id.in_(client_ids)))
    among = _accounts.id.in_({row.account_id for row in grants})
    locked = {row.id for row in rows.select(*held(_accounts, among, _accounts.state == "locked"))}
    for row in grants:
        is_locked = row.account_id in locked and row.status != GrantStatus.ENDED
        counted[row.client_id]["locked" if is_locked else row.status] += 1
    return {key: dict(counts) for key, counts in counted.items()}
