"""The access store: what decisions read and what commands write."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from authz_service.clock import system_clock
from authz_service.storage.cache import CachedAccess
from authz_service.storage.database import ALL_PRACTICES, Database
from authz_service.storage.reading import Reading
from authz_service.storage.surveying import Survey
from authz_service.storage.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from authz_service.clock import Clock
    from authz_service.facts.rows import Access
    from authz_service.trail.changes import Origin


class AccessStore:
    """The access data of one database.

    On SQLite this process is the only one, so it may keep rows in memory; on PostgreSQL every question reads anew.
    `practices` limits what PostgreSQL shows to the rows of these practices; the default is all of them.
    """

    def __init__(self, url: str, clock: Clock = system_clock) -> None:
        self.database = Database(url)
        self.clock = clock
        self._cache = CachedAccess(self.reading) if self.database.embedded else None

    def deciding(
        self, practices: Iterable[str] = ALL_PRACTICES, at: datetime | None = None
    ) -> AbstractContextManager[Access]:
        """The access data for a decision, now or as it was at a past instant (a coming one: as it is now)."""
        if self._cache is not None and (at is None or at >= self.clock()):
            return nullcontext(self._cache)
        return self.surveying(practices, at)

    @contextmanager
    def reading(self, practices: Iterable[str] = ALL_PRACTICES, at: datetime | None = None) -> Iterator[Reading]:
        """The rows themselves, in one transaction."""
        past = at if at is not None and at < self.clock() else None
        with self.database.reading(practices) as connection:
            yield Reading(connection, past)

    @contextmanager
    def surveying(self, practices: Iterable[str], at: datetime | None = None) -> Iterator[Survey]:
        """What a search goes through and decides on, in one transaction."""
        with self.reading(practices, at) as rows:
            yield Survey(rows)

    @contextmanager
    def writing(self, practices: Iterable[str], origin: Origin, reason: str | None = None) -> Iterator[Writer]:
        """One transaction of changes to these practices' rows. Once it is left, every later decision sees them."""
        writer: Writer | None = None
        try:
            with self.database.writing(practices) as session:
                writer = Writer(session, self.clock(), origin, reason)
                yield writer
        finally:
            if writer is not None and self._cache is not None:
                self._cache.forget(writer.touched)

    def close(self) -> None:
        """Close every connection."""
        self.database.dispose()
