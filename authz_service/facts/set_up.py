"""The set-up check: what in grants, switches and staff is probably not meant (`portals.md` e2.9)."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from authz_service.facts.code import age_class, day_of
from authz_service.facts.derive import subscribed_staff
from models.vocabulary import AgeClass, Feature, GrantStatus, Kind, SelfManaging, SetUpRule, StaffRole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date, datetime

    from authz_service.facts.rows import Client, Grant, Practice
    from authz_service.facts.snapshot import Snapshot

SOON = timedelta(days=60)
WAITING = timedelta(days=30)
_STANDING = frozenset({GrantStatus.PENDING, GrantStatus.ACTIVE})
_PROVING = frozenset({Kind.GUARDIAN, Kind.CASEWORKER, Kind.ADULT_PROXY})
_OF_MINORS = frozenset({Kind.GUARDIAN, Kind.CO_PARENT, Kind.CASEWORKER})
_DECIDING = frozenset({Kind.SELF, Kind.GUARDIAN, Kind.CASEWORKER, Kind.ADULT_PROXY})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. `id` stays the same for as long as it is about the same; `count` is how many it reaches."""

    rule: SetUpRule
    client_id: str | None = None
    grant_ids: tuple[str, ...] = ()
    staff_id: str | None = None
    features: tuple[Feature, ...] = ()
    day: date | None = None
    count: int = 1

    @property
    def id(self) -> str:
        """The rule, and a digest of what it is about."""
        grants = () if self.rule in _AGGREGATED else self.grant_ids
        about = (self.client_id or "", self.staff_id or "", *grants, *self.features, str(self.day or ""))
        return f"{self.rule}.{hashlib.sha256('|'.join(about).encode()).hexdigest()[:24]}"


_AGGREGATED = frozenset({SetUpRule.ON_THOUGH_PRACTICE_OFF, SetUpRule.ON_THOUGH_CLIENT_OFF})


@dataclass(frozen=True, slots=True)
class Estate:
    """What the rules read: one practice's rows. `waiting` has since when a grant is pending."""

    rows: Snapshot
    practice: Practice
    now: datetime
    ceilings: Mapping[Kind, frozenset[Feature]]
    waiting: Mapping[str, datetime] = field(default_factory=dict)
    thread_providers: frozenset[str] = frozenset()
    clients_with_items: frozenset[str] = frozenset()

    @property
    def today(self) -> date:
        """The practice's day."""
        return day_of(self.now, self.practice.zone)

    def standing(self) -> dict[str, list[Grant]]:
        """Grants that let in, or will, by client: pending and active ones whose window is not over."""
        found: dict[str, list[Grant]] = {client_id: [] for client_id in self.rows.clients}
        for grant in self.rows.grants.values():
            if grant.status in _STANDING and not _is_over(grant, self.today):
                found[grant.client_id].append(grant)
        return found


def find_all(estate: Estate) -> list[Finding]:
    """Every finding, rule by rule in the order of the vocabulary."""
    standing = estate.standing()
    return [finding for rule in SetUpRule for finding in _RULES[rule](estate, standing)]


Standing = dict[str, list["Grant"]]


def _exclusive_twice(_estate: Estate, standing: Standing) -> Iterator[Finding]:
    """An agency's guardian decides alone: neither another one nor a parent beside it is meant."""
    for client_id, grants in standing.items():
        agencies = [grant for grant in grants if grant.kind is Kind.CASEWORKER]
        rivals = agencies + [grant for grant in grants if grant.kind is Kind.GUARDIAN]
        if agencies and len({grant.account_id for grant in rivals}) > 1:
            yield Finding(SetUpRule.EXCLUSIVE_TWICE, client_id, _ids(rivals))


def _guardian_of_adult(estate: Estate, standing: Standing) -> Iterator[Finding]:
    for client, grants in _clients(estate, standing):
        if _age(estate, client) is AgeClass.ADULT:
            for grant in grants:
                if grant.kind in _OF_MINORS and grant.proof == "none":
                    yield Finding(SetUpRule.GUARDIAN_OF_ADULT, client.id, (grant.id,))


