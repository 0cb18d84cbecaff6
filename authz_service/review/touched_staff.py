"""Whom of the staff a change of policy touches now, towards the practice as such and towards each of its clients.

Only questions that the two policies answer otherwise for somebody are asked; whoever of the staff the difference leaves
alone is not asked either. All others are put to the very function that answers single questions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from authz_service.facts.comparison import SIGNED_IN, may
from authz_service.facts.decision import KNOWN_BY
from authz_service.facts.request import Request
from authz_service.facts.sides import Sides, facts_of
from authz_service.facts.sources import FactError
from authz_service.storage.practice_rows import read_items
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from authz_service.engine.diagram import Diagram
    from authz_service.engine.facts import Fact
    from authz_service.facts.comparison import Items
    from authz_service.facts.decision import Decider
    from authz_service.facts.derive import Seat
    from authz_service.facts.rows import StaffPost
    from authz_service.facts.sides import Place
    from authz_service.facts.snapshot import Snapshot
    from authz_service.review.pace import Pace
    from authz_service.review.touched import Touched
    from authz_service.storage.reading import Reading

# Of these the items there are are known, one by one. Of all other types a question names the client at most.
REGISTERED = frozenset(
    {
        "appointment", "clinical_note", "document", "form", "grant", "invoice", "payment", "service_plan", "thread",
        "treatment_plan",
    }
)  # fmt: skip
# These are the practice's as such; no client is named.
OF_THE_PRACTICE = frozenset({"import", "policy", "practice", "subscription"})
_BEGINNING = frozenset({"create", "request", "start", "upload"})
_OWNERS = frozenset({"client_id", "practice_id"})
_ABSENT = object()
_CLIENTS_AT_ONCE = 100
_KEPT = 4096


def begins(resource_type: str, action: str) -> bool:
    """Whether what is asked about is not there yet: a form is sent to somebody who has none."""
    return action in _BEGINNING or (resource_type, action) == ("form", "send")


class TouchedStaff(NamedTuple):
    """An action gained or lost by a staff member.

    `practice`: in a question that names no client. `clients`: in questions about so many of them. `items`: on how many
    registered ones (what there is one of for each client, such as the calendar, counts as one).
    """

    staff_id: str
    action: str
    resource_type: str
    practice: bool
    clients: int
    items: int


@dataclass(slots=True)
class _Sum:
    practice: bool = False
    clients: set[str] = field(default_factory=set)
    items: int = 0


@dataclass(slots=True)
class _Tally:
    """What differs for the staff of one practice; first what is gained, then what is lost."""

    sides: tuple[dict[tuple[str, str, str], _Sum], ...] = field(default_factory=lambda: ({}, {}))
    items: set[tuple[str, str, str]] = field(default_factory=set)

    def note(self, staff_id: str, place: Place, client_id: str | None, item: str | None, gained: bool) -> None:
        key = (staff_id, place.action, place.kind)
        total = self.sides[0 if gained else 1].setdefault(key, _Sum())
        if client_id is None:
            total.practice = True
            return
        total.clients.add(client_id)
        if item is not None:
            total.items += 1
            self.items.add((client_id, place.kind, item))

    def add_to(self, found: Touched) -> None:
        for totals, noted in zip(self.sides, (found.staff_gains, found.staff_loses), strict=True):
            for key in sorted(totals):
                total = totals[key]
                noted.append(TouchedStaff(*key, total.practice, len(total.clients), total.items))
                found.staff_clients |= total.clients
        found.items |= self.items


class StaffComparison:
    """Compares what staff may do by one policy with what they may by another."""

    def __init__(self, deciders: tuple[Decider, Decider]) -> None:
        self._deciders = deciders
        self._sides = Sides(deciders, SubjectType.STAFF)
        self._sides.keep_differing()
        self._differing: dict[tuple[Any, ...], tuple[tuple[Place, tuple[Mapping[str, Any], ...]], ...]] = {}

    def pairs(self, snapshot: Snapshot) -> int:
        """How many pairs of staff member and client are to be looked at."""
        return len(snapshot.staff) * len(snapshot.clients) if self._sides.places else 0

    def look(self, found: Touched, rows: Reading, snapshot: Snapshot, now: datetime, pace: Pace) -> bool:
        """Add what changes for the practice's staff; whether all of it was looked at before time ran out."""
        if not self._sides.places:
            return True
        tally = _Tally()
        complete = self._look(tally, rows, snapshot, now, pace)
        tally.add_to(found)
        return complete

    def _look(self, tally: _Tally, rows: Reading, snapshot: Snapshot, now: datetime, pace: Pace) -> bool:
        (practice_id,) = snapshot.practices
        kinds = {place.kind for place in self._sides.places} & REGISTERED
        self._compare(tally, snapshot, None, (), now)
        clients = sorted(snapshot.clients)
        for start in range(0, len(clients), _CLIENTS_AT_ONCE):
            part = clients[start : start + _CLIENTS_AT_ONCE]
            items = read_items(rows, practice_id, kinds, part) if kinds else {}
            if "grant" in kinds:
                for grant in snapshot.grants.values():
                    if grant.client_id in part:
                        items.setdefault(grant.client_id, []).append(("grant", grant.id, dict(grant.properties)))
            for client_id in part:
                if pace.is_over:
                    return False
                self._compare(tally, snapshot, client_id, items.get(client_id, ()), now)
                pace.step(len(snapshot.staff))
        return True

    def _compare(self, tally: _Tally, snapshot: Snapshot, client_id: str | None, items: Items, now: datetime) -> None:
        """Everybody of the staff towards one client, or towards the practice as such."""
        for staff_id in snapshot.staff:
            post = snapshot.post(staff_id)
            if post is None:
                continue
            seats = self._seats(0, post, snapshot, client_id, now), self._seats(1, post, snapshot, client_id, now)
            for place, forms in self._open(*seats):
                for item, sent, known in _asked(place, post, client_id, items, forms):
                    request = Request(SubjectType.STAFF, staff_id, place.action, place.kind, item, now, sent)
                    was, will = (may(place.sides[side], seats[side], request, known) for side in (0, 1))
                    if was is not will:
                        tally.note(staff_id, place, client_id, item, will)

    def _seats(
        self, side: int, post: StaffPost, snapshot: Snapshot, client_id: str | None, now: datetime
    ) -> tuple[Seat, ...]:
        relation = None if client_id is None else snapshot.relation(None, client_id)
        try:
            return self._deciders[side].derivation.member_seats(post, post.practice.id, relation, now, SIGNED_IN)
        except FactError:  # A row holds what is no value of its fact: every question is denied.
            return ()

    def _open(
        self, was: tuple[Seat, ...], will: tuple[Seat, ...]
    ) -> tuple[tuple[Place, tuple[Mapping[str, Any], ...]], ...]:
        """The questions that may be answered otherwise, each with what may be sent where no item is meant."""
        key = (tuple(seat.subject for seat in was), tuple(seat.subject for seat in will))
        found = self._differing.get(key)
        if found is None:
            if len(self._differing) >= _KEPT:
                self._differing.clear()
            nothing: tuple[Diagram | None, ...] = (False,) * len(self._sides.places)
            rests = [
                self._sides.rests_of(side, seats[0]) if seats else nothing for side, seats in enumerate((was, will))
            ]
            found = self._differing[key] = tuple(
                (place, tuple(_forms(place, (one, other))))
                for at, (place, one, other) in enumerate(zip(self._sides.places, *rests, strict=True))
                if not self._sides.alike(at, one, other)
            )
        return found


