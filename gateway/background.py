"""What happens without anyone asking: beats, each run every so many seconds, in one process at a time.

To add one, append a line to `EVERY`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

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
        self._turn = state.records.turn(_ONE_PROCESS)

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
