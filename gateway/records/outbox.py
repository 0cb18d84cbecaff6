"""Registers the facts of items with the authz service, in the order in which they changed.

A change writes its entry in its own transaction; this task carries the entries over and forgets those that arrived.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from anyio import to_thread
from sqlalchemy import delete, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from gateway.edge.errors import CannotDecide, Rejected
from models.tables.records import Outbox, Practice

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.edge.authz_client import AuthzClient
    from gateway.records.store import RecordsStore

BATCH_MAX = 200  # entries of one call
PAUSE_SECONDS = 1.0  # between two looks
PAUSE_SECONDS_MAX = 30.0  # while the service cannot be reached
_ONE_CARRIER = 0x6B67_6F75  # PostgreSQL advisory lock: two carriers could put an older fact over a newer one
log: Any = structlog.get_logger()


class OutboxCarrier:
    """Carries the outbox over, in one process at a time."""

    def __init__(self, store: RecordsStore, authz: AuthzClient) -> None:
        self._store = store
        self._authz = authz
        self._lock: Connection | None = None

    async def run(self) -> None:
        """Carry entries over until cancelled."""
        pause = PAUSE_SECONDS
        try:
            while True:
                try:
                    await self.carry_all()
                    pause = PAUSE_SECONDS
                except (CannotDecide, Rejected) as error:
                    log.warning("facts_not_registered", reason=str(error))
                    pause = min(pause * 2, PAUSE_SECONDS_MAX)
                except SQLAlchemyError as error:  # What it says may hold content, so only its kind is logged.
                    log.warning("outbox_not_read", reason=type(error).__name__)
                    self._let_go()
                    pause = min(pause * 2, PAUSE_SECONDS_MAX)
                await asyncio.sleep(pause)
        finally:
            self._let_go()

    async def carry_all(self) -> int:
        """Carry over every entry there is; returns how many. Raises CannotDecide or Rejected, keeping what is left."""
        if not await to_thread.run_sync(self._is_carrier):
            return 0
        carried = 0
        for practice_id in await to_thread.run_sync(self._practices):
            while entries := await to_thread.run_sync(self._read, practice_id):
                await self._register(entries)
                await to_thread.run_sync(self._forget, practice_id, [entry.number for entry in entries])
                carried += len(entries)
        return carried

    async def _register(self, entries: list[Outbox]) -> None:
        newest = {(entry.type, entry.id): entry.properties for entry in entries}
        kept = [
            {"type": kind, "id": key, "properties": properties}
            for (kind, key), properties in newest.items()
            if properties is not None
        ]
        if kept:
            await self._authz.register(kept)
        for (kind, key), properties in newest.items():
            if properties is None:
                await self._authz.unregister(kind, key)

    def _let_go(self) -> None:
        """Give the lock up with its connection, which may be broken."""
        connection, self._lock = self._lock, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()

    def _is_carrier(self) -> bool:
        if self._store.engine.dialect.name != "postgresql":
            return True
        if self._lock is None or self._lock.closed:
            self._lock = self._store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        # Taken again at each look: it fails if the connection, and with it the lock, was lost.
        return bool(self._lock.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ONE_CARRIER}).scalar())

    def _practices(self) -> list[str]:
        with self._store.session(None) as session:
            return list(session.exec(select(Practice.id)))

    def _read(self, practice_id: str) -> list[Outbox]:
        with self._store.session(practice_id) as session:
            chosen = select(Outbox).where(Outbox.practice_id == practice_id)
            return list(session.exec(chosen.order_by(Outbox.number).limit(BATCH_MAX)))  # type: ignore[arg-type]

    def _forget(self, practice_id: str, numbers: list[int | None]) -> None:
        with self._store.session(practice_id) as session:
            session.execute(delete(Outbox).where(Outbox.number.in_(numbers)))  # type: ignore[union-attr]
