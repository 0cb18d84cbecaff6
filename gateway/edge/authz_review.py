"""What the gateway asks of the policy itself: files, rules, matrix, proofs."""

from __future__ import annotations

from gateway.edge.authz_line import AuthzLine


class ReviewCalls(AuthzLine):
    """Every method raises CannotDecide, Rejected or Stale."""
