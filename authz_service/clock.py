"""The clock, which everything that needs the time is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]  # aware, UTC


def system_clock() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)
