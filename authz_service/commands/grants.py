"""Giving access to a client, changing it, and ending it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from authz_service.commands.acting import changing, require_current
from authz_service.commands.errors import ConflictError, InvalidError, NotFoundError
from authz_service.commands.fields import Fields
from authz_service.commands.kind_defaults import starting_toggles
from authz_service.facts.code import age_class, day_of
from authz_service.storage.writing import values_of
from models.ids import new_grant_id
from models.tables.access import AccountRow, GrantRow
from models.vocabulary import AgeClass, Feature, GrantStatus, Kind, SelfManaging

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from authz_service.commands.acting import Acting
    from authz_service.facts.rows import Client, Grant
    from authz_service.storage import AccessStore
    from authz_service.storage.reading import Reading
    from authz_service.storage.writing import Writer
    from authz_service.trail.changes import Origin

PROOFS = ("none", "on_file")
CHANGEABLE = ("status", "from", "until", "toggles", "proof")
_OWN_CHOICE = frozenset({"from", "until", "toggles", "proof"})  # what makes a grant other than its kind's
# What an administrator can make of a grant; only the first login turns pending into active (row W22), so what is
# resumed is again what it was.
_NEXT: Mapping[GrantStatus, frozenset[GrantStatus]] = {
    GrantStatus.PENDING: frozenset({GrantStatus.SUSPENDED, GrantStatus.ENDED}),
    GrantStatus.ACTIVE: frozenset({GrantStatus.SUSPENDED, GrantStatus.ENDED}),
    GrantStatus.SUSPENDED: frozenset({GrantStatus.ACTIVE, GrantStatus.ENDED}),
    GrantStatus.ENDED: frozenset(),
}


class Standing(Protocol):
    """What stands already, as far as a new grant must fit it; `Reading` is one."""

    def post(self, staff_id: str) -> object | None:
        """The staff member of this id."""

    def grants_on(self, client_id: str) -> tuple[Grant, ...]:
        """Every grant on the client."""

    def grants_of(self, account_id: str) -> tuple[Grant, ...]:
        """Every grant of the account."""


def create_grant(acting: Acting, client_id: str, body: Mapping[str, Any]) -> Grant:
    """Give an account access to a client: `account_id`, `kind`, and optionally what `update_grant` can change.

    An account of a new id begins to exist. The grant is pending unless `status` says active. A pending one with the
    defaults of its kind is an invitation, which whoever may invite creates too (row Y5).
    """
    client = acting.client(client_id)
    fields = Fields(body, ("account_id", "kind", *CHANGEABLE))
    account_id = fields.identifier("account_id")
    kind = fields.choice("kind", Kind)
    if "kind" not in fields:
        fields.refuse("kind", f"is required; kinds are {', '.join(Kind)}")
    status = fields.word("status", (GrantStatus.PENDING, GrantStatus.ACTIVE)) or GrantStatus.PENDING
    starts, until, changed = fields.day("from"), fields.day("until"), fields.toggles("toggles")
    proof = fields.word("proof", PROOFS) or "none"
    check_window(fields, starts, until)
    fields.close()
    if account_id is None or kind is None:
        raise AssertionError("`close` raises for what is missing")
    with acting.changing(client.practice_id) as writer:
        invites = status is GrantStatus.PENDING and _OWN_CHOICE.isdisjoint(body)
        if not (invites and _may_invite(acting, writer, client, kind)):
            acting.require(writer, "create", ("grant", "new"), client.practice_id, client_id)
        age = _age(writer, client)
        check_kind(writer.reading, client, account_id, kind, age)
        chosen = {name: on for name, on in changed.items() if on is not None}
        toggles = _written({**starting_toggles(writer.reading, client.practice_id, kind, age), **chosen})
        grant_id = new_grant_id(account_id, client_id, lambda taken: writer.current(GrantRow, id=taken) is not None)
        if writer.current(AccountRow, id=account_id) is None:
            writer.put(AccountRow, id=account_id, state="active")
        values = {
            "id": grant_id,
            "practice_id": client.practice_id,
            "account_id": account_id,
            "client_id": client_id,
            "kind": kind,
            "status": status,
            "starts": starts,
            "until": until,
            "proof": proof,
            "toggles": toggles,
        }
        after = {name: value for name, value in values.items() if name not in ("id", "practice_id")}
        return put_grant(writer, "grant.create", values, None, after)


def update_grant(
    acting: Acting, grant_id: str, changes: Mapping[str, Any], etag: str | None, reason: str | None = None
) -> Grant:
    """Change `status`, `from`, `until`, `toggles`, `proof`; what is not named stays, a null toggle gets its default."""
    found = acting.grant(grant_id)
    with acting.changing(found.practice_id, reason) as writer:
        row = writer.current(GrantRow, id=grant_id)
        if row is None:
            raise NotFoundError("grant")
        acting.require(writer, action_of(changes), ("grant", grant_id), row.practice_id, row.client_id)
        require_current("grant", row.version, etag)
        return change_grant(writer, row, changes)


def action_of(changes: Mapping[str, Any]) -> str:
    """What the policy calls such a change."""
    return "end" if changes.get("status") == GrantStatus.ENDED else "update"


def change_grant(writer: Writer, row: GrantRow, changes: Mapping[str, Any]) -> Grant:
    """Let the changes hold from now on. Raises InvalidError for those that make no sense."""
    if row.status == GrantStatus.ENDED:
        raise ConflictError(f"the grant {row.id} has ended and stays as it was; create another")
    fields, values = Fields(changes, CHANGEABLE), values_of(row)
    status = fields.word("status", tuple(GrantStatus))
    if status is not None and status != row.status:
        if status not in _NEXT[GrantStatus(row.status)]:
            fields.refuse("status", f"cannot be changed from {row.status} to {status}")
        resumes = row.status == GrantStatus.SUSPENDED and status == GrantStatus.ACTIVE
        values["status"] = status_before(writer.reading, row.id).value if resumes else status
    for name, column in (("from", "starts"), ("until", "until")):
        if name in fields:
            values[column] = fields.day(name)
    check_window(fields, values["starts"], values["until"])
    values["proof"] = fields.word("proof", PROOFS) or row.proof
    changed = fields.toggles("toggles")
    usual = _usual(writer, row) if None in changed.values() else {}
    values["toggles"] = {
        **row.toggles,
        **_written({name: usual[name] if on is None else on for name, on in changed.items()}),
    }
    fields.close()
    before, after = _difference(values_of(row), values)
    return put_grant(writer, f"grant.{action_of(changes)}", values, before, after)


def status_before(rows: Reading, grant_id: str) -> GrantStatus:
    """What a suspended grant was before: one that nobody ever signed in with is pending."""
    earlier = (GrantStatus(row.status) for row in rows.history(GrantRow, id=grant_id))
    return next((status for status in earlier if status is not GrantStatus.SUSPENDED), GrantStatus.PENDING)


def end_grant(acting: Acting, grant_id: str, etag: str | None = None) -> Grant:
    """End a grant for good."""
    return update_grant(acting, grant_id, {"status": GrantStatus.ENDED.value}, etag)


def first_login(store: AccessStore, origin: Origin, practices: Iterable[str], account_id: str) -> tuple[Grant, ...]:
    """The account has signed in for the first time: its pending grants become active. Returns the account's grants."""
    with store.reading(practices) as rows:
        if rows.account(account_id) is None:
            raise NotFoundError("account")
        waiting = {grant.practice_id for grant in _pending(rows, account_id)}
    if waiting:
        with changing(store, waiting, origin) as writer:
            for grant in _pending(writer.reading, account_id):
                row = writer.current(GrantRow, id=grant.id)
                if row is not None and grant.practice_id in waiting:
                    values = {**values_of(row), "status": GrantStatus.ACTIVE.value}
                    before, after = _difference(values_of(row), values)
                    put_grant(writer, "grant.first_login", values, before, after)
    with store.reading(practices) as rows:
        return rows.grants_of(account_id)


