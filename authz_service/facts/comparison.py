"""Who gains and who loses what between two states of the rows, two instants of one, or two policies on one.

The accounts' facts are fixed first; where what remains of a question is the same on both sides, no item is looked at.
Where it differs, each item is put to the very function that answers single questions.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from authz_service.engine.diagram import Node
from authz_service.engine.sources import names_read
from authz_service.facts.bindings import bindings_of
from authz_service.facts.decision import KNOWN_BY, answer
from authz_service.facts.request import Authn, Request
from authz_service.facts.sides import Sides
from authz_service.facts.sources import FactError
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from authz_service.engine.diagram import Diagram
    from authz_service.facts.decision import Asked, Decider
    from authz_service.facts.derive import Seat
    from authz_service.facts.rows import Access
    from authz_service.facts.sides import Place

# Whoever is spoken of signs in as strongly as any practice asks, with a password of their own.
SIGNED_IN = Authn(amr=("pwd", "otp"), password_change_due=False)
# What is asked about something that is not there yet: no registered item is meant.
BEGINNING = frozenset({("appointment", "request"), ("document", "upload"), ("thread", "start")})
_OF_PRACTICES = frozenset(kind for kind, owner in KNOWN_BY.items() if owner == "practice_id")
_KEPT = 4096
Items: TypeAlias = "Sequence[tuple[str, str, Mapping[str, Any]]]"  # type, id, raw properties
ReadItems: TypeAlias = "Callable[[Iterable[str], Iterable[str]], Mapping[str, Items]]"


class Right(NamedTuple):
    """An action on an item; without an id it is whether there can be an item of the type that allows it."""

    action: str
    resource_type: str
    resource_id: str | None


@dataclass(frozen=True, slots=True)
class State:
    """Rows, and the instant at which they are asked."""

    access: Access
    now: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes for one account towards one client; `grant_ids` are those of either state."""

    account_id: str
    client_id: str
    grant_ids: tuple[str, ...]
    gains: tuple[Right, ...]
    loses: tuple[Right, ...]


class _Way(NamedTuple):
    """A question through one seat: what remains of it, as far as that can be known without an item."""

    rest: Diagram | None  # None: not even that is known
    seat: Seat


@dataclass(slots=True)
class _Pair:
    """One account and client, with their seats in both states and what was found."""

    account_id: str
    client_id: str
    before: tuple[Seat, ...]
    after: tuple[Seat, ...]
    gains: list[Right]
    loses: list[Right]
    # For a type: the questions whose answers about items may differ, with the ways that can allow on each side.
    open: dict[str, list[tuple[Place, tuple[Seat, ...], tuple[Seat, ...]]]]

    def note(self, right: Right, was: bool, is_now: bool) -> None:
        if was is not is_now:
            (self.gains if is_now else self.loses).append(right)