def _invited_not_self_managing(estate: Estate, standing: Standing) -> Iterator[Finding]:
    for client, grants in _clients(estate, standing):
        if client.self_managing is SelfManaging.NO:
            for grant in grants:
                if grant.kind is Kind.SELF:
                    yield Finding(SetUpRule.INVITED_NOT_SELF_MANAGING, client.id, (grant.id,))


def _access_without_permission(estate: Estate, standing: Standing) -> Iterator[Finding]:
    """A sign-in that opens an empty portal, over all grants of the account on the client."""
    if not estate.practice.contacts_allowed:
        return
    for client, grants in _clients(estate, standing):
        has: dict[str, set[Feature]] = defaultdict(set)
        for grant in grants:
            has[grant.account_id].update(_useful(estate, client, grant))
        for grant in grants:
            if grant.kind is not Kind.SELF and not has[grant.account_id]:
                yield Finding(SetUpRule.ACCESS_WITHOUT_PERMISSION, client.id, (grant.id,))


def _subscription_missing(estate: Estate, _standing: Standing) -> Iterator[Finding]:
    subscribed = subscribed_staff(tuple(estate.rows.staff.values()))
    for member in estate.rows.staff.values():
        is_therapist = StaffRole.THERAPIST in member.roles and member.state == "active"
        if is_therapist and member.id in estate.thread_providers and member.id not in subscribed:
            yield Finding(SetUpRule.SUBSCRIPTION_MISSING, staff_id=member.id)


def _staff_left_with_clients(estate: Estate, _standing: Standing) -> Iterator[Finding]:
    for member in estate.rows.staff.values():
        if member.state == "inactive" and member.assigned:
            yield Finding(SetUpRule.STAFF_LEFT_WITH_CLIENTS, staff_id=member.id, count=len(member.assigned))


def _parent_as_client(estate: Estate, standing: Standing) -> Iterator[Finding]:
    """An adult client of whom the practice keeps nothing, whose sign-in acts for another client (row W11)."""
    acting = {grant.account_id for grants in standing.values() for grant in grants if grant.kind in _OF_MINORS}
    seen = {client_id for member in estate.rows.staff.values() for client_id in member.assigned}
    for client, grants in _clients(estate, standing):
        own = [grant for grant in grants if grant.kind is Kind.SELF and grant.account_id in acting]
        in_care = client.id in seen or client.id in estate.clients_with_items
        if own and client.active and not in_care and _age(estate, client) is AgeClass.ADULT:
            yield Finding(SetUpRule.PARENT_AS_CLIENT, client.id, _ids(own))


def _ends_soon(estate: Estate, standing: Standing) -> Iterator[Finding]:
    for client_id, grants in standing.items():
        for grant in grants:
            until = grant.until
            if until is None or until > estate.today + SOON:
                continue
            heirs = [
                other
                for other in grants
                if other is not grant
                and (other.until is None or other.until > until)
                and (other.kind is grant.kind or other.account_id == grant.account_id or other.kind in _DECIDING)
            ]
            if not heirs:
                yield Finding(SetUpRule.ENDS_SOON, client_id, (grant.id,), day=until)


def _window_over(estate: Estate, _standing: Standing) -> Iterator[Finding]:
    for grant in estate.rows.grants.values():
        if grant.status in _STANDING and _is_over(grant, estate.today):
            yield Finding(SetUpRule.WINDOW_OVER, grant.client_id, (grant.id,), day=grant.until)


def _without_proof(estate: Estate, standing: Standing) -> Iterator[Finding]:
    for client, grants in _clients(estate, standing):
        is_adult = _age(estate, client) is AgeClass.ADULT
        for grant in grants:
            if grant.kind in _PROVING and grant.proof == "none" and not (is_adult and grant.kind in _OF_MINORS):
                yield Finding(SetUpRule.WITHOUT_PROOF, client.id, (grant.id,))


def _never_for_kind(estate: Estate, standing: Standing) -> Iterator[Finding]:
    for client_id, grants in standing.items():
        for grant in grants:
            useless = [name for name in Feature if grant.toggles[name] and name not in estate.ceilings[grant.kind]]
            if useless:
                yield Finding(SetUpRule.NEVER_FOR_KIND, client_id, (grant.id,), features=tuple(useless))


