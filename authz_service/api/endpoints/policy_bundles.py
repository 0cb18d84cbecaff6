"""Bundles: staged, shadowed, put into service, rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authz_service.api.routing import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
