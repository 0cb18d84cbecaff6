"""Recorded decisions put to another bundle: what would have been the same, what not, and what nobody can say.

A record holds the situations that were asked, one for each grant until one allowed, each with the facts that the
bundle of then read. Only what follows from these whatever the rest was counts as replayed; nothing is guessed. A fact
that was not recorded is taken to have had one of its values.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from authz_service.review.recorded import GrantHistory, legend_of, pages
from authz_service.review.settling import Settling
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from authz_service.engine import Policy
    from authz_service.review.recorded import Range, Recorded
    from authz_service.review.settling import Settled
    from authz_service.storage import Database

EXAMPLES = 3
# More grants of a list than this are not recorded (`api.plans`).
_LISTED_MAX = 20

NO_QUESTION = "this bundle has no such question"
NO_TEXTS = "the bundle that decided is no longer kept"
NO_LEGEND = "the trail does not say how the facts were abbreviated"
UNASKED = "refused before any policy was asked"
FAILED = "denied with an error, and what was asked is not whole"
STOPPED = "an allow ended the asking before every grant was asked"
LISTED = "not every grant of the list was recorded"


class Verdict(NamedTuple):
    """What the other bundle says: allowed or not, or why nobody can say; `facts` is the situation that decides."""

    allowed: bool | None
    why: str = ""
    facts: str = ""


class Rules(NamedTuple):
    """The rules that decided then, and those that would."""

    before: tuple[str, ...]
    after: tuple[str, ...]


class GroupKey(NamedTuple):
    """What changed decisions have in common."""

    subject_type: str
    action: str
    resource_type: str
    now: bool
    rules: Rules


@dataclass(slots=True)
class Group:
    """How many there are, and the ids of the first."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Replayed:
    """The counts; `changed` are the newest of those that changed. `complete`: the whole range was looked at."""

    unchanged: int = 0
    now_allowed: int = 0
    now_denied: int = 0
    what_if: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    groups: dict[GroupKey, Group] = field(default_factory=dict)
    changed: list[tuple[Recorded, Rules]] = field(default_factory=list)
    complete: bool = True
    oldest: int | None = None

    @property
    def not_replayable(self) -> int:
        """How many decisions nobody can say anything about."""
        return self.reasons.total()

    @property
    def replayed(self) -> int:
        """How many decisions are answered."""
        return self.unchanged + self.now_allowed + self.now_denied

    @property
    def counted(self) -> int:
        """How many decisions were looked at, what-if questions left out."""
        return self.replayed + self.not_replayable


class Replay:
    """Puts recorded decisions to one bundle. `earlier` gives the policies that decided, by digest."""

    def __init__(self, database: Database, new: Policy, earlier: Callable[[str], Policy | None]) -> None:
        self._database = database
        self._new = new
        self._earlier = earlier
        self._grants = GrantHistory(database)
        self._settlings: dict[str, Settling | str] = {}

    def run(
        self,
        wanted: Range,
        *,
        limit: int | None = None,
        deadline: float | None = None,
        listed: int = 200,
        progress: Callable[[int], None] | None = None,
    ) -> Replayed:
        """Replay the newest decisions of a range, at most `limit`, until `deadline` (of `time.monotonic`)."""
        found = Replayed()
        for page in pages(self._database, wanted):
            for recorded in page:
                late = deadline is not None and time.monotonic() > deadline
                if late or (limit is not None and found.counted >= limit):
                    found.complete = False
                    return found
                self._add(found, recorded, listed)
            if progress is not None:
                progress(len(page))
        return found

    def verdict(self, recorded: Recorded) -> Verdict:
        """What the bundle says to one recorded decision."""
        if not recorded.facts:
            return Verdict(None, FAILED if recorded.error is not None else UNASKED)
        settling = self._settling(recorded.bundle)
        if isinstance(settling, str):
            return Verdict(None, settling)
        settled: list[Settled] = []
        for facts in recorded.facts:
            one = settling.settle(
                recorded.subject_type, recorded.action, recorded.resource_type, facts, is_list=recorded.is_list
            )
            if one is None:
                return Verdict(None, NO_QUESTION)
            settled.append(one)
        if recorded.is_list:
            return _listed(recorded, settled, settling)
        return self._joined(recorded, settled)

    def _add(self, found: Replayed, recorded: Recorded, listed: int) -> None:
        if recorded.what_if:
            found.what_if += 1
            return
        found.oldest = recorded.at
        verdict = self.verdict(recorded)
        if verdict.allowed is None:
            found.reasons[verdict.why] += 1
        elif verdict.allowed is recorded.allowed:
            found.unchanged += 1
        else:
            if verdict.allowed:
                found.now_allowed += 1
            else:
                found.now_denied += 1
            rules = self._rules(recorded, verdict.facts)
            key = GroupKey(recorded.subject_type, recorded.action, recorded.resource_type, verdict.allowed, rules)
            group = found.groups.setdefault(key, Group())
            group.count += 1
            if len(group.examples) < EXAMPLES:
                group.examples.append(recorded.id)
            if len(found.changed) < listed:
                found.changed.append((recorded, rules))

    def _joined(self, recorded: Recorded, settled: Sequence[Settled]) -> Verdict:
        """One allow suffices; a no needs every grant that the account held."""
        for one in settled:
            if one.whole:
                return Verdict(None, one.why)
        for one, facts in zip(settled, recorded.facts, strict=True):
            if one.allowed:
                return Verdict(True, facts=facts)
        for one in settled:
            if one.allowed is None:
                return Verdict(None, one.why)
        if recorded.allowed or recorded.error is not None:
            held = 1
            if recorded.subject_type == SubjectType.ACCOUNT:
                held = self._grants.count(recorded.subject_id, recorded.client_id or "", recorded.at)
            if held != len(settled):
                return Verdict(None, STOPPED if recorded.allowed else FAILED)
        return Verdict(False, facts=recorded.facts[-1])

    def _rules(self, recorded: Recorded, facts: str) -> Rules:
        settling = self._settling(recorded.bundle)
        if not isinstance(settling, Settling):
            raise TypeError(settling)  # What changed was settled.
        before, after = settling.rules(recorded.subject_type, recorded.action, recorded.resource_type, facts)
        return Rules(tuple(before), tuple(after))

    def _settling(self, bundle: str) -> Settling | str:
        """What puts the situations of a bundle to the other; a text says why nothing can."""
        found = self._settlings.get(bundle)
        if found is None:
            old = self._new if bundle == self._new.digest else self._earlier(bundle)
            legend = None if old is None else legend_of(self._database, bundle)
            found = NO_TEXTS if old is None else NO_LEGEND if legend is None else Settling(old, self._new, legend)
            self._settlings[bundle] = found
        return found


def _listed(recorded: Recorded, settled: Sequence[Settled], settling: Settling) -> Verdict:
    """A list is allowed when anything is left of it for one of the grants."""
    for one in settled:
        if one.whole:
            return Verdict(None, one.why)
    for one, facts in zip(settled, recorded.facts, strict=True):
        if one.allowed:
            return Verdict(True, facts=facts)
    if len(settled) >= _LISTED_MAX or not settling.declares_alike(recorded.subject_type):
        return Verdict(None, LISTED)
    if recorded.allowed and all(one.alike for one in settled):
        return Verdict(True, facts=recorded.facts[0])
    for one in settled:
        # What was left of a list that was denied is nothing, and so it is where the same is left.
        if one.allowed is None and (recorded.allowed or not one.alike):
            return Verdict(None, one.why)
    return Verdict(False, facts=recorded.facts[-1])
