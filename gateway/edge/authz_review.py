"""What the gateway asks of the policy itself: files, rules, matrix, proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.edge.authz_line import BULK_SECONDS, AuthzLine, part, with_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.edge.answers import Json


class ReviewCalls(AuthzLine):
    """Every method raises CannotDecide, Rejected or Stale. A version is a digest or `serving`."""

    async def policy_files(self, version: str, wanted: str = "", *, actor: str) -> Json:
        """The files in reading order, and with `wanted` what a search finds in them."""
        return await self._read(version, with_query("files", {"q": wanted}), actor)

    async def policy_file(self, version: str, name: str, *, actor: str) -> Json:
        """One file in pieces; `name` has `~` for each slash."""
        return await self._read(version, f"files/{part(name)}", actor)

    async def policy_rule(self, version: str, rule_id: str, *, actor: str) -> Json:
        """One rule with all that hangs on it."""
        return await self._read(version, f"rules/{part(rule_id)}", actor)

    async def policy_facts(self, version: str, *, actor: str) -> Json:
        """Every fact, with the rules that read it."""
        return await self._read(version, "facts", actor)

    async def policy_matrix(self, version: str, wanted: Mapping[str, str], *, actor: str) -> Json:
        """A table by the parameters of the matrix; its `table` is None while it is worked out."""
        return await self._read(version, with_query("matrix", wanted), actor)

    async def policy_proofs(self, version: str, *, actor: str) -> Json:
        """Every invariant with its proof."""
        return await self._read(version, "proofs", actor)

    async def prove_claims(self, version: str, invariants: str, *, actor: str) -> Json:
        """How invariants of one's own fare: `proofs`, or `problems` of the text."""
        path = f"/v1/policy/versions/{part(version)}/proofs"
        return await self.ask("POST", path, {"invariants": invariants}, actor=actor, seconds=BULK_SECONDS)

    async def _read(self, version: str, path: str, actor: str) -> Json:
        return await self.ask("GET", f"/v1/policy/versions/{part(version)}/{path}", actor=actor, seconds=BULK_SECONDS)
