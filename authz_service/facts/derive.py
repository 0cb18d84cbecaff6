"""Rows, request and clock become the facts of a policy; each `from` is interpreted once, when the policy is loaded."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from authz_service.engine import MISSING, BundleError
from authz_service.engine.errors import Problem
from authz_service.facts.code import day_of, has_second_factor, is_reachable, turning_points
from authz_service.facts.items import reader_of
from authz_service.facts.registration import Registry
from authz_service.facts.request import NO_AUTHN
from authz_service.facts.sources import (
    FactError,
    SourceError,
    holder_source,
    item_source,
    member_source,
)
from authz_service.facts.stores import HOLDER_FEATURES, Bound, Holder, ItemSource, Member
from models.vocabulary import GrantStatus, Kind, StaffRole, SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from datetime import date

    from authz_service.engine import Policy, Question
    from authz_service.engine.facts import Fact
    from authz_service.facts.items import ItemReader
    from authz_service.facts.request import Authn
    from authz_service.facts.rows import Grant, Relation, Staff, StaffPost
    from authz_service.facts.stores import HolderSource
    from models.vocabulary import Feature

S = TypeVar("S", bound="Hashable")
T = TypeVar("T")
_EVER = datetime.max.replace(tzinfo=UTC)
_NEVER = datetime.min.replace(tzinfo=UTC)
_SHARED = 16_384
_ADMINISTERS = frozenset({StaffRole.OWNER, StaffRole.ADMINISTRATOR})


class Seat(NamedTuple):
    """A subject as the rules see it, through one grant (staff: none), and what properties are compared with."""

    grant_id: str | None
    subject: tuple[Any, ...]  # the values of policy.subject_slots, or MISSING
    bound: Bound
    complete: bool = True  # no fact of the subject is missing


@dataclass(frozen=True, slots=True)
class Standing:
    """The seats of a subject towards a client; true from `since` until `until`, as long as the rows stay."""

    since: datetime
    until: datetime
    seats: tuple[Seat, ...]


class Derivation:
    """One policy's way from rows to facts. Raises BundleError for a source that is not known.

    `second_factor_for_staff` asks it of staff whatever their practice's setting.
    """

    def __init__(self, policy: Policy, *, second_factor_for_staff: bool = False) -> None:
        self._second_factor_for_staff = second_factor_for_staff
        problems: list[Problem] = []
        makers: dict[str, Callable[[Fact], Any]] = {
            SubjectType.ACCOUNT: holder_source,
            SubjectType.STAFF: member_source,
        }
        self._subjects = {
            name: _prepare(policy.subject_slots(name), partial(_checked, maker), problems)
            for name, maker in makers.items()
            if name in policy.subject_types
        }
        self._resources = {
            name: _prepare(policy.resource_slots(name), _checked_item, problems) for name in policy.resource_types
        }
        if problems:
            raise BundleError(problems)
        self.registry = Registry(policy, self._resources)
        self._holder_parts = _in_parts(self._subjects.get(SubjectType.ACCOUNT, ()))
        # A key for each way of signing in that the facts tell apart; own objects, so that policies do not mix.
        self._keys = tuple(object() for _ in range(4))
        self._shared: dict[Hashable, Hashable] = {}

    def reader(self, question: Question, resource_type: str) -> ItemReader:
        """The reader for one question."""
        return reader_of(question, self._resources[resource_type])

    def key(self, authn: Authn) -> object:
        """Under which the memo of a relation keeps the standing of its account, for who signed in like this."""
        return self._keys[0 if authn is NO_AUTHN else 2 * has_second_factor(authn) + bool(authn.password_change_due)]

    def holder_seats(self, relation: Relation, now: datetime, authn: Authn) -> tuple[Seat, ...]:
        """An account's seats, one for each grant on the client, kept until one of their facts changes by itself."""
        key = self.key(authn)
        standing: Standing | None = relation.memo.get(key)
        if standing is None or not standing.since <= now < standing.until:
            standing = relation.memo[key] = self._standing(relation, now, authn)
        return standing.seats

    def member_seats(
        self, post: StaffPost, practice_id: str | None, relation: Relation | None, now: datetime, authn: Authn
    ) -> tuple[Seat, ...]:
        """A staff member's one seat towards a practice and a client, as far as they are stated."""
        if relation is None:
            return (self._member_seat(post, practice_id, None, now, authn),)
        key = (self._keys[has_second_factor(authn)], post.staff.id)
        known: tuple[StaffPost, Standing] | None = relation.memo.get(key)
        if known is None or known[0] is not post or not known[1].since <= now < known[1].until:
            since, until = _span(relation, now)
            seat = self._member_seat(post, relation.practice.id, relation, now, authn)
            known = relation.memo[key] = (post, Standing(since, until, (seat,)))
        return known[1].seats

    def _member_seat(
        self, post: StaffPost, practice_id: str | None, relation: Relation | None, now: datetime, authn: Authn
    ) -> Seat:
        subscribed = subscribed_staff(post.colleagues)
        member = Member(
            post=post,
            practice_id=practice_id,
            relation=relation,
            subscribed=post.staff.id in subscribed,
            now=now,
            authn=authn,
            ask_second_factor=self._second_factor_for_staff,
        )
        subject = self._share(tuple(source(member) for _, source in self._subjects[SubjectType.STAFF]))
        if relation is None:
            notice = timedelta(hours=post.practice.notice_hours)
            bound = Bound(post.staff.id, None, frozenset(), notice, subscribed, None, None, None, None)
        else:
            bound = self._bound(relation, post.staff.id, None, day_of(now, relation.practice.zone))
        return Seat(None, subject, bound, MISSING not in subject)

    def _standing(self, relation: Relation, now: datetime, authn: Authn) -> Standing:
        today = day_of(now, relation.practice.zone)
        seats = []
        for grant in relation.grants:
            holder = Holder(relation, grant, today, authn)
            subject = self._share(tuple(value for part in self._holder_parts for value in part(holder)))
            bound = self._bound(relation, grant.account_id, grant, today)
            seats.append(Seat(grant.id, subject, bound, MISSING not in subject))
        return Standing(*_span(relation, now), tuple(seats))

    def _bound(self, relation: Relation, subject_id: str, grant: Grant | None, today: date) -> Bound:
        client, staff = relation.client, [member for member in relation.staff if member.state == "active"]
        assigned = (m.id for m in staff if client.id in m.assigned or not _ADMINISTERS.isdisjoint(m.roles))
        return Bound(
            subject_id=subject_id,
            # Seen through a self grant the client's own account is `me`, or an account of the past.
            self_account=None
            if grant is not None and grant.kind is Kind.SELF
            else self_account(relation.client_grants),
            withheld=relation.withheld,
            notice=timedelta(hours=relation.practice.notice_hours),
            subscribed=self._share(subscribed_staff(staff)),
            assigned=self._share(frozenset(assigned)),
            available=self._share(frozenset(member.id for member in staff if member.available)),
            self_managing=client.self_managing,
            reachable=is_reachable(relation, today),
        )

    def _share(self, value: S) -> S:
        """The same value, kept once however many relations have it."""
        if len(self._shared) > _SHARED:
            self._shared.clear()
        return cast("S", self._shared.setdefault(value, value))


