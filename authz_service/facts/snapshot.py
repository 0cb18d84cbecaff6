"""Access data held in memory: what tests, the demo world and past instants are asked on."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from authz_service.facts.rows import Relation, StaffPost, bound_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authz_service.facts.rows import Account, Client, EmergencyAccess, Grant, Practice, Staff


class Snapshot:
    """An `Access` made of rows. It never changes: build another for another state.

    `withheld` holds (account id or EVERYONE, client id, resource type, resource id); `blocks` (account id, client id);
    `items` maps (resource type, id) to raw properties.
    """

    def __init__(
        self,
        *,
        practices: Iterable[Practice],
        clients: Iterable[Client] = (),
        accounts: Iterable[Account] = (),
        staff: Iterable[Staff] = (),
        grants: Iterable[Grant] = (),
        withheld: Iterable[tuple[str, str, str, str]] = (),
        blocks: Iterable[tuple[str, str]] = (),
        emergencies: Iterable[EmergencyAccess] = (),
        items: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
    ) -> None:
        self.practices = {row.id: row for row in practices}
        self.clients = {row.id: row for row in clients}
        self.accounts = {row.id: row for row in accounts}
        self.staff = {row.id: row for row in sorted(staff, key=lambda row: row.id)}
        self.grants = {row.id: row for row in sorted(grants, key=lambda row: row.id)}
        self.withheld = frozenset(withheld)
        self._withheld_from: dict[tuple[str | None, str], set[tuple[str, str]]] = defaultdict(set)
        for account_id, client_id, resource_type, resource_id in self.withheld:
            self._withheld_from[account_id, client_id].add((resource_type, resource_id))
        self.blocks = frozenset(blocks)
        self.emergencies = tuple(emergencies)
        self.items: dict[tuple[str, str], Mapping[str, Any]] = dict(items or {})
        self._staff_of: dict[str, list[Staff]] = defaultdict(list)
        for member in self.staff.values():
            self._staff_of[member.practice_id].append(member)
        self._grants_on: dict[str, list[Grant]] = defaultdict(list)
        self._clients_of: dict[str, set[str]] = defaultdict(set)
        for grant in self.grants.values():
            self._grants_on[grant.client_id].append(grant)
            self._clients_of[grant.account_id].add(grant.client_id)
        self._relations: dict[tuple[str | None, str], Relation | None] = {}
        self._posts: dict[str, StaffPost | None] = {}

    def having(
        self,
        *,
        practices: Iterable[Practice] = (),
        clients: Iterable[Client] = (),
        accounts: Iterable[Account] = (),
        staff: Iterable[Staff] = (),
        grants: Iterable[Grant] = (),
        withheld: Iterable[tuple[str, str, str, str]] | None = None,
        blocks: Iterable[tuple[str, str]] | None = None,
    ) -> Snapshot:
        """The same with these rows in place of those of the same id; sets of pairs are replaced whole."""
        return Snapshot(
            practices={**self.practices, **{row.id: row for row in practices}}.values(),
            clients={**self.clients, **{row.id: row for row in clients}}.values(),
            accounts={**self.accounts, **{row.id: row for row in accounts}}.values(),
            staff={**self.staff, **{row.id: row for row in staff}}.values(),
            grants={**self.grants, **{row.id: row for row in grants}}.values(),
            withheld=self.withheld if withheld is None else withheld,
            blocks=self.blocks if blocks is None else blocks,
            emergencies=self.emergencies,
            items=self.items,
        )

    def account(self, account_id: str) -> Account | None:
        """The account."""
        return self.accounts.get(account_id)

    def client(self, client_id: str) -> Client | None:
        """The client."""
        return self.clients.get(client_id)

    def practice(self, practice_id: str) -> Practice | None:
        """The practice."""
        return self.practices.get(practice_id)

    def post(self, staff_id: str) -> StaffPost | None:
        """The staff member with the practice they belong to."""
        if staff_id not in self._posts:
            self._posts[staff_id] = self._post(staff_id)
        return self._posts[staff_id]

    def relation(self, account_id: str | None, client_id: str) -> Relation | None:
        """What a question about this account and client reads."""
        key = (account_id, client_id)
        try:
            return self._relations[key]
        except KeyError:
            return self._relations.setdefault(key, self._relation(account_id, client_id))

    def clients_of(self, account_id: str) -> tuple[str, ...]:
        """Ids of the clients on which the account holds a grant."""
        return tuple(sorted(self._clients_of.get(account_id, ())))

    def item(self, resource_type: str, resource_id: str) -> Mapping[str, Any] | None:
        """The raw properties of an item; a client, practice or grant is registered by being there."""
        found = self.items.get((resource_type, resource_id))
        if found is not None:
            return found
        if resource_type == "client" and (client := self.clients.get(resource_id)):
            return client.properties
        if resource_type == "grant" and (grant := self.grants.get(resource_id)):
            return grant.properties
        if resource_type == "practice" and resource_id in self.practices:
            return {"practice_id": resource_id}
        return None

    def _post(self, staff_id: str) -> StaffPost | None:
        member = self.staff.get(staff_id)
        if member is None:
            return None
        return StaffPost(member, self.practices[member.practice_id], tuple(self._staff_of[member.practice_id]))

    def _relation(self, account_id: str | None, client_id: str) -> Relation | None:
        client = self.clients.get(client_id)
        if client is None:
            return None
        client_grants = tuple(self._grants_on.get(client_id, ()))
        unreachable = {
            grant.account_id
            for grant in client_grants
            if self.accounts[grant.account_id].state != "active" or (grant.account_id, client_id) in self.blocks
        }
        grants = tuple(grant for grant in client_grants if grant.account_id == account_id)
        keepers = () if account_id is None else bound_by(account_id, grants)
        return Relation(
            practice=self.practices[client.practice_id],
            client=client,
            account=self.accounts.get(account_id) if account_id is not None else None,
            grants=grants,
            withheld=frozenset(item for each in keepers for item in self._withheld_from.get((each, client_id), ())),
            blocked=(account_id, client_id) in self.blocks,
            client_grants=client_grants,
            unreachable_accounts=frozenset(unreachable),
            staff=tuple(self._staff_of.get(client.practice_id, ())),
            emergencies=tuple(row for row in self.emergencies if row.client_id == client_id),
        )
