"""Bringing clients, grants and what goes with them into a practice: all of it in one transaction, or nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import insert, select

from authz_service.commands.errors import ConflictError, InvalidError, NotFoundError
from authz_service.commands.fields import Fields
from authz_service.commands.grants import change_grant
from authz_service.commands.import_entries import read_entries
from authz_service.commands.import_plan import Elsewhere, Planner
from authz_service.commands.kind_defaults import kind_defaults
from authz_service.commands.switches import SETTINGS, settings_of
from authz_service.facts.code import day_of
from authz_service.storage.practice_rows import read_practice
from authz_service.storage.writing import values_of
from models.tables import access as tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authz_service.commands.acting import Acting
    from authz_service.commands.import_entries import Entries
    from authz_service.commands.import_plan import Planned
    from authz_service.facts.rows import Practice
    from authz_service.storage.writing import Writer
    from authz_service.trail.changes import Change
    from models.tables.access import History

_KNOWN = ("key", "dry_run", "expected", "differing", "practice")
_LISTS = ("clients", "grants", "withheld", "blocks", "assigned")
_CHUNK = 500  # ids of one statement
_IMPORTS = tables.ImportRow.__table__  # type: ignore[attr-defined]


def run_import(acting: Acting, practice_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Bring in what the body holds (`models.wire.imports.Import`), or with `dry_run` say what would happen.

    The same key again gets the answer of the first time and does nothing. Raises InvalidError naming every entry that
    cannot be brought in, ConflictError when `expected` is not what would happen now, or when a key comes with another
    body; ForbiddenError unless the policy lets the actor run imports and do what this one does.
    """
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    fields = Fields(body, (*_KNOWN, *_LISTS))
    key, dry_run = fields.identifier("key"), fields.flag("dry_run") or False
    take = fields.word("differing", ("keep", "take")) == "take"
    if body.get("expected") is not None and not isinstance(body["expected"], str):
        fields.refuse("expected", "must be the digest of a dry run")
    if body.get("practice") is not None and not isinstance(body["practice"], dict):
        fields.refuse("practice", "must be an object")
    fields.close()
    entries, about = read_entries(body), body.get("practice") or {}
    with acting.changing(practice_id) as writer:
        before = writer.reading.practice(practice_id)
        if before is None:
            raise NotFoundError("practice")
        acting.require(writer, "run", ("import", "new"), practice_id)
        body_hash = _hash(body)
        if not dry_run and (result := _earlier(writer, practice_id, str(key), body_hash)) is not None:
            return result
        practice, settings, switches = _settings(writer, before, about, entries.wrong)
        planner = _planner(writer, practice, entries, take=take)
        planned = planner.plan(entries)
        _require_parts(acting, writer, practice_id, planned, (settings, switches))
        digest = planned.digest([planner.versions, settings, switches])
        result = _result(str(key), planned, digest, [*settings, *switches], dry_run=dry_run)
        if dry_run:
            return result
        if planned.problems:
            raise InvalidError(planned.problems)
        if body.get("expected") not in (None, digest):
            raise ConflictError("the practice has changed since the dry run; look at what would happen now")
        _write_settings(writer, practice_id, settings, switches)
        _write(writer, practice_id, planned)
        counts = {name: len(result[name]) for name in _LISTS}
        writer.record("import.run", ("import", str(key)), practice_id=practice_id, after=counts)
        done = {"practice_id": practice_id, "key": key, "body_hash": body_hash, "result": result}
        writer.connection.execute(insert(_IMPORTS), {**done, "done_at": writer.now, "done_by": writer.origin.actor})
        return result


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)).hexdigest()


def _earlier(writer: Writer, practice_id: str, key: str, body_hash: str) -> dict[str, Any] | None:
    """The answer that this key got before."""
    same = (_IMPORTS.c.practice_id == practice_id, _IMPORTS.c.key == key)
    row = writer.connection.execute(select(_IMPORTS.c.body_hash, _IMPORTS.c.result).where(*same)).first()
    if row is None:
        return None
    if row.body_hash != body_hash:
        raise ConflictError(f"the key {key} was used for another import; take a new one")
    result: dict[str, Any] = row.result
    return result


