"""What would be different: hypothetical changes laid over the rows, each asked for by whoever may make it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from authz_service.commands.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from authz_service.commands.fields import Fields
from authz_service.commands.grants import PROOFS, check_kind, check_window
from authz_service.commands.kind_defaults import starting_toggles
from authz_service.commands.people import CLIENT_FIELDS, client_values
from authz_service.commands.switches import SETTINGS, settings_of
from authz_service.facts.code import age_class, day_of
from authz_service.facts.comparison import Comparison, Difference, State
from authz_service.facts.rows import Account, Grant
from authz_service.storage.practice_rows import read_items, read_practice
from models.ids import new_grant_id
from models.vocabulary import Feature, GrantStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from authz_service.commands.acting import Acting
    from authz_service.facts.rows import Client
    from authz_service.facts.snapshot import Snapshot
    from authz_service.storage.reading import Reading

_GRANT_FIELDS = ("status", "from", "until", "toggles", "proof")
Required = tuple[str, tuple[str, str], str | None]  # action, resource, client: what the actor must be allowed
_STAFF_FIELDS = ("state", "subscribed", "available", "assigned")


@dataclass(frozen=True, slots=True)
class Asked:
    """A what-if question. `at` is where it begins (None: now), `compare_at` when the changed rows are looked at."""

    practice_id: str
    changes: Sequence[Mapping[str, Any]] = ()
    at: datetime | None = None
    compare_at: datetime | None = None
    clients: frozenset[str] | None = None
    accounts: frozenset[str] | None = None


def what_if(acting: Acting, comparison: Comparison, now: datetime, asked: Asked) -> list[Difference]:
    """Who would gain and who would lose what, in order of account and client. Nothing is changed.

    Raises NotFoundError, InvalidError and ConflictError as the changes themselves would, and ForbiddenError where the
    policy does not let the actor make one of them, or look at the grants of everyone who is compared.
    """
    if not acting.reaches(asked.practice_id):
        raise NotFoundError("practice")
    with acting.store.reading(acting.practices, asked.at) as rows:
        snapshot = read_practice(rows, asked.practice_id, _needed(rows, asked))
        if snapshot is None:
            raise NotFoundError("practice")
        since = asked.at or now
        overlay = _Overlay(rows, snapshot, since, asked.practice_id)
        for place, change in enumerate(asked.changes):
            overlay.add(f"changes.{place}", change)
        overlay.close()
        changed, instant = overlay.after(), asked.compare_at or since
        touched = None if asked.compare_at not in (None, since) or overlay.everything else overlay.touched
        with acting.store.reading(acting.practices) as present:
            _require_all(acting, present, now, asked, [*overlay.required, *_looked_at(asked, touched)])
        return comparison.compare(
            State(snapshot, since),
            State(changed, instant),
            _relations(changed, asked, touched),
            lambda types, clients: read_items(rows, asked.practice_id, types, clients),
        )


def _needed(rows: Reading, asked: Asked) -> frozenset[str] | None:
    """The clients whose rows are read; None for all of the practice."""
    named: set[Any] = set()
    for change in asked.changes:
        if change.get("practice") is not None or change.get("staff") is not None:
            return None
        holder = change.get("withhold") or change.get("block") or {}
        grant = rows.grant(holder.get("grant") or change.get("grant") or "")
        named |= {change.get("client"), (change.get("new_grant") or {}).get("client_id"), grant and grant.client_id}
    if asked.clients is None:
        return None if asked.compare_at is not None or not named else frozenset(named - {None})
    return frozenset(named - {None}) | asked.clients


def _relations(snapshot: Snapshot, asked: Asked, touched: set[str] | None) -> list[tuple[str, str]]:
    found = {(grant.account_id, grant.client_id) for grant in snapshot.grants.values()}
    return sorted(
        (account_id, client_id)
        for account_id, client_id in found
        if (touched is None or client_id in touched)
        and (asked.clients is None or client_id in asked.clients)
        and (asked.accounts is None or account_id in asked.accounts)
    )


def _looked_at(asked: Asked, touched: set[str] | None) -> list[Required]:
    """Whose differences are told: of these clients, or of the whole practice."""
    clients = touched if asked.clients is None else asked.clients
    if not clients:
        return [("view", ("practice", asked.practice_id), None)]
    return [("view", ("grant", "all"), client_id) for client_id in sorted(clients)]


def _require_all(
    acting: Acting,
    rows: Reading,
    now: datetime,
    asked: Asked,
    required: Iterable[Required],
) -> None:
    for action, resource, client_id in dict.fromkeys(required):
        owners = {"practice_id": asked.practice_id, "client_id": client_id}
        decision = acting.decide_on(rows, now, action, resource, owners)
        if decision is None or not decision.allowed:
            raise ForbiddenError(acting.origin.actor, action, resource, (asked.practice_id, client_id), decision)


class _Overlay:
    """Changes read one after the other; each sees those before it. It is also what `check_kind` asks."""

    def __init__(self, rows: Reading, snapshot: Snapshot, since: datetime, practice_id: str) -> None:
        self.rows = rows
        self.since = since
        self.practice_id = practice_id
        self.required: list[Required] = []
        self.touched: set[str] = set()  # clients
        self.everything = False
        self._wrong: dict[str, str] = {}
        self._snapshot = snapshot
        self._practice = snapshot.practices[practice_id]
        self._clients, self._accounts = dict(snapshot.clients), dict(snapshot.accounts)
        self._grants, self._staff = dict(snapshot.grants), dict(snapshot.staff)
        self._withheld, self._blocks = set(snapshot.withheld), set(snapshot.blocks)

    def add(self, name: str, change: Mapping[str, Any]) -> None:
        """Lay one change over the rows."""
        kinds = [kind for kind in _READERS if change.get(kind) is not None]
        if len(kinds) != 1:
            self._wrong[name] = f"must have exactly one of {', '.join(_READERS)}"
            return
        try:
            _READERS[kinds[0]](self, change)
        except InvalidError as error:
            self._wrong.update({f"{name}.{each}": message for each, message in error.fields.items()})

    def close(self) -> None:
        """Raises InvalidError when anything was wrong."""
        if self._wrong:
            raise InvalidError(self._wrong)

    def after(self) -> Snapshot:
        """The rows with all changes."""
        return self._snapshot.having(
            practices=[self._practice],
            clients=self._clients.values(),
            accounts=self._accounts.values(),
            staff=self._staff.values(),
            grants=self._grants.values(),
            withheld=self._withheld,
            blocks=self._blocks,
        )

    def post(self, staff_id: str) -> object | None:
        """The staff member of this id."""
        return self.rows.post(staff_id)

    def grants_on(self, client_id: str) -> tuple[Grant, ...]:
        """Every grant on the client, those of earlier changes too."""
        return tuple(grant for grant in self._grants.values() if grant.client_id == client_id)

    def grants_of(self, account_id: str) -> tuple[Grant, ...]:
        """Every grant of the account, those of earlier changes too."""
        stored = {grant.id: grant for grant in self.rows.grants_of(account_id)}
        return tuple(grant for grant in (stored | self._grants).values() if grant.account_id == account_id)

    def change_practice(self, change: Mapping[str, Any]) -> None:
        fields = _fields_of(change, "practice", ("switches", *SETTINGS))
        settings, switches = settings_of(fields), _switches(fields)
        before = self._practice
        if settings.get("teen_from", before.teen_from) >= settings.get("adult_from", before.adult_from):
            fields.refuse("adult_from", "must be above teen_from")
        fields.close()
        if settings:
            self.required.append(("update", ("practice", self.practice_id), None))
        self.required += [("update", ("switch", feature), None) for feature in switches]
        self._practice = replace(before, **settings, switches={**before.switches, **switches})
        self.everything = True

    def change_client(self, change: Mapping[str, Any]) -> None:
        client = self.client(change["client"])
        fields = Fields(_without(change, "client"), ("switches", *CLIENT_FIELDS))
        values = {name: value for name, value in client_values(fields).items() if value is not None}
        switches = _switches(fields)
        fields.close()
        if values:
            self.required.append(("update", ("client", client.id), client.id))
        self.required += [("update", ("switch", feature), client.id) for feature in switches]
        self._clients[client.id] = replace(client, **values, switches={**client.switches, **switches})
        self.touched.add(client.id)

    def change_grant(self, change: Mapping[str, Any]) -> None:
        grant = self.grant(change["grant"])
        client = self.client(grant.client_id)
        fields = Fields(_without(change, "grant"), _GRANT_FIELDS)
        status = fields.word("status", tuple(GrantStatus))
        values: dict[str, Any] = {} if status is None else {"status": GrantStatus(status)}
        values |= {
            column: fields.day(name) for name, column in (("from", "starts"), ("until", "until")) if name in fields
        }
        if proof := fields.word("proof", PROOFS):
            values["proof"] = proof
        values["toggles"] = self._toggles(fields, client, grant.kind, grant.toggles)
        changed = replace(grant, **values)
        check_window(fields, changed.starts, changed.until)
        fields.close()
        action = "end" if changed.status is GrantStatus.ENDED else "update"
        self.required.append((action, ("grant", grant.id), client.id))
        self._put_grant(changed)

    def add_grant(self, change: Mapping[str, Any]) -> None:
        fields = _fields_of(change, "new_grant", ("client_id", "account_id", "kind", *_GRANT_FIELDS))
        client_id, account_id = fields.identifier("client_id"), fields.identifier("account_id")
        kind = fields.choice("kind", Kind)
        if kind is None:
            fields.refuse("kind", f"is required; kinds are {', '.join(Kind)}")
        status = fields.word("status", (GrantStatus.PENDING, GrantStatus.ACTIVE)) or GrantStatus.ACTIVE
        starts, until = fields.day("from"), fields.day("until")
        proof = fields.word("proof", PROOFS) or "none"
        check_window(fields, starts, until)
        fields.close()
        if client_id is None or account_id is None or kind is None:
            raise AssertionError("`close` raises for what is missing")
        client = self.client(client_id)
        age = age_class(client, self._practice, day_of(self.since, self._practice.zone))
        toggles = self._toggles(fields, client, kind, starting_toggles(self.rows, self.practice_id, kind, age))
        fields.close()
        check_kind(self, client, account_id, kind, age)
        self.required.append(("create", ("grant", "new"), client_id))
        if account_id not in self._accounts:
            self._accounts[account_id] = self.rows.account(account_id) or Account(account_id)
        grant_id = new_grant_id(account_id, client_id, self._grants.__contains__)
        row = Grant(
            id=grant_id,
            account_id=account_id,
            client_id=client_id,
            practice_id=self.practice_id,
            kind=kind,
            status=GrantStatus(status),
            toggles=toggles,
            starts=starts,
            until=until,
            proof=proof,
        )
        self._put_grant(row)

    def change_staff(self, change: Mapping[str, Any]) -> None:
        member = self._staff.get(change["staff"])
        if member is None:
            raise NotFoundError("staff member")
        fields = Fields(_without(change, "staff"), _STAFF_FIELDS)
        read: dict[str, Any] = {name: fields.flag(name) for name in ("subscribed", "available")}
        read["state"] = fields.word("state", ("active", "inactive"))
        assigned = fields.identifiers("assigned")
        read["assigned"] = None if assigned is None else frozenset(assigned)
        fields.close()
        self.required.append(("update", ("subscription", member.id), None))
        values = {name: value for name, value in read.items() if value is not None}
        self._staff[member.id] = replace(member, **values)
        self.everything = True

    def withhold(self, change: Mapping[str, Any]) -> None:
        fields = _fields_of(change, "withhold", ("grant", "type", "id", "on"))
        on = fields.flag("on") is not False
        fields.close()
        grant = self.grant(change["withhold"]["grant"])
        key = (grant.account_id, grant.client_id, change["withhold"]["type"], change["withhold"]["id"])
        self.required.append(("create" if on else "end", ("withhold", grant.id), grant.client_id))
        (self._withheld.add if on else self._withheld.discard)(key)
        self.touched.add(grant.client_id)

    def block(self, change: Mapping[str, Any]) -> None:
        fields = _fields_of(change, "block", ("grant", "on"))
        on = fields.flag("on") is not False
        fields.close()
        grant = self.grant(change["block"]["grant"])
        self.required.append(("create" if on else "end", ("block", grant.id), grant.client_id))
        key = (grant.account_id, grant.client_id)
        (self._blocks.add if on else self._blocks.discard)(key)
        self.touched.add(grant.client_id)

    def client(self, client_id: str) -> Client:
        """A client of the practice. Raises NotFoundError."""
        found = self._clients.get(client_id)
        if found is None:
            raise NotFoundError("client")
        return found

    def grant(self, grant_id: str) -> Grant:
        """A grant of the practice. Raises NotFoundError, ConflictError for one that has ended."""
        found = self._grants.get(grant_id)
        if found is None:
            raise NotFoundError("grant")
        if found.status is GrantStatus.ENDED:
            raise ConflictError("the grant has ended and stays as it was; create another")
        return found

    def _toggles(
        self, fields: Fields, client: Client, kind: Kind, before: Mapping[Feature, bool]
    ) -> Mapping[Feature, bool]:
        changed = fields.toggles("toggles")
        if not changed:
            return before
        age = age_class(client, self._practice, day_of(self.since, self._practice.zone))
        defaults = starting_toggles(self.rows, self.practice_id, kind, age)
        return {**before, **{name: defaults[name] if on is None else on for name, on in changed.items()}}

    def _put_grant(self, grant: Grant) -> None:
        self._grants[grant.id] = grant
        self.touched.add(grant.client_id)


_READERS = {
    "practice": _Overlay.change_practice,
    "client": _Overlay.change_client,
    "grant": _Overlay.change_grant,
    "new_grant": _Overlay.add_grant,
    "staff": _Overlay.change_staff,
    "withhold": _Overlay.withhold,
    "block": _Overlay.block,
}


def _fields_of(change: Mapping[str, Any], name: str, known: tuple[str, ...]) -> Fields:
    if others := sorted(set(change) - {name}):
        raise InvalidError({others[0]: f"does not belong beside {name}"})
    return Fields(change[name], known)


def _without(change: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in change.items() if each != name}


def _switches(fields: Fields) -> dict[Feature, bool]:
    found = fields.toggles("switches")
    for feature, on in found.items():
        if on is None:
            fields.refuse(f"switches.{feature}", "must be true or false")
    return {feature: on for feature, on in found.items() if on is not None}
