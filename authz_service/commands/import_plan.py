"""What an import would do to the rows that stand: for each entry whether it is new, there already, or cannot be."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from authz_service.commands.errors import CommandError, InvalidError
from authz_service.commands.grants import check_kind
from authz_service.facts.code import age_class
from authz_service.facts.rows import EVERYONE, Client, Grant
from models.ids import new_grant_id
from models.vocabulary import AgeClass, Feature, GrantStatus, Kind, SelfManaging, default_toggles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from authz_service.commands.import_entries import (
        AssignmentEntry,
        BlockEntry,
        ClientEntry,
        Entries,
        GrantEntry,
        WithheldEntry,
    )
    from authz_service.commands.kind_defaults import KindDefaults
    from authz_service.facts.rows import Practice
    from authz_service.facts.snapshot import Snapshot


class Outcome(StrEnum):
    """What becomes of an entry."""

    NEW = "new"
    UNCHANGED = "unchanged"  # there already, and the same
    CHANGED = "changed"  # there already; what differs is taken
    KEPT = "kept"  # there already; what differs is not taken
    PASSED_OVER = "passed_over"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Ids of the import that the practice's own rows do not explain: clients of others, members of staff."""

    clients: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()


@dataclass(slots=True)
class Planned:
    """The outcomes, in the order of the entries, and what is to be written."""

    clients: list[Outcome] = field(default_factory=list)
    grants: list[Outcome] = field(default_factory=list)
    withheld: list[Outcome] = field(default_factory=list)
    blocks: list[Outcome] = field(default_factory=list)
    assigned: list[Outcome] = field(default_factory=list)
    grant_ids: list[str | None] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    new_clients: list[Client] = field(default_factory=list)
    changed_clients: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # id and columns
    switches: list[tuple[str, Feature, bool]] = field(default_factory=list)  # of clients
    new_grants: list[Grant] = field(default_factory=list)
    changed_grants: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)  # id and merge patch
    new_withheld: list[WithheldEntry] = field(default_factory=list)
    new_blocks: list[BlockEntry] = field(default_factory=list)
    new_assigned: list[AssignmentEntry] = field(default_factory=list)

    def digest(self, more: object) -> str:
        """Of what happens: it changes with anything that changes an outcome or the rows it was decided on."""
        outcomes = [self.clients, self.grants, self.withheld, self.blocks, self.assigned]
        values = [
            [sorted((feature.value, on) for feature, on in grant.toggles.items()), grant.status]
            for grant in self.new_grants
        ]
        wrong = sorted(self.problems.items())
        return hashlib.sha256(orjson.dumps([outcomes, values, wrong, more])).hexdigest()