def _settings(
    writer: Writer, practice: Practice, about: Mapping[str, Any], wrong: dict[str, str]
) -> tuple[Practice, dict[str, Any], dict[str, bool]]:
    """The practice as ages are counted, the settings that change, and the switches that change."""
    fields = Fields(about, (*SETTINGS, "switches"))
    row = writer.current(tables.PracticeRow, practice_id=practice.id)
    old = {} if row is None else values_of(row)
    settings = {name: value for name, value in settings_of(fields).items() if old.get(name) != value}
    ages = {name: settings.get(name, old.get(name, 0)) for name in ("teen_from", "adult_from")}
    if ages["teen_from"] >= ages["adult_from"]:
        fields.refuse("adult_from", "must be above teen_from")
    found = fields.toggles("switches")
    switches = {
        feature.value: on for feature, on in found.items() if on is not None and practice.switches[feature] is not on
    }
    wrong |= {f"practice.{name}": message for name, message in fields.wrong.items()}
    if fields.wrong:
        return practice, {}, {}
    return replace(practice, **ages), settings, switches


def _planner(writer: Writer, practice: Practice, entries: Entries, *, take: bool) -> Planner:
    state = read_practice(writer.reading, practice.id)
    if state is None:
        raise NotFoundError("practice")
    clients = {entry.id for entry in entries.clients if entry is not None} - set(state.clients)
    accounts = {entry.account_id for entry in entries.grants if entry is not None}
    elsewhere = Elsewhere(
        clients=_taken(writer, tables.ClientRow, clients), staff=_taken(writer, tables.StaffRow, accounts)
    )
    usual, today = kind_defaults(writer.reading, practice.id), day_of(writer.now, practice.zone)
    return Planner(practice, state, usual, elsewhere, today=today, take=take)


def _taken(writer: Writer, table: type[History], ids: Iterable[str]) -> frozenset[str]:
    """Those of the ids that a row holds now, as far as the transaction may see."""
    columns, found = table.__table__.c, set()  # type: ignore[attr-defined]
    wanted = sorted(ids)
    for start in range(0, len(wanted), _CHUNK):
        chosen = select(columns.id).where(columns.id.in_(wanted[start : start + _CHUNK]), columns.valid_to.is_(None))
        found |= set(writer.connection.scalars(chosen))
    return frozenset(found)


def _require_parts(
    acting: Acting,
    writer: Writer,
    practice_id: str,
    planned: Planned,
    practice: tuple[Mapping[str, Any], Mapping[str, bool]],
) -> None:
    """Put every sort of change that the import makes to the policy, for the practice as a whole."""
    wanted = {
        ("create", "client"): planned.new_clients,
        ("update", "client"): planned.changed_clients,
        ("create", "grant"): planned.new_grants,
        ("update", "grant"): planned.changed_grants,
        ("update", "switch"): [*planned.switches, *practice[1]],
        ("update", "practice"): list(practice[0]),
        ("update", "subscription"): planned.new_assigned,
        ("create", "withhold"): planned.new_withheld,
        ("create", "block"): planned.new_blocks,
    }
    for (action, kind), rows in wanted.items():
        if rows:
            acting.require(writer, action, (kind, practice_id if kind == "practice" else "new"), practice_id)


def _result(key: str, planned: Planned, digest: str, practice: list[str], *, dry_run: bool) -> dict[str, Any]:
    grants = [
        {"outcome": outcome, "id": None if dry_run and outcome == "new" else grant_id}
        for outcome, grant_id in zip(planned.grants, planned.grant_ids, strict=True)
    ]
    return {
        "key": key,
        "dry_run": dry_run,
        "digest": digest,
        "practice": practice,
        "clients": planned.clients,
        "grants": grants,
        "withheld": planned.withheld,
        "blocks": planned.blocks,
        "assigned": planned.assigned,
        "problems": [{"at": at, "message": message} for at, message in planned.problems.items()],
    }


def _write_settings(
    writer: Writer, practice_id: str, settings: Mapping[str, Any], switches: Mapping[str, bool]
) -> None:
    row = writer.current(tables.PracticeRow, practice_id=practice_id)
    if settings and row is not None:
        old = values_of(row)
        writer.put(tables.PracticeRow, **{**old, **settings})
        before = {name: old[name] for name in settings}
        about = ("practice", practice_id)
        writer.record("practice.update", about, practice_id=practice_id, before=before, after=settings)
    for feature, on in switches.items():
        writer.put(tables.PracticeSwitchRow, practice_id=practice_id, feature=feature, is_on=on)
        about = ("switch", feature)
        writer.record("switch.update", about, practice_id=practice_id, before={feature: not on}, after={feature: on})


