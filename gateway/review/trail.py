"""The trail, and whether anybody touched it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.edge.guard import Route

ROUTES: tuple[Route, ...] = ()
