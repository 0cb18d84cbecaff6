"""Handing one person's access over to a successor on a day: what ends, what begins, and taking it back until then.

Both sides are windows, so nothing has to happen on the day itself. Signatures, messages and invoices stay whose they
were: only grants are touched.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from authz_service.commands.acting import require_current
from authz_service.commands.errors import ConflictError, InvalidError, NotFoundError, StaleError
from authz_service.commands.fields import Fields
from authz_service.commands.grants import change_grant, check_kind, put_grant
from authz_service.facts.code import age_class, day_of
from authz_service.storage.practice_rows import read_practice
from authz_service.storage.reading import held
from authz_service.storage.writing import values_of
from models.ids import new_grant_id
from models.tables.access import AccountRow, GrantRow, HandOverRow
from models.vocabulary import GrantStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from authz_service.commands.acting import Acting
    from authz_service.facts.rows import Grant
    from authz_service.facts.snapshot import Snapshot
    from authz_service.storage.reading import Reading
    from authz_service.storage.writing import Writer

PLANNED, UNDONE = "planned", "undone"


@dataclass(frozen=True, slots=True)
class Step:
    """What happens for one client. `left` says why nothing does, `kept` that the successor has the same already."""

    client_id: str
    grant: Grant
    kept: bool = False
    left: str | None = None  # own_login, ends_before, begins_later, does_not_fit


@dataclass(frozen=True, slots=True)
class HandOver:
    """A hand-over, planned or only looked at. `etag` changes with what it would do."""

    from_account: str
    to_account: str
    day: date
    status: GrantStatus  # with which the successor's grants begin
    steps: tuple[Step, ...]
    etag: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A hand-over as it is kept."""

    id: str
    from_account: str
    to_account: str
    day: date
    state: str
    ended: tuple[str, ...]
    begun: tuple[str, ...]
    version: int


def look_at_hand_over(acting: Acting, practice_id: str, body: Mapping[str, Any]) -> HandOver:
    """What the hand-over would do. Raises as `hand_over` does, and changes nothing."""
    asked = _read(body)
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    with acting.store.writing((practice_id,), acting.origin) as writer:  # The rows, and the policy asked on them.
        return _plan(acting, writer, practice_id, asked)


def hand_over(
    acting: Acting, practice_id: str, body: Mapping[str, Any], etag: str | None = None
) -> tuple[HandOver, Kept]:
    """End the grants of `from_account` on the day `on`, and begin the same for `to_account`, in one transaction.

    The successor's have kind, toggles and end of the old ones, and no proof: it is asked for anew. `clients` limits it.
    Raises ConflictError when there is nothing to hand over, StaleError when it would do something else than was seen.
    """
    asked = _read(body)
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    with acting.changing(practice_id, asked.reason) as writer:
        plan = _plan(acting, writer, practice_id, asked)
        if etag is not None and etag != plan.etag:
            raise StaleError("hand-over", plan.etag)
        moving = [step for step in plan.steps if step.left is None]
        if not moving:
            raise ConflictError(f"{asked.from_account} holds no access that could be handed over on {asked.day}")
        if writer.current(AccountRow, id=asked.to_account) is None:
            writer.put(AccountRow, id=asked.to_account, state="active")
        ended, begun = [], []
        for step in moving:
            row = writer.current(GrantRow, id=step.grant.id)
            if row is None:
                raise NotFoundError("grant")
            ended.append({"grant_id": row.id, "until": None if row.until is None else row.until.isoformat()})
            change_grant(writer, row, {"until": asked.day.isoformat()})
            if not step.kept:
                begun.append(_begin(writer, step.grant, plan).id)
        kept = {"practice_id": practice_id, "from_account": asked.from_account, "to_account": asked.to_account}
        values = {**kept, "day": asked.day, "state": PLANNED, "ended": ended, "begun": begun}
        stored = writer.put(HandOverRow, id=f"ho_{secrets.token_hex(8)}", **values)
        after = {**values, "day": asked.day.isoformat()}
        writer.record("hand_over.create", ("hand_over", stored.id), practice_id=practice_id, after=after)
        return plan, _kept(stored)


def undo_hand_over(acting: Acting, practice_id: str, hand_over_id: str, etag: str | None = None) -> Kept:
    """Take a planned hand-over back: the old grants go on as before, the successor's end without having begun.

    Raises ConflictError once the day has come, and when one of the grants was changed since.
    """
    if not acting.reaches(practice_id):
        raise NotFoundError("hand-over")
    with acting.changing(practice_id) as writer:
        row = writer.current(HandOverRow, id=hand_over_id)
        if row is None or row.practice_id != practice_id:
            raise NotFoundError("hand-over")
        require_current("hand-over", row.version, etag)
        practice = writer.reading.practice(practice_id)
        if practice is None:
            raise NotFoundError("practice")
        if row.state != PLANNED:
            raise ConflictError("this hand-over was taken back already")
        if row.day <= day_of(writer.now, practice.zone):
            raise ConflictError("the day of this hand-over has come; end or change the grants themselves")
        for each in row.ended:
            grant = _grant(acting, writer, each["grant_id"], "update")
            if grant.status == GrantStatus.ENDED or grant.until != row.day:
                raise ConflictError(f"the access {grant.id} was changed since; change it by hand")
            change_grant(writer, grant, {"until": each["until"]})
        for grant_id in row.begun:
            grant = _grant(acting, writer, grant_id, "end")
            if grant.status != GrantStatus.ENDED:
                change_grant(writer, grant, {"status": GrantStatus.ENDED.value})
        stored = writer.put(HandOverRow, **{**values_of(row), "state": UNDONE})
        before, after = {"state": PLANNED}, {"state": UNDONE}
        resource = ("hand_over", row.id)
        writer.record("hand_over.undo", resource, practice_id=practice_id, before=before, after=after)
        return _kept(stored)