def _asked(
    place: Place, post: StaffPost, client_id: str | None, items: Items, forms: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str | None, Mapping[str, Any], Mapping[str, Any] | None]]:
    """Every question there is at this place about a client, or the practice: id, what is sent, what is registered."""
    kind, owner = place.kind, KNOWN_BY.get(place.kind)
    if client_id is None:
        if owner == "practice_id":
            yield post.practice.id, {}, {"practice_id": post.practice.id}
        else:
            yield from ((None, {"practice_id": post.practice.id, **form}, None) for form in forms)
    elif kind in OF_THE_PRACTICE:
        return
    elif owner is not None:
        if not begins(kind, place.action):
            yield client_id, {}, {"client_id": client_id}
    elif kind in REGISTERED and not begins(kind, place.action):
        yield from ((item, {}, known) for each, item, known in items if each == kind)
    else:
        yield from ((None, {"client_id": client_id, **form}, None) for form in forms)


def _forms(place: Place, rests: Sequence[Diagram | None]) -> Iterator[Mapping[str, Any]]:
    """What can be sent of something that is not registered: each property with each of its values, and without it."""
    raws: dict[str, dict[tuple[type, Any], Any]] = {}
    for asked, rest in zip(place.sides, rests, strict=True):
        if asked is not None:
            # Where both read the same of it, what the rest does not test cannot tell them apart.
            for fact in facts_of(asked.question, rest if place.reads_alike and rest is not None else None):
                _add_raws(raws, fact)
    names = list(raws)
    for values in product(*([_ABSENT, *raws[name].values()] for name in names)):
        yield {name: value for name, value in zip(names, values, strict=True) if value is not _ABSENT}


def _add_raws(raws: dict[str, dict[tuple[type, Any], Any]], fact: Fact) -> None:
    source: Mapping[str, Any] = fact.source or {}
    name = source.get("property")
    if name is None or "store" in source or name in _OWNERS:
        return
    if "above" in source:
        listed = [source["above"], source["above"] + 1]
    else:
        listed = [raw for each in (source.get("values") or {"": fact.values}).values() for raw in each]
    if "map_null" in source:
        listed.append(None)
    raws.setdefault(str(name), {}).update({(type(raw), raw): raw for raw in listed})
