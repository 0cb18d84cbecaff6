"""The set-up check of a practice, and what the practice says of its findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from authz_service.commands.errors import InvalidError, NotFoundError
from authz_service.facts.ceilings import ceilings
from authz_service.facts.set_up import Estate, find_all
from authz_service.storage.practice_rows import read_practice
from models.ids import is_id
from models.tables.access import DismissalRow, GrantRow, ResourceRow
from models.vocabulary import GrantStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from authz_service.commands.acting import Acting
    from authz_service.engine import Policy
    from authz_service.facts.set_up import Finding
    from authz_service.storage import AccessStore
    from models.tables.access import History

REASON_CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class Dismissal:
    """A finding that the practice called right: who did, when and why."""

    finding: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """What was found, and which findings (these, or a caller's own) the practice called right.

    `holders` has the account of each grant.
    """

    findings: list[Finding]
    dismissals: list[Dismissal]
    holders: Mapping[str, str]


def check_set_up(store: AccessStore, policy: Policy, practice_id: str) -> Check:
    """Look through a practice's grants, switches and staff. Raises NotFoundError for an unknown practice."""
    with store.reading((practice_id,)) as rows:
        snapshot = read_practice(rows, practice_id)
        if snapshot is None:
            raise NotFoundError("practice")
        grants, items, kept = _columns(GrantRow), _columns(ResourceRow), _columns(DismissalRow)
        waiting = select(grants.id, grants.valid_from).where(
            grants.practice_id == practice_id, grants.status == GrantStatus.PENDING.value, grants.valid_to.is_(None)
        )
        current = (items.practice_id == practice_id, items.valid_to.is_(None))
        threads = select(items.properties).where(*current, items.resource_type == "thread")
        with_items = select(items.client_id).where(*current, items.client_id.is_not(None)).distinct()
        calm = select(kept.finding, kept.reason, kept.changed_by, kept.valid_from)
        calm = calm.where(kept.practice_id == practice_id, kept.valid_to.is_(None)).order_by(kept.valid_from.desc())
        estate = Estate(
            rows=snapshot,
            practice=snapshot.practices[practice_id],
            now=store.clock(),
            ceilings=ceilings(policy),
            waiting={row.id: row.valid_from for row in rows.select(waiting, waiting)},
            thread_providers=frozenset(str(row.properties.get("provider_id")) for row in rows.select(threads, threads)),
            clients_with_items=frozenset(row.client_id for row in rows.select(with_items, with_items)),
        )
        dismissals = [
            Dismissal(row.finding, row.reason or "", row.changed_by, row.valid_from) for row in rows.select(calm, calm)
        ]
    holders = {grant.id: grant.account_id for grant in snapshot.grants.values()}
    return Check(find_all(estate), dismissals, holders)


def _columns(table: type[History]) -> Any:
    return table.__table__.c  # type: ignore[attr-defined]


def dismiss_finding(acting: Acting, practice_id: str, finding: str, reason: str) -> None:
    """Call a finding right, for a reason, so that it is shown no more; it may be one of the caller's own checks."""
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    wrong = {}
    if not is_id(finding):
        wrong["finding"] = "must be the id of a finding"
    if not 0 < len(reason.strip()) <= REASON_CHARACTERS_MAX:
        wrong["reason"] = f"say why, in up to {REASON_CHARACTERS_MAX} characters"
    if wrong:
        raise InvalidError(wrong)
    with acting.changing(practice_id, reason.strip()) as writer:
        acting.require(writer, "update", ("practice", practice_id), practice_id)
        if writer.current(DismissalRow, practice_id=practice_id, finding=finding) is None:
            writer.put(DismissalRow, practice_id=practice_id, finding=finding)
            writer.record("finding.dismiss", ("finding", finding), practice_id=practice_id)


def restore_finding(acting: Acting, practice_id: str, finding: str) -> None:
    """Show a finding again."""
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    with acting.changing(practice_id) as writer:
        acting.require(writer, "update", ("practice", practice_id), practice_id)
        row = writer.current(DismissalRow, practice_id=practice_id, finding=finding)
        if row is not None:
            writer.end(row)
            writer.record("finding.restore", ("finding", finding), practice_id=practice_id)
