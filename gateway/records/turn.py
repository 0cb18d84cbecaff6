"""Whose turn it is, of several processes, to do what would be done twice or out of order side by side."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from gateway.records.threads import Threads


class Turn:
    """An advisory lock of PostgreSQL, held by a connection; SQLite has one process, whose turn it always is."""

    def __init__(self, engine: Engine, threads: Threads, key: int) -> None:
        self._engine, self._threads, self._key = engine, threads, key
        self._lock: Connection | None = None
        self._asking = asyncio.Lock()

    async def is_ours(self) -> bool:
        """Ask again at each look: the lock is lost with its connection."""
        async with self._asking:
            return await self._threads.run(self._holds)

    def give_up(self) -> None:
        """Let another process have it."""
        connection, self._lock = self._lock, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()  # Given back to the pool alone, it would keep the lock.
                connection.close()

    def _holds(self) -> bool:
        if self._engine.dialect.name != "postgresql":
            return True
        if self._lock is None:
            self._lock = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            return bool(self._lock.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}).scalar())
        except SQLAlchemyError:
            self.give_up()
            raise
