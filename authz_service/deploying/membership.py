"""The processes of one PostgreSQL database: which deployment each serves, and the lease without which none may answer.

A process asks again and again which deployment is the last, and counts its lease on its own monotonic clock from
before it asked, only where it serves that very one. It makes its row known in a transaction of its own before it asks:
so either a deployer sees the row, or the process sees the deployment. A lease that was granted before a deployment
was committed is over `LEASE_SECONDS` later, whatever its holder is doing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from authz_service.deploying.versions import last_deployment
from models.tables.policy import PROCESSES, VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from authz_service.deploying.versions import Deployment
    from authz_service.storage.database import Database

LEASE_SECONDS = 5.0
DRIFT_SECONDS = 0.5  # by how much two clocks may go apart in the length of a lease
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in service, as the database knows it, which bundle shadows since when, and which may come next."""

    last: Deployment
    shadow: tuple[str, datetime] | None
    coming: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipts:
    """How many processes serve a deployment, and how many said nothing until their leases were over."""

    swapped: int
    gone: int


def read_standing(database: Database) -> Standing:
    """What is in service. A lease may be counted on it only when `Membership.note` was done before it was asked."""
    with database.reading() as connection:
        last = last_deployment(connection)
        shadowing = select(VERSIONS.c.digest, VERSIONS.c.shadow_since).where(VERSIONS.c.shadow)
        shadow = connection.execute(shadowing).first()
        staged = select(VERSIONS.c.digest).where(~VERSIONS.c.withdrawn).order_by(VERSIONS.c.staged_at.desc()).limit(1)
        newest = connection.execute(staged).scalar_one_or_none()
    if last is None:
        raise LookupError("no policy bundle was ever deployed")
    coming = tuple(each for each in (newest, last.before) if each not in (None, last.digest))
    return Standing(last, None if shadow is None else (shadow.digest, shadow.shadow_since), coming)


class Membership:
    """One process among those of a database."""

    def __init__(self, database: Database, process_id: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._id = process_id
        self._monotonic = monotonic

    def note(self, number: int) -> None:
        """Make known that this process serves a deployment, and none before it."""
        row = insert(PROCESSES).values(id=self._id, number=number, seen_at=func.clock_timestamp())
        changed = {"number": row.excluded.number, "seen_at": row.excluded.seen_at}
        with self._database.writing(()) as session:
            session.connection().execute(row.on_conflict_do_update(index_elements=["id"], set_=changed))

    def leave(self) -> None:
        """Be counted no longer. Only a process that answers nothing any more may do so."""
        with self._database.writing(()) as session:
            session.connection().execute(delete(PROCESSES).where(PROCESSES.c.id == self._id))

    def wait_for_receipts(self, number: int) -> Receipts:
        """Wait until every process serves the deployment, or cannot hold a lease from before it any more.

        To be called once the deployment is committed. Whoever is silent for so long is taken out of the count.
        """
        over = self._monotonic() + LEASE_SECONDS + DRIFT_SECONDS
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(select(PROCESSES.c.id, PROCESSES.c.number)).all()
            silent = [row.id for row in rows if row.number < number]
            if not silent or self._monotonic() >= over:
                break
            time.sleep(_POLL_SECONDS)
        if silent:
            left = delete(PROCESSES).where(PROCESSES.c.id.in_(silent), PROCESSES.c.number < number)
            with self._database.writing(()) as session:
                session.connection().execute(left)
        return Receipts(len(rows) - len(silent), len(silent))