def hand_overs(rows: Reading, practice_id: str) -> list[Kept]:
    """The practice's hand-overs, the latest day first."""
    columns = HandOverRow.__table__.c  # type: ignore[attr-defined]
    found = [_kept(row) for row in rows.select(*held(columns, columns.practice_id == practice_id))]
    return sorted(found, key=lambda each: (each.day, each.id), reverse=True)


@dataclass(frozen=True, slots=True)
class _Asked:
    from_account: str
    to_account: str
    day: date
    clients: tuple[str, ...] | None
    reason: str | None


def _read(body: Mapping[str, Any]) -> _Asked:
    fields = Fields(body, ("from_account", "to_account", "on", "clients", "reason"))
    old, new = fields.identifier("from_account"), fields.identifier("to_account")
    day, clients = fields.day("on"), fields.identifiers("clients")
    if day is None:
        fields.refuse("on", "is required, as a day such as 2026-06-15: the successor's first day")
    if old is not None and old == new:
        fields.refuse("to_account", "must be somebody else")
    reason = body.get("reason")
    if reason is not None and not isinstance(reason, str):
        fields.refuse("reason", "must be a text")
    fields.close()
    if old is None or new is None or day is None:
        raise AssertionError("`close` raises for what is missing")
    return _Asked(old, new, day, clients, reason)


def _plan(acting: Acting, writer: Writer, practice_id: str, asked: _Asked) -> HandOver:
    snapshot = read_practice(writer.reading, practice_id)
    if snapshot is None:
        raise NotFoundError("practice")
    if asked.day < day_of(writer.now, snapshot.practices[practice_id].zone):
        raise InvalidError({"on": "lies in the past; the earliest day is today"})
    held_now = [
        grant
        for grant in snapshot.grants.values()
        if grant.account_id == asked.from_account
        and grant.status is not GrantStatus.ENDED
        and (asked.clients is None or grant.client_id in asked.clients)
    ]
    steps = tuple(_step(writer, snapshot, grant, asked) for grant in held_now)
    for step in steps:
        acting.require(writer, "update", ("grant", step.grant.id), practice_id, step.client_id)
        if step.left is None:
            acting.require(writer, "create", ("grant", "new"), practice_id, step.client_id)
    if not steps:
        acting.require(writer, "view", ("practice", practice_id), practice_id)
    knows = any(
        grant.account_id == asked.to_account and grant.status is GrantStatus.ACTIVE
        for grant in snapshot.grants.values()
    )
    said = repr([(step.grant.id, step.grant.version, step.kept, step.left) for step in steps])
    etag = hashlib.sha256(f"{said} {asked.day} {asked.to_account}".encode()).hexdigest()[:16]
    status = GrantStatus.ACTIVE if knows else GrantStatus.PENDING
    return HandOver(asked.from_account, asked.to_account, asked.day, status, steps, etag)


def _step(writer: Writer, snapshot: Snapshot, grant: Grant, asked: _Asked) -> Step:
    if grant.kind is Kind.SELF:
        return Step(grant.client_id, grant, left="own_login")
    if grant.until is not None and grant.until <= asked.day:
        return Step(grant.client_id, grant, left="ends_before")
    if grant.starts is not None and grant.starts >= asked.day:
        return Step(grant.client_id, grant, left="begins_later")
    same = [
        other
        for other in snapshot.grants.values()
        if (other.account_id, other.client_id, other.kind) == (asked.to_account, grant.client_id, grant.kind)
        and other.status is not GrantStatus.ENDED
    ]
    if same:
        return Step(grant.client_id, grant, kept=True)
    client = snapshot.clients[grant.client_id]
    age = age_class(client, snapshot.practices[client.practice_id], asked.day)
    try:
        check_kind(writer.reading, client, asked.to_account, grant.kind, age)
    except InvalidError:
        return Step(grant.client_id, grant, left="does_not_fit")
    return Step(grant.client_id, grant)


def _begin(writer: Writer, old: Grant, plan: HandOver) -> Grant:
    def is_taken(grant_id: str) -> bool:
        return writer.current(GrantRow, id=grant_id) is not None

    values = {
        "id": new_grant_id(plan.to_account, old.client_id, is_taken),
        "practice_id": old.practice_id,
        "account_id": plan.to_account,
        "client_id": old.client_id,
        "kind": old.kind,
        "status": plan.status,
        "starts": plan.day,
        "until": old.until,
        "proof": "none",
        "toggles": {feature.value: on for feature, on in old.toggles.items()},
    }
    after = {name: value for name, value in values.items() if name not in ("id", "practice_id")}
    return put_grant(writer, "grant.create", values, None, after)


def _grant(acting: Acting, writer: Writer, grant_id: str, action: str) -> GrantRow:
    row = writer.current(GrantRow, id=grant_id)
    if row is None:
        raise NotFoundError("grant")
    acting.require(writer, action, ("grant", grant_id), row.practice_id, row.client_id)
    return row


def _kept(row: Any) -> Kept:
    ended = tuple(each["grant_id"] for each in row.ended)
    return Kept(row.id, row.from_account, row.to_account, row.day, row.state, ended, tuple(row.begun), row.version)