def _may_invite(acting: Acting, writer: Writer, client: Client, kind: Kind) -> bool:
    invitee = "client" if kind is Kind.SELF else "contact"
    about = {"practice_id": client.practice_id, "client_id": client.id, "invitee": invitee}
    decision = acting.decide(writer, "create", ("invitation", "new"), about)
    return decision is not None and decision.allowed


def _pending(rows: Reading, account_id: str) -> list[Grant]:
    return [grant for grant in rows.grants_of(account_id) if grant.status is GrantStatus.PENDING]


def put_grant(
    writer: Writer, action: str, values: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> Grant:
    """Let a grant have these values, and record what differs; without a difference nothing is written."""
    if after:
        row = writer.put(GrantRow, **values)
        writer.record(
            action,
            ("grant", row.id),
            practice_id=row.practice_id,
            client_id=row.client_id,
            account_id=row.account_id,
            before=before,
            after=after,
        )
    grant = writer.reading.grant(values["id"])
    if grant is None:
        raise NotFoundError("grant")
    return grant


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs, as it was and as it is; of toggles only those that differ."""
    old, new = {}, {}
    for name, value in after.items():
        if before[name] == value:
            continue
        if name == "toggles":
            keys = [key for key in value if before[name].get(key) != value[key]]
            old[name], new[name] = {k: before[name].get(k) for k in keys}, {k: value[k] for k in keys}
        else:
            old[name], new[name] = before[name], value
    return old, new


def check_window(fields: Fields, starts: date | None, until: date | None) -> None:
    """Refuse `until` where it does not lie after `from`."""
    if starts is not None and until is not None and starts >= until:
        fields.refuse("until", "must lie after `from`: it is the first day without access")


def check_kind(rows: Standing, client: Client, account_id: str, kind: Kind, age: AgeClass) -> None:
    """Raises InvalidError for a kind that does not fit the client, ConflictError for what is there already."""
    if kind is Kind.ADULT_PROXY and age is not AgeClass.ADULT:
        raise InvalidError({"kind": "adult_proxy is for adult clients; a child or teen has guardians"})
    if kind is Kind.SELF and client.self_managing is SelfManaging.NO:
        raise InvalidError({"kind": "self is for clients who manage a portal of their own; this one does not"})
    if rows.post(account_id) is not None:
        raise ConflictError(f"{account_id} is the id of a staff member")
    standing = [grant for grant in rows.grants_on(client.id) if grant.status is not GrantStatus.ENDED]
    if same := [grant for grant in standing if grant.account_id == account_id and grant.kind is kind]:
        raise ConflictError(f"{account_id} is {kind} of {client.id} already: {same[0].id}")
    if kind is not Kind.SELF:
        return
    if own := [grant for grant in standing if grant.kind is Kind.SELF]:
        raise ConflictError(f"{client.id} has an account of their own already: {own[0].id}")
    others = [grant for grant in rows.grants_of(account_id) if grant.practice_id == client.practice_id]
    if other := [g for g in others if g.kind is Kind.SELF and g.status is not GrantStatus.ENDED]:
        raise ConflictError(f"{account_id} is the own account of another client: {other[0].id}")


def _written(toggles: Mapping[Feature, bool]) -> dict[str, bool]:
    """Toggles as they are stored: plain texts, which not every writer of JSON makes of an enum's members."""
    return {feature.value: on for feature, on in toggles.items()}


def _usual(writer: Writer, row: GrantRow) -> Mapping[Feature, bool]:
    client = writer.reading.client(row.client_id)
    if client is None:
        raise NotFoundError("client")
    return starting_toggles(writer.reading, row.practice_id, Kind(row.kind), _age(writer, client))


def _age(writer: Writer, client: Client) -> AgeClass:
    practice = writer.reading.practice(client.practice_id)
    if practice is None:
        raise NotFoundError("practice")
    return age_class(client, practice, day_of(writer.now, practice.zone))
