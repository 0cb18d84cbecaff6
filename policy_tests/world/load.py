"""The one cast for tests: the world as read, and as access data that questions can be put to."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from authz_service.workbench.cast_rows import access
from models import world as cast

if TYPE_CHECKING:
    from models.world import World

__all__ = ["NORTHGATE", "access", "load_world"]

NORTHGATE = Path(__file__).with_name("northgate.yaml")


@cache
def load_world(path: Path = NORTHGATE, shift_days: int = 0) -> World:
    """The world of `path`, every date moved by `shift_days`."""
    return cast.load_world(path, shift_days)
