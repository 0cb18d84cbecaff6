"""Tells the authz service what changed: the facts of items, and events for the trail, each in order.

A change writes its entries in its own transaction; this task carries them over and forgets those that arrived.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from gateway.edge.errors import CannotDecide, Rejected
from models.tables.events import WaitingEvent
from models.tables.records import Outbox, Practice

if TYPE_CHECKING:
    from gateway.edge.authz_client import AuthzClient
    from gateway.records.store import RecordsStore

BATCH_MAX = 200  # entries of one call
EVENTS_MAX = 100  # events of one call
PAUSE_SECONDS = 1.0  # between two looks
PAUSE_SECONDS_MAX = 30.0  # while the service cannot be reached
_ONE_CARRIER = 0x6B67_6F75  # PostgreSQL advisory lock: two carriers could put an older fact over a newer one
Entry = TypeVar("Entry", Outbox, WaitingEvent)
log: Any = structlog.get_logger()


class OutboxCarrier:
    """Carries the outbox over, in one process at a time."""

    def __init__(self, store: RecordsStore, authz: AuthzClient) -> None:
        self._store = store
        self._authz = authz
        self._turn = store.turn(_ONE_CARRIER)
        self._one_at_a_time = asyncio.Lock()
        self._news = asyncio.Event()
        store.on_event = self._news.set

    async def run(self) -> None:
        """Carry entries over until cancelled."""
        pause = PAUSE_SECONDS
        try:
            while True:
                try:
                    self._news.clear()
                    await self.carry_all()
                    pause = PAUSE_SECONDS
                except (CannotDecide, Rejected) as error:
                    log.warning("outbox_not_carried", reason=str(error))
                    pause = min(pause * 2, PAUSE_SECONDS_MAX)
                except SQLAlchemyError as error:  # What it says may hold content, so only its kind is logged.
                    log.warning("outbox_not_read", reason=type(error).__name__)
                    self._turn.give_up()
                    pause = min(pause * 2, PAUSE_SECONDS_MAX)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), pause)
        finally:
            self._turn.give_up()

    async def carry_all(self) -> int:
        """Carry over every entry there is; returns how many. Raises CannotDecide or Rejected, keeping what is left."""
        async with self._one_at_a_time:
            if not await self._turn.is_ours():
                return 0
            carried = 0
            for practice_id in (None, *await self._store.threads.run(self._practices)):
                while events := await self._store.threads.run(self._read, WaitingEvent, practice_id, EVENTS_MAX):
                    await self._authz.record_all([waiting.event for waiting in events])
                    await self._store.threads.run(self._forget, WaitingEvent, practice_id, events)
                    carried += len(events)
                if practice_id is None:
                    continue
                while entries := await self._store.threads.run(self._read, Outbox, practice_id, BATCH_MAX):
                    await self._register(entries)
                    await self._store.threads.run(self._forget, Outbox, practice_id, entries)
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

    def _practices(self) -> list[str]:
        with self._store.session(None) as session:
            return list(session.exec(select(Practice.id)))

    def _read(self, table: type[Entry], practice_id: str | None, limit: int) -> list[Entry]:
        with self._store.session(practice_id) as session:
            chosen = select(table).where(col(table.practice_id) == practice_id)
            return list(session.exec(chosen.order_by(col(table.number)).limit(limit)))

    def _forget(self, table: type[Entry], practice_id: str | None, entries: list[Entry]) -> None:
        with self._store.session(practice_id) as session:
            session.execute(delete(table).where(col(table.number).in_([entry.number for entry in entries])))
