"""A bundle that is asked every live question too, on the same rows, and whose answers are only counted."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from sqlalchemy import and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from authz_service.facts.code import rfc3339
from models.tables.policy import SHADOW_COUNTS, VERSIONS
from models.vocabulary import LiveQuestion, WouldBe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from authz_service.facts.decision import Decider
    from authz_service.facts.request import Request
    from authz_service.facts.rows import Access
    from authz_service.storage.database import Database

EXAMPLES_MAX = 20
_log = structlog.get_logger()
# What answers alike, and what is no answer.
_ALIKE = frozenset({(True, WouldBe.ALLOWED), (False, WouldBe.DENIED)})
_NEITHER = frozenset({WouldBe.SAME, WouldBe.FAILED, WouldBe.NOT_COMPARED})


class Sort(NamedTuple):
    """What is counted together: questions of one sort with the answer they got and the one they would have got."""

    asked: LiveQuestion
    subject_type: str
    action: str
    resource_type: str
    was: bool  # of a plan: whether it allows anything
    would: WouldBe


@dataclass(slots=True)
class Count:
    """How often, and the last examples: ids only."""

    count: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)


class Shadow:
    """A staged bundle beside the one that answers. Whatever goes wrong with it is counted, and reaches no answer."""

    def __init__(self, decider: Decider, since: datetime) -> None:
        self.decider = decider
        self.digest = decider.policy.digest
        self.since = since
        self._decide = decider.decide
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._counts: dict[Sort, Count] = {}
        self._told = False

    def compare(
        self,
        access: Access,
        request: Request,
        request_id: str,
        *,
        was: bool,
        asked: LiveQuestion = LiveQuestion.EVALUATION,
    ) -> None:
        """Put a question that was just answered to the bundle, on the same rows, and count what it says."""

        def decide() -> WouldBe:
            return WouldBe.ALLOWED if self._decide(access, request).allowed is True else WouldBe.DENIED

        self.note(decide, request, request_id, was=was, asked=asked)

    def note(
        self, find: Callable[[], WouldBe], request: Request, request_id: str, *, was: bool, asked: LiveQuestion
    ) -> None:
        """Count what is found out about an answer that was just given; whatever is raised is counted as failed."""
        try:
            would = find()
        except Exception:  # noqa: BLE001 (a bundle on trial; its faults are what this is to find)
            would = WouldBe.FAILED
            if not self._told:
                self._told = True
                _log.exception("shadow_failed", bundle=self.digest)
        key = Sort(asked, request.subject_type, request.action, request.resource_type, was, would)
        with self._lock:
            counted = self._counts.setdefault(key, Count())
            counted.count += 1
            if would is WouldBe.FAILED or differs(was, would):
                counted.examples.append(
                    {
                        "request_id": request_id,
                        "subject": f"{request.subject_type}/{request.subject_id}",
                        "resource_id": request.resource_id,
                        "at": rfc3339(request.now),
                    }
                )
                del counted.examples[:-EXAMPLES_MAX]

    def flush(self, database: Database) -> None:
        """Add what was counted since the last time to what all processes counted. Raises SQLAlchemyError."""
        with self._flushing:  # Whoever reads the counts after this reads also what another thread was about to add.
            self._flush(database)

    def _flush(self, database: Database) -> None:
        with self._lock:
            counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            with database.writing(()) as session:
                _add_counts(session.connection(), database, self, counts)
        except Exception:
            with self._lock:  # They are tried again with the next ones.
                for key, counted in counts.items():
                    newer = self._counts.setdefault(key, Count())
                    newer.count += counted.count
                    newer.examples[:0] = counted.examples
            raise


def differs(was: bool, would: WouldBe) -> bool:
    """Whether the bundle answered otherwise; a failure is no answer."""
    return would not in _NEITHER and (was, would) not in _ALIKE


def _add_counts(connection: Connection, database: Database, shadow: Shadow, counts: Mapping[Sort, Count]) -> None:
    # Switched on anew since these were counted, it begins from nought without them.
    same = and_(VERSIONS.c.digest == shadow.digest, VERSIONS.c.shadow_since == shadow.since)
    if connection.execute(select(VERSIONS.c.digest).where(same)).first() is None:
        return
    insert = sqlite.insert if database.embedded else postgresql.insert
    for key in sorted(counts):  # One order in all processes, so that none waits for another in a ring.
        counted = counts[key]
        identity = {"digest": shadow.digest, **key._asdict()}
        row = insert(SHADOW_COUNTS).values(**identity, count=counted.count, examples=[])
        connection.execute(
            row.on_conflict_do_update(
                index_elements=list(identity), set_={"count": SHADOW_COUNTS.c.count + counted.count}
            )
        )
        if counted.examples:
            this = and_(*(SHADOW_COUNTS.c[name] == value for name, value in identity.items()))
            kept = connection.execute(select(SHADOW_COUNTS.c.examples).where(this)).scalar_one()
            both = sorted([*kept, *counted.examples], key=lambda each: str(each["at"]))
            connection.execute(update(SHADOW_COUNTS).where(this).values(examples=both[-EXAMPLES_MAX:]))


def read_counts(connection: Connection, digest: str) -> Sequence[Row[Any]]:
    """What all processes counted since the bundle was last switched on, the most frequent first."""
    found = select(SHADOW_COUNTS).where(SHADOW_COUNTS.c.digest == digest)
    order = (SHADOW_COUNTS.c.count.desc(), *(SHADOW_COUNTS.c[name] for name in Sort._fields))
    return connection.execute(found.order_by(*order)).all()


def forget_counts(connection: Connection, digest: str) -> None:
    """Begin from nought."""
    connection.execute(delete(SHADOW_COUNTS).where(SHADOW_COUNTS.c.digest == digest))
