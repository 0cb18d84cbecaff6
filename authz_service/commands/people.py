"""Who is in care at a practice and who works there: clients and staff, as far as decisions need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.commands.acting import require_current
from authz_service.commands.errors import ConflictError, NotFoundError
from authz_service.commands.fields import Fields
from authz_service.storage.writing import values_of
from models.tables.access import AssignmentRow, ClientRow, StaffRow
from models.vocabulary import SelfManaging, StaffRole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.commands.acting import Acting
    from authz_service.facts.rows import Client, Staff
    from authz_service.storage.writing import Writer

CLIENT_FIELDS = ("born", "self_managing", "assent", "active")
_STAFF_FLAGS = ("subscribed", "may_invite", "available")
_STAFF = ("roles", "state", *_STAFF_FLAGS, "assigned")


def create_client(acting: Acting, practice_id: str, body: Mapping[str, Any]) -> Client:
    """Take a client on: `id` and `born`, and optionally what `update_client` can change. Rows M5, W12."""
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    fields = Fields(body, ("id", *CLIENT_FIELDS))
    client_id, values = fields.identifier("id"), client_values(fields)
    if values["born"] is None:
        fields.refuse("born", "is required, as a day such as 2017-03-09")
    fields.close()
    with acting.changing(practice_id) as writer:
        if writer.reading.practice(practice_id) is None:
            raise NotFoundError("practice")
        acting.require(writer, "create", ("client", "new"), practice_id)
        if writer.current(ClientRow, id=client_id) is not None:
            raise ConflictError("there is a client of this id already")
        known = {name: value for name, value in values.items() if value is not None}
        new = {"self_managing": SelfManaging.NO, "assent": "given", "active": True, **known}
        writer.put(ClientRow, id=client_id, practice_id=practice_id, **new)
        resource = ("client", str(client_id))
        writer.record("client.create", resource, practice_id=practice_id, client_id=client_id, after=_plain(new))
        return _client(writer, str(client_id))


def update_client(acting: Acting, client_id: str, changes: Mapping[str, Any], etag: str | None = None) -> Client:
    """Change what decisions read of a client; what is not named stays."""
    practice_id = acting.client(client_id).practice_id
    fields = Fields(changes, CLIENT_FIELDS)
    values = client_values(fields)
    fields.close()
    with acting.changing(practice_id) as writer:
        acting.require(writer, "update", ("client", client_id), practice_id, client_id)
        row = writer.current(ClientRow, id=client_id)
        if row is None:
            raise NotFoundError("client")
        require_current("client", row.version, etag)
        old = values_of(row)
        new = {**old, **{name: value for name, value in values.items() if value is not None}}
        differing = [name for name in new if new[name] != old[name]]
        if differing:
            writer.put(ClientRow, **new)
            writer.record(
                "client.update",
                ("client", client_id),
                practice_id=practice_id,
                client_id=client_id,
                before=_plain({name: old[name] for name in differing}),
                after=_plain({name: new[name] for name in differing}),
            )
        return _client(writer, client_id)


def create_staff(acting: Acting, practice_id: str, body: Mapping[str, Any]) -> Staff:
    """Let somebody work at the practice: `id` and `roles`, and optionally what `update_staff` can change."""
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    fields = Fields(body, ("id", *_STAFF))
    staff_id, values = fields.identifier("id"), _staff_values(fields)
    if values["roles"] is None:
        fields.refuse("roles", f"is required; roles are {', '.join(StaffRole)}")
    with acting.changing(practice_id) as writer:
        if writer.reading.practice(practice_id) is None:
            raise NotFoundError("practice")
        acting.require(writer, "update", ("subscription", str(staff_id)), practice_id)
        _check_assigned(writer, fields, values, practice_id)
        _check_owner(fields, values, ())
        fields.close()
        if writer.current(StaffRow, id=staff_id) is not None:
            raise ConflictError("there is a staff member of this id already")
        assigned = values.pop("assigned") or ()
        known = {name: value for name, value in values.items() if value is not None}
        new = {"state": "active", **dict.fromkeys(_STAFF_FLAGS, False), **known}
        writer.put(StaffRow, id=staff_id, practice_id=practice_id, **new)
        _assign(writer, practice_id, str(staff_id), assigned)
        after = {**new, "assigned": sorted(assigned)}
        writer.record("staff.create", ("subscription", str(staff_id)), practice_id=practice_id, after=after)
        return _staff(writer, practice_id, str(staff_id))


def update_staff(acting: Acting, staff_id: str, changes: Mapping[str, Any], etag: str | None = None) -> Staff:
    """Change a staff member's roles, state, flags or clients; what is not named stays. `assigned` is the whole list.

    Whether they offer times is for themselves to say (row Y23); the rest is for those who run the practice.
    """
    with acting.store.deciding(acting.practices) as access:
        post = access.post(staff_id)
    if post is None or not acting.reaches(post.practice.id):
        raise NotFoundError("staff member")
    practice_id = post.practice.id
    fields = Fields(changes, _STAFF)
    values = _staff_values(fields)
    own = set(changes) == {"available"} and acting.origin.actor == f"staff/{staff_id}"
    with acting.changing(practice_id) as writer:
        acting.require(writer, "offer" if own else "update", ("subscription", staff_id), practice_id)
        row = writer.current(StaffRow, id=staff_id)
        if row is None:
            raise NotFoundError("staff member")
        require_current("staff member", row.version, etag)
        _check_assigned(writer, fields, values, practice_id)
        _check_owner(fields, values, row.roles)
        if values["state"] == "inactive" and StaffRole.OWNER in row.roles:
            fields.refuse("state", "the owner cannot be sent away: nobody else could name a new one")
        fields.close()
        before = _staff(writer, practice_id, staff_id)
        assigned = values.pop("assigned")
        old = values_of(row)
        new = {**old, **{name: value for name, value in values.items() if value is not None}}
        writer.put(StaffRow, **new)
        if assigned is not None:
            _assign(writer, practice_id, staff_id, assigned)
        known = {**{name: old[name] for name in new}, "assigned": sorted(before.assigned)}
        then = {**new, "assigned": sorted(before.assigned if assigned is None else assigned)}
        differing = [name for name in then if then[name] != known[name]]
        if differing:
            writer.record(
                "staff.update",
                ("subscription", staff_id),
                practice_id=practice_id,
                before={name: known[name] for name in differing},
                after={name: then[name] for name in differing},
            )
        return _staff(writer, practice_id, staff_id)


def client_values(fields: Fields) -> dict[str, Any]:
    """What is said of a client; None for what is not named, or wrong."""
    return {
        "born": fields.day("born"),
        "self_managing": fields.choice("self_managing", SelfManaging),
        "assent": fields.word("assent", ("given", "withheld")),
        "active": fields.flag("active"),
    }


def _staff_values(fields: Fields) -> dict[str, Any]:
    values: dict[str, Any] = {name: fields.flag(name) for name in _STAFF_FLAGS}
    values["state"] = fields.word("state", ("active", "inactive"))
    values["roles"] = fields.words("roles", tuple(StaffRole))
    values["assigned"] = fields.identifiers("assigned")
    return values


def _check_owner(fields: Fields, values: Mapping[str, Any], held: list[str] | tuple[str, ...]) -> None:
    roles = values["roles"]
    if roles is not None and (StaffRole.OWNER in roles) is not (StaffRole.OWNER in held):
        fields.refuse("roles", "the owner is named when the practice is set up, not here")


def _check_assigned(writer: Writer, fields: Fields, values: Mapping[str, Any], practice_id: str) -> None:
    known = set(writer.reading.clients(practice_id))
    unknown = [client_id for client_id in values["assigned"] or () if client_id not in known]
    if unknown:
        fields.refuse("assigned", f"{unknown[0]} is no client of the practice")


def _assign(writer: Writer, practice_id: str, staff_id: str, client_ids: tuple[str, ...]) -> None:
    before = next(member.assigned for member in writer.reading.staff(practice_id) if member.id == staff_id)
    for client_id in before.difference(client_ids):
        row = writer.current(AssignmentRow, staff_id=staff_id, client_id=client_id)
        if row is not None:
            writer.end(row)
    for client_id in set(client_ids) - before:
        writer.put(AssignmentRow, practice_id=practice_id, staff_id=staff_id, client_id=client_id)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if name == "born" else value for name, value in values.items()}


def _client(writer: Writer, client_id: str) -> Client:
    client = writer.reading.client(client_id)
    if client is None:
        raise NotFoundError("client")
    return client


def _staff(writer: Writer, practice_id: str, staff_id: str) -> Staff:
    return next(member for member in writer.reading.staff(practice_id) if member.id == staff_id)
