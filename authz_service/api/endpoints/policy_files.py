"""The policy's files, rules, matrix and proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authz_service.api.routing import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
