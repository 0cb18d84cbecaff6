"""A practice's access data, told page by page as it stood at one instant, in the shape that an import takes."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from authz_service.commands.errors import ForbiddenError, NotFoundError
from authz_service.commands.kind_defaults import kind_defaults
from authz_service.commands.switches import SETTINGS
from authz_service.storage.practice_rows import read_practice
from models.tables.access import BlockRow
from models.vocabulary import StaffRole

if TYPE_CHECKING:
    from datetime import datetime

    from authz_service.commands.acting import Acting
    from authz_service.facts.rows import Client, Grant, Practice
    from authz_service.facts.snapshot import Snapshot
    from authz_service.storage.reading import Reading


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page: behind the client `after`, at most `limit` clients, as things stood `at`."""

    at: datetime
    after: str = ""
    limit: int = 500


def read_export(acting: Acting, practice_id: str, wanted: Wanted) -> dict[str, Any]:
    """A page of the practice's clients with all that is kept of access to them (`models.wire.imports.Export`).

    Raises ForbiddenError unless the policy lets the actor export the practice's records as things are now.
    """
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    resource, owners = ("records", practice_id), {"practice_id": practice_id}
    with acting.store.reading(acting.practices) as now:
        instant = acting.store.clock()
        decision = acting.decide_on(now, instant, "export", resource, owners)
        if decision is None or not decision.allowed:
            raise ForbiddenError(acting.origin.actor, "export", resource, (practice_id, None), decision)
        reading = acting.decide_on(now, instant, "view", ("block", practice_id), owners)
    with acting.store.reading(acting.practices, wanted.at) as rows:
        practice = rows.practice(practice_id)
        if practice is None:
            raise NotFoundError("practice")
        ids = rows.clients(practice_id)
        start = bisect_right(ids, wanted.after)
        chosen = ids[start : start + wanted.limit]
        state = read_practice(rows, practice_id, chosen)
        if state is None:
            raise NotFoundError("practice")
        may_read = reading is not None and reading.allowed
        reasons = _reasons(rows, practice_id, set(chosen)) if may_read else {}
        first = not wanted.after
        return {
            "practice": _practice(rows, practice) if first else None,
            "staff": [_staff(state, name) for name in state.staff] if first else [],
            "clients": [_client(state.clients[name]) for name in chosen],
            "grants": [_grant(grant) for grant in state.grants.values()],
            "withheld": [
                {"account_id": account_id, "client_id": client_id, "type": kind, "id": item}
                for account_id, client_id, kind, item in sorted(state.withheld)
            ],
            "blocks": [
                {"account_id": account_id, "client_id": client_id, "reason": reasons.get((account_id, client_id))}
                for account_id, client_id in sorted(state.blocks)
            ],
            "assigned": [
                {"staff_id": member.id, "client_id": client_id}
                for member in state.staff.values()
                for client_id in sorted(member.assigned.intersection(chosen))
            ],
            "at": wanted.at,
            "next": chosen[-1] if chosen and start + wanted.limit < len(ids) else "",
        }


def _practice(rows: Reading, practice: Practice) -> dict[str, Any]:
    return {
        "id": practice.id,
        "zone": practice.zone,
        **{name: getattr(practice, name) for name in SETTINGS},
        "switches": dict(practice.switches),
        "kind_defaults": {
            kind: dict(chosen.chosen) for kind, chosen in kind_defaults(rows, practice.id).items() if chosen.chosen
        },
    }


def _staff(state: Snapshot, name: str) -> dict[str, Any]:
    member = state.staff[name]
    return {
        "id": member.id,
        "roles": [role for role in StaffRole if role in member.roles],
        "state": member.state,
        "subscribed": member.subscribed,
        "may_invite": member.may_invite,
        "available": member.available,
    }


def _client(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "born": client.born,
        "self_managing": client.self_managing,
        "assent": client.assent,
        "active": client.active,
        "switches": dict(client.switches),
    }


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "account_id": grant.account_id,
        "client_id": grant.client_id,
        "kind": grant.kind,
        "status": grant.status,
        "from": grant.starts,
        "until": grant.until,
        "proof": grant.proof,
        "toggles": dict(grant.toggles),
    }


def _reasons(rows: Reading, practice_id: str, client_ids: set[str]) -> dict[tuple[str, str], str | None]:
    found = [row for row in rows.history(BlockRow, practice_id=practice_id) if rows.holds(row)]
    return {(row.account_id, row.client_id): row.reason for row in found if row.client_id in client_ids}
