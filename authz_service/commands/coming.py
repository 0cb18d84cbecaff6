"""What will change by itself on coming days: birthdays into another age class, and grants that begin or end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from authz_service.commands.errors import ForbiddenError, InvalidError, NotFoundError
from authz_service.commands.hand_overs import PLANNED, hand_overs
from authz_service.facts.code import birthday, day_of, day_start
from authz_service.facts.comparison import State
from authz_service.storage.practice_rows import read_items, read_practice
from models.vocabulary import AgeClass, GrantStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from authz_service.commands.acting import Acting
    from authz_service.commands.hand_overs import Kept
    from authz_service.facts.comparison import Comparison, Difference
    from authz_service.facts.snapshot import Snapshot

DAYS = 90
DAYS_MAX = 400
_INSTANT = timedelta(microseconds=1)


class Coming(StrEnum):
    """What happens on a day."""

    BIRTHDAY = "birthday"
    GRANT_BEGINS = "grant_begins"
    GRANT_ENDS = "grant_ends"


@dataclass(frozen=True, slots=True)
class Event:
    """One coming change. `gains` and `losses` count what the day changes for the client's representatives.

    `age` is the class into which a birthday leads; `hand_over_id` names the hand-over that a grant belongs to.
    """

    day: date
    what: Coming
    client_id: str
    account_id: str | None = None
    grant_id: str | None = None
    age: AgeClass | None = None
    hand_over_id: str | None = None
    accounts: int = 0
    gains: int = 0
    losses: int = 0


def coming_changes(
    acting: Acting, comparison: Comparison, now: datetime, practice_id: str, until: date | None = None
) -> tuple[Event, ...]:
    """Every change after today up to the day `until` (None: 90 days), by day and client.

    Raises NotFoundError, ForbiddenError for whoever may not look at the practice, InvalidError for a day out of range.
    """
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    with acting.store.reading(acting.practices) as rows:
        snapshot = read_practice(rows, practice_id)
        if snapshot is None:
            raise NotFoundError("practice")
        resource = ("practice", practice_id)
        decision = acting.decide_on(rows, now, "view", resource, {"practice_id": practice_id})
        if decision is None or not decision.allowed:
            raise ForbiddenError(acting.origin.actor, "view", resource, (practice_id, None), decision)
        zone = snapshot.practices[practice_id].zone
        today = day_of(now, zone)
        last = today + timedelta(days=DAYS) if until is None else until
        if not today <= last <= today + timedelta(days=DAYS_MAX):
            raise InvalidError({"until": f"must be a day from today to {DAYS_MAX} days from now"})
        events = [each for each in _events(snapshot, hand_overs(rows, practice_id)) if today < each.day <= last]
        events.sort(key=lambda each: (each.day, each.client_id, each.what, each.grant_id or ""))
        effects: dict[tuple[date, str], list[Difference]] = {}
        for day, group in groupby(events, key=lambda each: each.day):
            clients = {each.client_id for each in group}
            midnight = day_start(day, zone)
            found = comparison.compare(
                State(snapshot, midnight - _INSTANT),
                State(snapshot, midnight),
                _relations(snapshot, clients),
                lambda types, wanted: read_items(rows, practice_id, types, wanted),
            )
            for each in found:
                effects.setdefault((day, each.client_id), []).append(each)
    return tuple(_counted(each, effects.get((each.day, each.client_id), ())) for each in events)


def _events(snapshot: Snapshot, planned: Iterable[Kept]) -> Iterator[Event]:
    handed = {grant_id: each.id for each in planned if each.state == PLANNED for grant_id in (*each.ended, *each.begun)}
    for client in snapshot.clients.values():
        practice = snapshot.practices[client.practice_id]
        ages = ((practice.teen_from, AgeClass.TEEN), (practice.adult_from, AgeClass.ADULT))
        if client.active:
            for years, age in ages:
                yield Event(birthday(client.born, years), Coming.BIRTHDAY, client.id, age=age)
    for grant in snapshot.grants.values():
        if grant.status is GrantStatus.ENDED:
            continue
        for day, what in ((grant.starts, Coming.GRANT_BEGINS), (grant.until, Coming.GRANT_ENDS)):
            if day is not None:
                handed_over = handed.get(grant.id)
                yield Event(day, what, grant.client_id, grant.account_id, grant.id, hand_over_id=handed_over)


def _relations(snapshot: Snapshot, clients: set[str]) -> list[tuple[str, str]]:
    return sorted({(g.account_id, g.client_id) for g in snapshot.grants.values() if g.client_id in clients})


def _counted(event: Event, effects: Sequence[Difference]) -> Event:
    """The event with what changes for whom it is about: for a birthday everybody, for a grant its account."""
    mine = [each for each in effects if event.account_id in (None, each.account_id)]
    return replace(
        event,
        accounts=len(mine),
        gains=sum(len(each.gains) for each in mine),
        losses=sum(len(each.loses) for each in mine),
    )