class Comparison:
    """Compares what accounts may do, by one policy or by another one afterwards."""

    def __init__(self, decider: Decider, after: Decider | None = None) -> None:
        self._deciders = (decider, after or decider)
        self._sides = Sides(self._deciders, SubjectType.ACCOUNT, without=_OF_PRACTICES)
        self._differing: dict[tuple[Any, ...], tuple[int, ...]] = {}
        self._names: dict[tuple[int, Node], tuple[str, ...]] = {}

    def compare(
        self, before: State, after: State, relations: Iterable[tuple[str, str]], read_items: ReadItems
    ) -> list[Difference]:
        """What differs for these (account id, client id), in their order; pairs without a difference are left out.

        `read_items(types, client ids)` gives the registered items of each client as (type, id, properties).
        """
        pairs = [pair for each in relations if (pair := self._pair(before, after, *each)) is not None]
        wanted: dict[str, set[str]] = defaultdict(set)
        for pair in pairs:
            for kind in pair.open:
                wanted[pair.client_id].add(kind)
        if wanted:
            items = read_items(set().union(*wanted.values()), wanted)
            for pair in pairs:
                _compare_items(pair, items.get(pair.client_id, ()), before.now, after.now)
        return [_difference(pair) for pair in pairs if pair.gains or pair.loses]

    def _pair(self, before: State, after: State, account_id: str, client_id: str) -> _Pair | None:
        was = self._seats(0, before, account_id, client_id)
        will = self._seats(1, after, account_id, client_id)
        if self._sides.one_policy and was == will and before.now == after.now:
            return None
        pair = _Pair(account_id, client_id, was, will, [], [], {})
        old, new = [self._sides.rests_of(0, seat) for seat in was], [self._sides.rests_of(1, seat) for seat in will]
        for at in self._differing_places(was, will, old, new, before.now != after.now):
            place = self._sides.places[at]
            here, there = _ways(at, old, was), _ways(at, new, will)
            if self._same(at, here, there, (before.now, after.now)):
                continue
            kind = place.kind
            if kind in KNOWN_BY:
                known = {"client_id": client_id}
                right = Right(place.action, kind, client_id)
                pair.note(
                    right,
                    _allows(place.sides[0], here, known, right, before.now),
                    _allows(place.sides[1], there, known, right, after.now),
                )
                continue
            pair.note(Right(place.action, kind, None), bool(here), bool(there))
            if (kind, place.action) not in BEGINNING:
                seats = tuple(way.seat for way in here), tuple(way.seat for way in there)
                pair.open.setdefault(kind, []).append((place, *seats))
        return pair

    def _seats(self, side: int, state: State, account_id: str, client_id: str) -> tuple[Seat, ...]:
        relation = state.access.relation(account_id, client_id)
        if relation is None or relation.account is None or not relation.grants:
            return ()
        try:
            return self._deciders[side].derivation.holder_seats(relation, state.now, SIGNED_IN)
        except FactError:  # A row holds what is no value of its fact: every question is denied.
            return ()

    def _differing_places(
        self,
        was: tuple[Seat, ...],
        will: tuple[Seat, ...],
        old: list[tuple[Diagram | None, ...]],
        new: list[tuple[Diagram | None, ...]],
        other_time: bool,
    ) -> Iterable[int]:
        """Of which questions the answers may differ; where the seats compare items with the same, that is known."""
        if [seat.bound for seat in was] != [seat.bound for seat in will]:
            return range(len(self._sides.places))
        key = (tuple(seat.subject for seat in was), tuple(seat.subject for seat in will), other_time)
        found = self._differing.get(key)
        if found is None:
            if len(self._differing) >= _KEPT:
                self._differing.clear()
            found = self._differing[key] = tuple(
                at
                for at in range(len(self._sides.places))
                if any(not self._sides.alike(at, one[at], two[at]) for one, two in zip(old, new, strict=True))
                or (other_time and any(self._reads_clock(at, each[at]) for each in new))
            )
        return found

    def _reads_clock(self, at: int, rest: Diagram | None) -> bool:
        return isinstance(rest, Node) and "appointment_timing" in self._names_read(at, 1, rest)

    def _same(
        self, at: int, here: tuple[_Way, ...], there: tuple[_Way, ...], instants: tuple[datetime, datetime]
    ) -> bool:
        """Whether no item can tell the two sides apart: the same remains, and is compared with the same."""
        if len(here) != len(there):
            return False
        for one, other in zip(here, there, strict=True):
            if one.rest is None or not self._sides.alike(at, one.rest, other.rest):
                return False
            if isinstance(one.rest, Node) and (one.seat.bound != other.seat.bound or instants[0] != instants[1]):
                kind = self._sides.places[at].kind
                old = bindings_of(one.seat.bound, kind, instants[0])
                new = bindings_of(other.seat.bound, kind, instants[1])
                if any(old.get(name) != new.get(name) for name in self._names_read(at, 0, one.rest)):
                    return False
        return True

    def _names_read(self, at: int, side: int, rest: Node) -> tuple[str, ...]:
        key = (at, rest)
        found = self._names.get(key)
        asked = self._sides.places[at].sides[side]
        if found is None and asked is not None:
            question = asked.question
            levels = {question.diagrams.names[level] for level in question.diagrams.support(rest)}
            facts = [fact for fact in question.resource_slots if fact.name in levels]
            found = self._names[key] = tuple(name for fact in facts for name in names_read(fact))
        return found or ()


def _ways(place: int, rests: Sequence[tuple[Diagram | None, ...]], seats: Sequence[Seat]) -> tuple[_Way, ...]:
    """The seats through which something of the question at this place may be allowed."""
    pairs = zip(rests, seats, strict=True)
    return tuple(_Way(each[place], seat) for each, seat in pairs if each[place] is not False)


def _allows(asked: Asked | None, ways: Sequence[_Way], known: Mapping[str, Any], right: Right, now: datetime) -> bool:
    if asked is None or not ways:
        return False
    request = Request(SubjectType.ACCOUNT, "", right.action, right.resource_type, right.resource_id, now)
    return answer(asked, tuple(way.seat for way in ways), request, known).allowed


def _compare_items(pair: _Pair, items: Items, before: datetime, after: datetime) -> None:
    for kind, item, known in items:
        for place, old, new in pair.open.get(kind, ()):
            request = Request(SubjectType.ACCOUNT, pair.account_id, place.action, kind, item, before)
            was = may(place.sides[0], old, request, known)
            will = may(place.sides[1], new, request._replace(now=after), known)
            pair.note(Right(place.action, kind, item), was, will)


def may(asked: Asked | None, seats: tuple[Seat, ...], request: Request, known: Mapping[str, Any] | None) -> bool:
    """Whether the question is allowed through one of these seats; without question or seat it is not."""
    return asked is not None and bool(seats) and answer(asked, seats, request, known).allowed


def _difference(pair: _Pair) -> Difference:
    grants = dict.fromkeys(seat.grant_id for seat in (*pair.before, *pair.after) if seat.grant_id is not None)
    return Difference(pair.account_id, pair.client_id, tuple(grants), tuple(pair.gains), tuple(pair.loses))
