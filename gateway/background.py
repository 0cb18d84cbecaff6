"""What happens without anyone asking: beats, each run every so many seconds, in one process at a time.

To add one, append a line to `EVERY`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from anyio import to_thread
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway.admin.emergency_notices import tell_of_emergencies
from gateway.admin.importing.jobs import resume_imports
from gateway.mail.delivery import deliver, forget
from gateway.notices.reminders import remind
from gateway.notices.stopping import forget_stops
from gateway.notices.telling import tell
from gateway.payments.settlement import reconcile
from gateway.portal.messages.unread import notice_unread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy import Connection, Engine

_ONE_PROCESS = 0x6B67_6267  # PostgreSQL advisory lock: two processes would send everything twice
log: Any = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Beat:
    """Work to be done every `seconds`, given the application's state. It may be cut off or run again at any time."""

    seconds: float
    work: Callable[[Any], Awaitable[object]]

    @property
    def name(self) -> str:
        """What the log calls it."""
        return f"{self.work.__module__}.{self.work.__qualname__}"


EVERY: tuple[Beat, ...] = (
    Beat(2, deliver),
    Beat(3600, forget),
    Beat(3, tell),
    Beat(60, remind),
    Beat(3600, forget_stops),
    Beat(60, notice_unread),
    Beat(5, reconcile),
    Beat(15, resume_imports),
    Beat(30, tell_of_emergencies),
)


class Background:
    """Runs beats side by side until cancelled."""

    def __init__(self, state: Any, beats: tuple[Beat, ...] = EVERY) -> None:
        self._state = state
        self._beats = beats
        self._turn = Turn(state.records.engine)

    async def run(self) -> None:
        """Run every beat, its first time after its first pause."""
        try:
            async with asyncio.TaskGroup() as group:
                for beat in self._beats:
                    group.create_task(self._keep(beat))
        finally:
            self._turn.give_up()

    async def _keep(self, beat: Beat) -> None:
        while True:
            await asyncio.sleep(beat.seconds)
            try:
                if await self._turn.is_ours():
                    await beat.work(self._state)
            except Exception:  # One beat that fails must stop neither the others nor its own next turn.
                log.exception("beat_failed", beat=beat.name)


class Turn:
    """Whether this process is the one that runs the beats."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock: Connection | None = None
        self._asking = asyncio.Lock()

    async def is_ours(self) -> bool:
        """Ask again at each look: the lock is lost with its connection."""
        async with self._asking:
            return await to_thread.run_sync(self._holds)

    def give_up(self) -> None:
        """Let another process have it."""
        if self._lock is not None:
            with suppress(SQLAlchemyError):
                self._lock.close()
            self._lock = None

    def _holds(self) -> bool:
        if self._engine.dialect.name != "postgresql":
            return True
        if self._lock is None:
            self._lock = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            return bool(self._lock.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ONE_PROCESS}).scalar())
        except SQLAlchemyError:
            self.give_up()
            raise
