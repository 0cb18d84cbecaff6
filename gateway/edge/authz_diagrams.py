"""What the gateway asks of diagrams and on a copy of the policy."""

from __future__ import annotations

from gateway.edge.authz_line import AuthzLine


class DiagramCalls(AuthzLine):
    """Every method raises CannotDecide, Rejected or Stale."""