class Planner:
    """Plans on one state of a practice. It is also what `check_kind` asks about what stands."""

    def __init__(
        self,
        practice: Practice,
        state: Snapshot,
        usual: Mapping[Kind, KindDefaults],
        elsewhere: Elsewhere,
        *,
        today: date,
        take: bool,
    ) -> None:
        self.practice, self.today, self.take = practice, today, take
        self._state, self._usual, self._elsewhere = state, usual, elsewhere
        self._clients: dict[str, Client] = dict(state.clients)
        self._on: dict[str, list[Grant]] = defaultdict(list)
        self._of: dict[str, list[Grant]] = defaultdict(list)
        self._grant_ids = set(state.grants)
        self.versions: list[tuple[str, int]] = []  # of rows that differ from what is asked for
        for grant in state.grants.values():
            self._keep(grant)

    # ---- what check_kind asks ----

    def post(self, staff_id: str) -> object | None:
        """The staff member of this id."""
        return staff_id if staff_id in self._elsewhere.staff else None

    def grants_on(self, client_id: str) -> tuple[Grant, ...]:
        """Every grant on the client."""
        return tuple(self._on[client_id])

    def grants_of(self, account_id: str) -> tuple[Grant, ...]:
        """Every grant of the account in this practice."""
        return tuple(self._of[account_id])

    # ---- the plan ----

    def plan(self, entries: Entries) -> Planned:
        """The outcomes of every entry."""
        planned = Planned(problems=dict(entries.wrong))
        self._plan_clients(entries.clients, planned)
        self._plan_grants(entries.grants, planned)
        self._plan_withheld(entries.withheld, planned)
        self._plan_blocks(entries.blocks, planned)
        self._plan_assigned(entries.assigned, planned)
        return planned

    def _plan_clients(self, entries: Iterable[ClientEntry | None], planned: Planned) -> None:
        seen: set[str] = set()
        for place, entry in enumerate(entries):
            outcome = Outcome.REFUSED
            if entry is not None and entry.id in seen:
                planned.problems[f"clients.{place}.id"] = f"{entry.id} is given twice"
            elif entry is not None and entry.id in self._elsewhere.clients:
                planned.problems[f"clients.{place}.id"] = "there is a client of this id already"
            elif entry is not None:
                seen.add(entry.id)
                outcome = self._plan_client(entry, planned)
            planned.clients.append(outcome)

    def _plan_client(self, entry: ClientEntry, planned: Planned) -> Outcome:
        standing = self._state.clients.get(entry.id)
        if standing is None:
            made = Client(entry.id, self.practice.id, **{"self_managing": SelfManaging.NO, **entry.values})
            self._clients[entry.id] = made
            planned.new_clients.append(made)
            planned.switches += [(entry.id, feature, on) for feature, on in entry.switches.items() if not on]
            return Outcome.NEW
        differing = {name: value for name, value in entry.values.items() if getattr(standing, name) != value}
        turned = [(entry.id, feature, on) for feature, on in entry.switches.items() if standing.switches[feature] != on]
        if not differing and not turned:
            return Outcome.UNCHANGED
        self.versions.append((entry.id, standing.version))
        if not self.take:
            return Outcome.KEPT
        if differing:
            self._clients[entry.id] = replace(standing, **differing)
            planned.changed_clients.append((entry.id, differing))
        planned.switches += turned
        return Outcome.CHANGED

    def _plan_grants(self, entries: Iterable[GrantEntry | None], planned: Planned) -> None:
        for place, entry in enumerate(entries):
            outcome, grant_id = Outcome.REFUSED, None
            try:
                if entry is not None:
                    outcome, grant_id = self._plan_grant(entry, planned)
            except InvalidError as error:
                planned.problems |= {f"grants.{place}.{name}": message for name, message in error.fields.items()}
            except CommandError as error:
                planned.problems[f"grants.{place}"] = str(error)
            planned.grants.append(outcome)
            planned.grant_ids.append(grant_id)

    def _plan_grant(self, entry: GrantEntry, planned: Planned) -> tuple[Outcome, str | None]:
        if entry.status is GrantStatus.ENDED:
            return Outcome.PASSED_OVER, None
        client = self._clients.get(entry.client_id)
        if client is None:
            raise InvalidError({"client_id": f"{entry.client_id} is no client of the practice, nor of this import"})
        standing = next(
            (
                grant
                for grant in self._on[entry.client_id]
                if (grant.account_id, grant.kind) == (entry.account_id, entry.kind)
                and grant.status is not GrantStatus.ENDED
            ),
            None,
        )
        if standing is not None:
            if standing.id not in self._state.grants:
                raise InvalidError({"kind": f"{entry.account_id} is {entry.kind} of {entry.client_id} twice here"})
            return self._plan_standing(entry, standing, planned), standing.id
        age = age_class(client, self.practice, self.today)
        check_kind(self, client, entry.account_id, entry.kind, age)
        grant_id = new_grant_id(entry.account_id, entry.client_id, self._grant_ids.__contains__)
        made = Grant(
            id=grant_id,
            account_id=entry.account_id,
            client_id=entry.client_id,
            practice_id=self.practice.id,
            kind=entry.kind,
            status=entry.status,
            toggles={**self._starting(entry.kind, age), **entry.toggles},
            starts=entry.starts,
            until=entry.until,
            proof=entry.proof or "none",
        )
        self._grant_ids.add(grant_id)
        self._keep(made)
        planned.new_grants.append(made)
        return Outcome.NEW, grant_id

    def _plan_standing(self, entry: GrantEntry, standing: Grant, planned: Planned) -> Outcome:
        named: dict[str, tuple[object, object]] = {
            "from": (entry.starts, standing.starts),
            "until": (entry.until, standing.until),
            "proof": (entry.proof, standing.proof),
        }
        differs = any(name in entry.changes and sent != stands for name, (sent, stands) in named.items())
        if not differs and all(standing.toggles[feature] is on for feature, on in entry.toggles.items()):
            return Outcome.UNCHANGED
        self.versions.append((standing.id, standing.version))
        if not self.take:
            return Outcome.KEPT
        planned.changed_grants.append((standing.id, entry.changes))
        return Outcome.CHANGED

    def _plan_withheld(self, entries: Iterable[WithheldEntry | None], planned: Planned) -> None:
        standing = set(self._state.withheld)
        for place, entry in enumerate(entries):
            outcome = Outcome.REFUSED
            if entry is not None and self._are_here(entry.account_id, entry.client_id, f"withheld.{place}", planned):
                row = (entry.account_id, entry.client_id, entry.type, entry.id)
                outcome = Outcome.UNCHANGED if row in standing else Outcome.NEW
                standing.add(row)
                if outcome is Outcome.NEW:
                    planned.new_withheld.append(entry)
            planned.withheld.append(outcome)

    def _plan_blocks(self, entries: Iterable[BlockEntry | None], planned: Planned) -> None:
        standing = set(self._state.blocks)
        for place, entry in enumerate(entries):
            outcome = Outcome.REFUSED
            if entry is not None and self._are_here(entry.account_id, entry.client_id, f"blocks.{place}", planned):
                row = (entry.account_id, entry.client_id)
                outcome = Outcome.UNCHANGED if row in standing else Outcome.NEW
                standing.add(row)
                if outcome is Outcome.NEW:
                    planned.new_blocks.append(entry)
            planned.blocks.append(outcome)

    def _plan_assigned(self, entries: Iterable[AssignmentEntry | None], planned: Planned) -> None:
        standing = {(member.id, client_id) for member in self._state.staff.values() for client_id in member.assigned}
        for place, entry in enumerate(entries):
            outcome = Outcome.REFUSED
            if entry is not None and entry.client_id not in self._clients:
                planned.problems[f"assigned.{place}.client_id"] = f"{entry.client_id} is no client of the practice"
            elif entry is not None and entry.staff_id not in self._state.staff:
                outcome = Outcome.PASSED_OVER
            elif entry is not None:
                row = (entry.staff_id, entry.client_id)
                outcome = Outcome.UNCHANGED if row in standing else Outcome.NEW
                standing.add(row)
                if outcome is Outcome.NEW:
                    planned.new_assigned.append(entry)
            planned.assigned.append(outcome)

    def _are_here(self, account_id: str, client_id: str, place: str, planned: Planned) -> bool:
        if client_id not in self._clients:
            planned.problems[f"{place}.client_id"] = f"{client_id} is no client of the practice"
            return False
        if account_id != EVERYONE and all(grant.account_id != account_id for grant in self._on[client_id]):
            planned.problems[f"{place}.account_id"] = f"{account_id} has no access to {client_id}"
            return False
        return True

    def _starting(self, kind: Kind, age: AgeClass) -> dict[Feature, bool]:
        return {**default_toggles(kind, age), **self._usual[kind].chosen}

    def _keep(self, grant: Grant) -> None:
        self._on[grant.client_id].append(grant)
        self._of[grant.account_id].append(grant)