def _prepare(slots: Iterable[Fact], make: Callable[[Fact], T], problems: list[Problem]) -> tuple[tuple[Fact, T], ...]:
    prepared = []
    for fact in slots:
        try:
            prepared.append((fact, make(fact)))
        except SourceError as error:
            problems.append(Problem(fact.file, fact.line, f"{fact.name} cannot be derived: {error}"))
    return tuple(prepared)


def _in_parts(sources: Sequence[tuple[Fact, HolderSource]]) -> tuple[Callable[[Holder], tuple[Any, ...]], ...]:
    """The sources in their order, those of one set of features together: the many grants alike share its values."""

    def kept(fact: Fact) -> str | None:
        store = (fact.source or {}).get("store")
        return str(store) if store in HOLDER_FEATURES else None

    runs = ((store, [source for _, source in run]) for store, run in groupby(sources, lambda each: kept(each[0])))
    return tuple(_read_alone(run) if store is None else _read_features(store, run) for store, run in runs)


def _read_alone(sources: list[HolderSource]) -> Callable[[Holder], tuple[Any, ...]]:
    return lambda holder: tuple([source(holder) for source in sources])


def _read_features(store: str, sources: list[HolderSource]) -> Callable[[Holder], tuple[Any, ...]]:
    features = HOLDER_FEATURES[store]
    # Known by identity: the mapping is kept beside its values, so its id cannot become another's.
    known: dict[int, tuple[Mapping[Feature, bool], tuple[Any, ...]]] = {}

    def read(holder: Holder) -> tuple[Any, ...]:
        switches = features(holder)
        found = known.get(id(switches))
        if found is None:
            if len(known) > _SHARED:
                known.clear()
            found = known[id(switches)] = (switches, tuple([source(holder) for source in sources]))
        return found[1]

    return read


def _checked(make: Callable[[Fact], Callable[..., Any]], fact: Fact) -> Callable[..., Any]:
    return _within_domain(fact, make(fact))


def _checked_item(fact: Fact) -> ItemSource:
    source, said = item_source(fact), fact.source or {}
    if not {"property", "match", "member"}.isdisjoint(said) or said.get("store") == "withheld_ids":
        return source  # It chooses among the values that the fact itself lists.
    return ItemSource(_within_domain(fact, source.read))


def _within_domain(fact: Fact, source: Callable[..., Any]) -> Callable[..., Any]:
    """The same source, giving the domain's own values; whatever else a row holds is an error, never a value."""
    domain: dict[Any, Any] = {value: value for value in fact.values}
    flag = fact.is_flag

    def read(*args: Any) -> Any:
        value = source(*args)
        if value is MISSING:
            return value
        found = domain.get(value, MISSING)
        if found is MISSING or (value.__class__ is bool) is not flag:
            raise FactError(f"{fact.name} would be {value!r}, which is none of its values")
        return found

    return read


def _span(relation: Relation, now: datetime) -> tuple[datetime, datetime]:
    """From when until when nothing about these rows changes by itself."""
    points = sorted(turning_points(relation))
    place = bisect_right(points, now)
    return points[place - 1] if place else _NEVER, points[place] if place < len(points) else _EVER


def self_account(client_grants: Iterable[Grant]) -> str | None:
    """The account that is the client's own: the holder of the `self` grant, unless that has ended."""
    held = (g for g in client_grants if g.kind is Kind.SELF and g.status is not GrantStatus.ENDED)
    return next((grant.account_id for grant in held), None)


def subscribed_staff(staff: Iterable[Staff]) -> frozenset[str]:
    """Who of a practice counts as subscribed: whoever is, and someone who works alone, because one is free (row Y3)."""
    active = [member for member in staff if member.state == "active"]
    return frozenset(member.id for member in active if member.subscribed or len(active) == 1)
