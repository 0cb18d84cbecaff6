"""With what a new grant of each kind begins at a practice (conflict c4: below the ceiling, above the single grant)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from authz_service.commands.acting import require_current
from authz_service.commands.errors import InvalidError, NotFoundError
from authz_service.commands.fields import Fields
from authz_service.facts.ceilings import ceilings
from authz_service.storage.reading import held
from authz_service.storage.writing import values_of
from models.tables.access import KindDefaultsRow
from models.vocabulary import AgeClass, Feature, Kind, default_toggles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.commands.acting import Acting
    from authz_service.storage.reading import Reading

_UNTOUCHED = 0  # the version of defaults that the practice never changed


@dataclass(frozen=True, slots=True)
class KindDefaults:
    """What the practice chose for a kind, on or off; a feature that is not named begins as `default_toggles` says."""

    kind: Kind
    chosen: Mapping[Feature, bool]
    version: int = _UNTOUCHED


def kind_defaults(rows: Reading, practice_id: str) -> dict[Kind, KindDefaults]:
    """The practice's choices for every kind."""
    columns = KindDefaultsRow.__table__.c  # type: ignore[attr-defined]
    found = {Kind(row.kind): row for row in rows.select(*held(columns, columns.practice_id == practice_id))}
    return {
        kind: KindDefaults(kind, {Feature(name): on for name, on in row.toggles.items()}, row.version)
        if (row := found.get(kind))
        else KindDefaults(kind, {})
        for kind in Kind
    }


def starting_toggles(rows: Reading, practice_id: str, kind: Kind, age: AgeClass) -> dict[Feature, bool]:
    """The toggles with which a new grant of the kind begins: every feature, on or off."""
    return {**default_toggles(kind, age), **kind_defaults(rows, practice_id)[kind].chosen}


def update_kind_defaults(
    acting: Acting, practice_id: str, kind_name: str, body: Mapping[str, Any], etag: str | None = None
) -> KindDefaults:
    """Choose `toggles` for a kind: on, off, or null for the usual; grants that there are stay as they are.

    Raises InvalidError for a feature that the kind can never have.
    """
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    if kind_name not in set(Kind):
        raise InvalidError({"kind": f"{kind_name[:40]!r} is no kind; kinds are {', '.join(Kind)}"})
    kind, fields = Kind(kind_name), Fields(body, ("toggles",))
    changed = fields.toggles("toggles")
    within = ceilings(acting.decider.policy)[kind]
    for feature, on in changed.items():
        if on and feature not in within:
            fields.refuse(f"toggles.{feature}", f"can never be had by a {kind}")
    fields.close()
    with acting.changing(practice_id) as writer:
        if writer.reading.practice(practice_id) is None:
            raise NotFoundError("practice")
        acting.require(writer, "update", ("practice", practice_id), practice_id)
        row = writer.current(KindDefaultsRow, practice_id=practice_id, kind=kind.value)
        require_current("kind's defaults", row.version if row else _UNTOUCHED, etag)
        old: dict[str, bool] = values_of(row)["toggles"] if row else {}
        wanted = {**old, **{feature.value: on for feature, on in changed.items()}}
        new = {feature.value: wanted[feature] for feature in Feature if wanted.get(feature) is not None}
        differing = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        if differing:
            writer.put(KindDefaultsRow, practice_id=practice_id, kind=kind, toggles=new)
            writer.record(
                "kind_defaults.update",
                ("kind_defaults", kind.value),
                practice_id=practice_id,
                before={name: old.get(name) for name in differing},
                after={name: new.get(name) for name in differing},
            )
        return kind_defaults(writer.reading, practice_id)[kind]
