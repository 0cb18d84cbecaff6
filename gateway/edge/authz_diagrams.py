"""What the gateway asks of diagrams and on a copy of the policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.edge.authz_line import BULK_SECONDS, AuthzLine, part, with_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.edge.answers import Json

TRIAL_SECONDS = 27.0  # longer than the service takes at most


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of one version of the policy, by its names."""

    version: str
    subject_type: str
    action: str
    resource_type: str

    @property
    def path(self) -> str:
        """Where its diagram is."""
        names = "/".join(map(part, (self.subject_type, self.action, self.resource_type)))
        return f"/v1/policy/versions/{part(self.version)}/diagrams/{names}"


class DiagramCalls(AuthzLine):
    """Every method raises CannotDecide, Rejected or Stale."""

    async def diagrams(self, version: str, *, actor: str) -> Json:
        """Every question of a version: `subject_type`, `action`, `resource_type`, `nodes`, `facts`, counts, `share`."""
        return await self.ask("GET", f"/v1/policy/versions/{part(version)}/diagrams", actor=actor, seconds=BULK_SECONDS)

    async def diagram(self, asked: Asked, drawn: str, *, actor: str) -> Json:
        """A question's part (`decision`, `permit`, `forbid`, `rule:ID`) with its `tests`, `facts` and `parts`."""
        return await self.ask("GET", with_query(asked.path, {"part": drawn}), actor=actor, seconds=BULK_SECONDS)

    async def follow(self, asked: Asked, drawn: str, facts: Mapping[str, bool | str], *, actor: str) -> Json:
        """One situation (facts by full name): its answer, why, and its way through a part."""
        body = {"facts": dict(facts), "part": drawn}
        return await self.ask("POST", f"{asked.path}/path", body, actor=actor, seconds=BULK_SECONDS)

    async def try_copy(self, files: Mapping[str, str], against: str, ask: Json | None = None, *, actor: str) -> Json:
        """Try the texts of a bundle: `problems`, or `digest`, `difference`, `invariants`, `suites` and `answer`.

        Rejected 429 while as many are tried as may be at once.
        """
        body = {"files": dict(files), "against": against} | ({} if ask is None else {"ask": ask})
        return await self.ask("POST", "/v1/policy/playground", body, actor=actor, seconds=TRIAL_SECONDS)
