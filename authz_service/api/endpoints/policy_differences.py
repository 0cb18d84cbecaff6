"""Two bundles compared, and recorded decisions replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authz_service.api.routing import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
