"""Whom a change of policy touches now: what accounts and staff gain and lose, with the rows and clock of today."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from authz_service.facts.comparison import BEGINNING, Comparison, State
from authz_service.review.pace import Pace
from authz_service.review.touched_staff import StaffComparison
from authz_service.storage.practice_rows import read_items, read_practice

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from authz_service.facts.comparison import Difference, Right
    from authz_service.facts.decision import Decider
    from authz_service.facts.snapshot import Snapshot
    from authz_service.review.touched_staff import TouchedStaff
    from authz_service.storage import AccessStore
    from authz_service.storage.reading import Reading

_AT_ONCE = 500  # (account, client)


class TouchedRight(NamedTuple):
    """An action gained or lost by an account towards a client.

    `items`: on how many registered ones; none where it is to begin something that is not there yet.
    """

    account_id: str
    client_id: str
    action: str
    resource_type: str
    items: int


@dataclass(slots=True)
class Touched:
    """Everything that is gained and lost, in order of practice, then of account and client, or of staff member.

    `complete`: everybody was looked at before time ran out.
    """

    gains: list[TouchedRight] = field(default_factory=list)
    loses: list[TouchedRight] = field(default_factory=list)
    staff_gains: list[TouchedStaff] = field(default_factory=list)
    staff_loses: list[TouchedStaff] = field(default_factory=list)
    staff_clients: set[str] = field(default_factory=set)
    items: set[tuple[str, str, str]] = field(default_factory=set)  # client, type, id
    complete: bool = True

    @property
    def rights(self) -> int:
        """How many rights differ."""
        return len(self.gains) + len(self.loses) + len(self.staff_gains) + len(self.staff_loses)

    @property
    def accounts(self) -> set[str]:
        """Whose rights differ."""
        return {right.account_id for right in (*self.gains, *self.loses)}

    @property
    def staff(self) -> set[str]:
        """Whose rights differ, of the staff."""
        return {right.staff_id for right in (*self.staff_gains, *self.staff_loses)}

    @property
    def clients(self) -> set[str]:
        """Towards whom rights differ."""
        return {right.client_id for right in (*self.gains, *self.loses)} | self.staff_clients


def whom_it_touches(
    store: AccessStore,
    deciders: tuple[Decider, Decider],
    now: datetime,
    *,
    practices: Collection[str] | None = None,
    deadline: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Touched:
    """What every account and staff member would gain and lose if the second policy took the place of the first.

    `practices` limits it to theirs; `deadline` is of `time.monotonic`. `progress` is told of how many pairs of a person
    and a client of a practice so many have been looked at. Staff are asked about their own practice.
    """
    comparison, of_staff = Comparison(*deciders), StaffComparison(deciders)
    found = Touched()
    with store.reading() as rows:
        for practice_id in rows.practices():
            if practices is not None and practice_id not in practices:
                continue
            snapshot = read_practice(rows, practice_id)
            if snapshot is None:
                continue
            pairs = sorted({(grant.account_id, grant.client_id) for grant in snapshot.grants.values()})
            pace = Pace(deadline, progress, len(pairs) + of_staff.pairs(snapshot))
            found.complete = _compare(found, comparison, rows, snapshot, now, pairs, pace) and of_staff.look(
                found, rows, snapshot, now, pace
            )
            if not found.complete:
                break
    return found


def _compare(  # noqa: PLR0917 - one practice of many
    found: Touched,
    comparison: Comparison,
    rows: Reading,
    snapshot: Snapshot,
    now: datetime,
    pairs: Sequence[tuple[str, str]],
    pace: Pace,
) -> bool:
    """Whether all accounts of the practice were looked at."""
    (practice_id,) = snapshot.practices
    state = State(snapshot, now)
    for start in range(0, len(pairs), _AT_ONCE):
        if pace.is_over:
            return False
        part = pairs[start : start + _AT_ONCE]
        for each in comparison.compare(
            state, state, part, lambda types, clients: read_items(rows, practice_id, types, clients)
        ):
            _add(found, each)
        pace.step(len(part))
    return True


def _add(found: Touched, difference: Difference) -> None:
    for rights, noted in ((difference.gains, found.gains), (difference.loses, found.loses)):
        noted.extend(_counted(difference, rights))
        found.items |= {
            (difference.client_id, right.resource_type, right.resource_id)
            for right in rights
            if right.resource_id is not None
        }


def _counted(difference: Difference, rights: tuple[Right, ...]) -> Iterator[TouchedRight]:
    items = Counter((right.action, right.resource_type) for right in rights if right.resource_id is not None)
    for right in rights:
        if right.resource_id is None and (right.resource_type, right.action) in BEGINNING:
            items[right.action, right.resource_type] = 0
    for (action, kind), count in items.items():
        yield TouchedRight(difference.account_id, difference.client_id, action, kind, count)