def _on_though_practice_off(estate: Estate, standing: Standing) -> Iterator[Finding]:
    for feature, is_on in estate.practice.switches.items():
        if is_on:
            continue
        reached = [grant for grants in standing.values() for grant in grants if _wants(estate, grant, feature)]
        if reached:
            yield Finding(SetUpRule.ON_THOUGH_PRACTICE_OFF, features=(feature,), count=len(reached))


def _on_though_client_off(estate: Estate, standing: Standing) -> Iterator[Finding]:
    for client, grants in _clients(estate, standing):
        off = [name for name, on in client.switches.items() if not on and estate.practice.switches[name]]
        reached = [grant for grant in grants if any(_wants(estate, grant, feature) for feature in off)]
        useless = tuple(name for name in off if any(_wants(estate, grant, name) for grant in grants))
        if reached:
            rule, count = SetUpRule.ON_THOUGH_CLIENT_OFF, len(reached)
            yield Finding(rule, client.id, _ids(reached), features=useless, count=count)


def _invitation_waiting(estate: Estate, standing: Standing) -> Iterator[Finding]:
    for client_id, grants in standing.items():
        for grant in grants:
            since = estate.waiting.get(grant.id)
            if since is not None and since < estate.now - WAITING:
                day = day_of(since, estate.practice.zone)
                yield Finding(SetUpRule.INVITATION_WAITING, client_id, (grant.id,), day=day)


def _nobody_has_access(estate: Estate, standing: Standing) -> Iterator[Finding]:
    for client, grants in _clients(estate, standing):
        if client.active and not grants:
            yield Finding(SetUpRule.NOBODY_HAS_ACCESS, client.id)


_RULES: Mapping[SetUpRule, Callable[[Estate, Standing], Iterator[Finding]]] = {
    SetUpRule.EXCLUSIVE_TWICE: _exclusive_twice,
    SetUpRule.GUARDIAN_OF_ADULT: _guardian_of_adult,
    SetUpRule.INVITED_NOT_SELF_MANAGING: _invited_not_self_managing,
    SetUpRule.ACCESS_WITHOUT_PERMISSION: _access_without_permission,
    SetUpRule.SUBSCRIPTION_MISSING: _subscription_missing,
    SetUpRule.STAFF_LEFT_WITH_CLIENTS: _staff_left_with_clients,
    SetUpRule.PARENT_AS_CLIENT: _parent_as_client,
    SetUpRule.ENDS_SOON: _ends_soon,
    SetUpRule.WINDOW_OVER: _window_over,
    SetUpRule.WITHOUT_PROOF: _without_proof,
    SetUpRule.NEVER_FOR_KIND: _never_for_kind,
    SetUpRule.ON_THOUGH_PRACTICE_OFF: _on_though_practice_off,
    SetUpRule.ON_THOUGH_CLIENT_OFF: _on_though_client_off,
    SetUpRule.INVITATION_WAITING: _invitation_waiting,
    SetUpRule.NOBODY_HAS_ACCESS: _nobody_has_access,
}


def _clients(estate: Estate, standing: Standing) -> Iterator[tuple[Client, list[Grant]]]:
    for client_id, grants in standing.items():
        yield estate.rows.clients[client_id], grants


def _age(estate: Estate, client: Client) -> AgeClass:
    return age_class(client, estate.practice, estate.today)


def _useful(estate: Estate, client: Client, grant: Grant) -> Iterator[Feature]:
    """What the grant opens beyond the empty portal, by its switches on every level."""
    for feature in estate.ceilings[grant.kind]:
        on = grant.toggles[feature] and client.switches[feature] and estate.practice.switches[feature]
        if on and feature not in (Feature.BASICS, Feature.REMINDERS):
            yield feature


def _wants(estate: Estate, grant: Grant, feature: Feature) -> bool:
    return grant.toggles[feature] and feature in estate.ceilings[grant.kind]


def _is_over(grant: Grant, today: date) -> bool:
    return grant.until is not None and grant.until <= today


def _ids(grants: Iterable[Grant]) -> tuple[str, ...]:
    return tuple(sorted(grant.id for grant in grants))
