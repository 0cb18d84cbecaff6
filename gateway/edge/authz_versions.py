"""What the gateway asks of the policy's versions: staging, differences, putting into service."""

from __future__ import annotations

from gateway.edge.authz_line import AuthzLine


class VersionCalls(AuthzLine):
    """Every method raises CannotDecide, Rejected or Stale."""
