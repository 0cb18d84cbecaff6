"""Diagrams, and a copy of the policy to try changes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authz_service.api.routing import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
