"""The cast at an instant, and what a variation of a suite changes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from authz_service.facts.code import age_class, day_of
from authz_service.facts.request import NO_AUTHN, Authn
from authz_service.facts.rows import EmergencyAccess, Grant
from authz_service.facts.snapshot import Snapshot
from authz_service.workbench.cases import SuiteError
from authz_service.workbench.cast_rows import access
from models.vocabulary import GrantStatus, Kind, StaffRole, default_toggles

if TYPE_CHECKING:
    from models.world import World

_SETS = frozenset({"withheld", "released", "blocks", "emergencies"})


@dataclass(frozen=True, slots=True)
class Scene:
    """Access data at an instant, and how everyone signed in."""

    access: Snapshot
    now: datetime
    authn: Authn = NO_AUTHN


def base_scene(world: World) -> Scene:
    """The cast at noon of the frozen day."""
    return Scene(access(world), world.now)


def changed(scene: Scene, change: Mapping[str, Any]) -> Scene:
    """The scene with the changes of one variation. Raises SuiteError for a path that leads nowhere."""
    rows = scene.access
    now, authn = scene.now, scene.authn
    tables: dict[str, Any] = {
        "practices": rows.practices,
        "clients": rows.clients,
        "accounts": rows.accounts,
        "staff": rows.staff,
        "grants": rows.grants,
        "items": {item_id: properties for (_, item_id), properties in rows.items.items()},
    }
    for path, value in change.items():
        if path == "now":
            # YAML reads a local time with seconds, and leaves one without as text.
            local = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            now = local.replace(tzinfo=ZoneInfo(next(iter(rows.practices.values())).zone)).astimezone(UTC)
        elif path == "authn":
            authn = Authn(tuple(value.get("amr", ())), value.get("password_change_due"))
        elif path == "new_grants":
            new = [_new_grant(rows, scene.now, row) for row in value]
            tables["grants"] = {**tables["grants"], **{grant.id: grant for grant in new}}
        elif path not in _SETS:
            tables = _put(tables, path.split("."), value, path)
    hour = timedelta(hours=1)
    opened = [_words(row, 2) for row in change.get("emergencies", ())]
    moved = Snapshot(
        **{name: list(tables[name].values()) for name in tables if name != "items"},
        withheld=(rows.withheld | {_words(row, 4) for row in change.get("withheld", ())})
        - {_words(row, 4) for row in change.get("released", ())},
        blocks=rows.blocks | {_words(row, 2) for row in change.get("blocks", ())},
        emergencies=[EmergencyAccess(who, client, scene.now - hour, scene.now + hour) for who, client in opened],
        items={key: tables["items"][key[1]] for key in rows.items},
    )
    return Scene(moved, now, authn)


def _put(target: Any, path: list[str], value: Any, whole: str) -> Any:
    """The target with one field, however deep, replaced; the new value takes the type of the old one."""
    name, rest = path[0], path[1:]
    if is_dataclass(target) and not isinstance(target, type):
        if name not in {field.name for field in fields(target)}:
            raise SuiteError(f"{whole} leads nowhere: there is no {name}")
        old = getattr(target, name)
        return replace(target, **{name: _put(old, rest, value, whole) if rest else _like(old, value)})
    if not isinstance(target, Mapping) or name not in target:
        raise SuiteError(f"{whole} leads nowhere: there is no {name}")
    return {**target, name: _put(target[name], rest, value, whole) if rest else _like(target[name], value)}


def _like(old: Any, value: Any) -> Any:
    if isinstance(old, Enum):
        return type(old)(value)
    if isinstance(old, frozenset):
        known = {role.value for role in StaffRole}
        return frozenset(StaffRole(part) if part in known else part for part in value)
    return value


def _new_grant(rows: Snapshot, now: datetime, row: Mapping[str, Any]) -> Grant:
    client, kind = rows.clients[row["client"]], Kind(row["kind"])
    practice = rows.practices[client.practice_id]
    toggles = dict(default_toggles(kind, age_class(client, practice, day_of(now, practice.zone))))
    for name, on in row["toggles"].items():
        toggles = _put(toggles, [name], on, f"new_grants.toggles.{name}")
    grant_id = f"g_{row['account']}_{client.id}_{kind}"
    return Grant(grant_id, row["account"], client.id, practice.id, kind, GrantStatus.ACTIVE, toggles)


def _words(row: str, count: int) -> Any:
    """The words of a row, as a tuple of that length."""
    words = tuple(row.split())
    if len(words) != count:
        raise SuiteError(f"{row!r} must have {count} words")
    return words
