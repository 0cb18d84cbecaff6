"""Many grants changed in one transaction: all of them or none (rows P12, M7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.commands.acting import require_current
from authz_service.commands.errors import ForbiddenError, InvalidError, NotFoundError
from authz_service.commands.grants import action_of, change_grant
from authz_service.storage.practice_rows import read_practice
from models.tables.access import GrantRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authz_service.commands.acting import Acting
    from authz_service.facts.rows import Grant
    from authz_service.storage.writing import Writer

CHANGES_MAX = 1000
_PLACE = frozenset({"id", "etag"})


def update_grants(
    acting: Acting, practice_id: str, changes: Sequence[Mapping[str, Any]], reason: str | None = None
) -> tuple[Grant, ...]:
    """Change several grants of the practice: each entry has `id`, `etag`, and what `update_grant` can change.

    Raises StaleError, ForbiddenError or InvalidError for the first that cannot be changed; nothing is changed then.
    """
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    if len({entry["id"] for entry in changes}) != len(changes):
        raise InvalidError({"changes": "name each grant once"})
    with acting.changing(practice_id, reason) as writer:
        rows = _rows(writer, practice_id, [entry["id"] for entry in changes])
        _require_all(acting, writer, practice_id, [(entry, rows[entry["id"]]) for entry in changes])
        return tuple(_change(writer, rows[entry["id"]], entry, place) for place, entry in enumerate(changes))


def _rows(writer: Writer, practice_id: str, ids: Sequence[str]) -> dict[str, GrantRow]:
    found: dict[str, GrantRow] = {}
    for grant_id in ids:
        row = writer.current(GrantRow, id=grant_id)
        if row is None or row.practice_id != practice_id:
            raise InvalidError({"changes": f"{grant_id!r} is no grant of the practice"})
        found[grant_id] = row
    return found


def _require_all(
    acting: Acting, writer: Writer, practice_id: str, pairs: Sequence[tuple[Mapping[str, Any], GrantRow]]
) -> None:
    """Put each change to the policy, on rows that are read once for all of them."""
    access = read_practice(writer.reading, practice_id, {row.client_id for _entry, row in pairs})
    if access is None:
        raise NotFoundError("practice")
    for entry, row in pairs:
        action, resource = action_of(entry), ("grant", row.id)
        owners = {"practice_id": practice_id, "client_id": row.client_id}
        decision = acting.decide_on(access, writer.now, action, resource, owners)
        if decision is None or not decision.allowed:
            raise ForbiddenError(acting.origin.actor, action, resource, (practice_id, row.client_id), decision)
        require_current(f"grant {row.id}", row.version, entry["etag"])


def _change(writer: Writer, row: GrantRow, entry: Mapping[str, Any], place: int) -> Grant:
    try:
        return change_grant(writer, row, {name: value for name, value in entry.items() if name not in _PLACE})
    except InvalidError as error:
        raise InvalidError({f"changes.{place}.{name}": text for name, text in error.fields.items()}) from error
