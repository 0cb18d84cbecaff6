"""A copy of the policy to try changes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.edge.guard import Route

ROUTES: tuple[Route, ...] = ()
