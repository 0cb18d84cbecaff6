"""The ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.api.edge import Edge
from authz_service.api.routes import ENDPOINTS
from authz_service.api.service import Service
from authz_service.clock import system_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from authz_service.api.service import Loads
    from authz_service.clock import Clock
    from authz_service.settings import Settings
    from authz_service.trail.writer import TrailWriter


def create_app(
    settings: Settings, clock: Clock = system_clock, loading: Callable[[TrailWriter], Loads] | None = None
) -> Edge:
    """The application for these settings. Its lifespan opens and closes everything; before that it decides nothing."""
    return Edge(Service(settings, clock, loading), ENDPOINTS)
