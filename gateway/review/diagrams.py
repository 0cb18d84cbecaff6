"""One question drawn as its diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.edge.guard import Route

ROUTES: tuple[Route, ...] = ()
