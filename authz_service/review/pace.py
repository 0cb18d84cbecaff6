"""How far a long look has come, and when its time is up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Pace:
    """`deadline` is of `time.monotonic`; `progress` is told how many of how many have been looked at."""

    deadline: float | None
    progress: Callable[[int, int], None] | None
    whole: int = 0
    done: int = 0

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def step(self, looked_at: int) -> None:
        """So many more have been looked at."""
        self.done += looked_at
        if self.progress is not None:
            self.progress(self.done, self.whole)