def _write(writer: Writer, practice_id: str, planned: Planned) -> None:
    """New rows and their records go in by the table; what is there already is changed one by one."""
    own = {"practice_id": practice_id}
    new = {client.id for client in planned.new_clients}
    wanted = {grant.account_id for grant in planned.new_grants}
    accounts = sorted(wanted - _taken(writer, tables.AccountRow, wanted))
    writer.add(tables.AccountRow, ({"id": account_id, "state": "active"} for account_id in accounts))
    clients: list[dict[str, Any]] = [
        {
            "id": client.id,
            "born": client.born,
            "self_managing": client.self_managing.value,
            "assent": client.assent,
            "active": client.active,
        }
        for client in planned.new_clients
    ]
    writer.add(tables.ClientRow, [{**own, **row} for row in clients])
    off = [(name, feature) for name, feature, _ in planned.switches if name in new]
    switched = [{**own, "client_id": name, "feature": feature.value, "is_on": False} for name, feature in off]
    writer.add(tables.ClientSwitchRow, switched)
    grants: list[dict[str, Any]] = [
        {
            "id": grant.id,
            "account_id": grant.account_id,
            "client_id": grant.client_id,
            "kind": grant.kind.value,
            "status": grant.status.value,
            "starts": grant.starts,
            "until": grant.until,
            "proof": grant.proof,
            "toggles": {feature.value: on for feature, on in grant.toggles.items()},
        }
        for grant in planned.new_grants
    ]
    writer.add(tables.GrantRow, [{**own, **row} for row in grants])
    writer.add(
        tables.WithholdRow,
        [{**_pair(own, entry), "resource_type": entry.type, "resource_id": entry.id} for entry in planned.new_withheld],
    )
    writer.add(tables.BlockRow, [{**_pair(own, entry), "reason": entry.reason} for entry in planned.new_blocks])
    assigned = [{**own, "staff_id": entry.staff_id, "client_id": entry.client_id} for entry in planned.new_assigned]
    writer.add(tables.AssignmentRow, assigned)
    changes = [_created(writer, own, "client", row, row["id"]) for row in clients]
    changes += [_created(writer, own, "grant", row, row["client_id"]) for row in grants]
    changes += [_turned(writer, own, name, feature.value, on=False) for name, feature in off]
    for entry in planned.new_withheld:
        changes.append(writer.change("withhold.create", (entry.type, entry.id), **_pair(own, entry)))
    for block in planned.new_blocks:
        about = ("block", block.client_id)
        changes.append(writer.change("block.create", about, **_pair(own, block), reason=block.reason))
    for each in planned.new_assigned:
        after = {"assigned": [each.client_id]}
        changes.append(writer.change("staff.update", ("subscription", each.staff_id), **own, after=after))
    writer.record_all(changes)
    _change(writer, own, planned, new)


def _change(writer: Writer, own: Mapping[str, str], planned: Planned, new: set[str]) -> None:
    for client_id, differing in planned.changed_clients:
        client = writer.current(tables.ClientRow, id=client_id)
        if client is None:
            raise NotFoundError("client")
        old = values_of(client)
        writer.put(tables.ClientRow, **{**old, **differing})
        before = {name: _plain(old[name]) for name in differing}
        after = {name: _plain(value) for name, value in differing.items()}
        about = {**own, "client_id": client_id}
        changed = writer.change("client.update", ("client", client_id), **about, before=before, after=after)
        writer.record_all([changed])
    for client_id, feature, on in planned.switches:
        if client_id not in new:
            writer.put(tables.ClientSwitchRow, **own, client_id=client_id, feature=feature.value, is_on=on)
            writer.record_all([_turned(writer, own, client_id, feature.value, on=on)])
    for grant_id, patch in planned.changed_grants:
        grant = writer.current(tables.GrantRow, id=grant_id)
        if grant is None:
            raise NotFoundError("grant")
        change_grant(writer, grant, patch)


def _pair(own: Mapping[str, str], entry: Any) -> dict[str, str]:
    return {**own, "account_id": entry.account_id, "client_id": entry.client_id}


def _created(writer: Writer, own: Mapping[str, str], kind: str, row: Mapping[str, Any], client_id: str) -> Change:
    after = {name: _plain(value) for name, value in row.items() if name != "id"}
    about = {**own, "client_id": client_id, "account_id": row.get("account_id")}
    return writer.change(f"{kind}.create", (kind, row["id"]), **about, after=after)


def _turned(writer: Writer, own: Mapping[str, str], client_id: str, feature: str, *, on: bool) -> Change:
    shown = {"before": {feature: not on}, "after": {feature: on}}
    return writer.change("switch.update", ("switch", feature), **own, client_id=client_id, **shown)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
