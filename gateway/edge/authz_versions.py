"""What the gateway asks of the policy's versions and of the trail's verification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.edge.answers import Json, read_mapping, read_mappings
from gateway.edge.authz_line import BULK_SECONDS, AuthzLine, part, with_query

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_VERSIONS = "/v1/policy/versions"
_VERIFICATIONS = "/v1/trail/verifications"


class VersionCalls(AuthzLine):
    """Every method raises CannotDecide, Rejected or Stale."""

    async def versions(self, *, actor: str) -> Json:
        """What serves: `serving`, and the newest first `versions` and `deployments`."""
        return await self.ask("GET", _VERSIONS, actor=actor)

    async def version(self, version: str, *, actor: str) -> Json:
        """One version with its `files`."""
        return await self.ask("GET", _version(version), actor=actor)

    async def texts(self, version: str, *, actor: str) -> dict[str, str]:
        """The text of each file of a version."""
        answer = await self.ask("GET", f"{_version(version)}/texts", actor=actor, seconds=BULK_SECONDS)
        return {name: str(text) for name, text in read_mapping(answer.get("files")).items()}

    async def stage_version(self, files: Mapping[str, str], note: str, *, actor: str) -> Json:
        """Keep a bundle, proven; Rejected 422 has `problems`."""
        body = {"files": dict(files), "note": note}
        return await self.ask("POST", _VERSIONS, body, actor=actor, seconds=BULK_SECONDS)

    async def withdraw_version(self, version: str, *, actor: str) -> Json:
        """Take a staged version back."""
        return await self.ask("DELETE", _version(version), actor=actor)

    async def shadow(self, version: str, *, actor: str) -> Json:
        """What a version made of the live questions, as `models.wire.bundles.Shadow`."""
        return await self.ask("GET", f"{_version(version)}/shadow", actor=actor)

    async def switch_shadow(self, version: str, *, on: bool, actor: str) -> Json:
        """Let a version be asked the live questions too, or no longer."""
        return await self.ask("PUT", f"{_version(version)}/shadow", {"on": on}, actor=actor, seconds=BULK_SECONDS)

    async def deploy_version(self, version: str, serving: str, reason: str, *, actor: str) -> Json:
        """Put a version into service in place of the one that was seen serving; Rejected 412 where another serves."""
        body = {"serving": serving, "reason": reason}
        return await self.ask("POST", f"{_version(version)}/deploy", body, actor=actor, seconds=BULK_SECONDS)

    async def roll_back(self, serving: str, reason: str, *, actor: str) -> Json:
        """Put what served before into service again; Rejected 412 where another serves."""
        body = {"serving": serving, "reason": reason}
        return await self.ask("POST", "/v1/policy/rollback", body, actor=actor, seconds=BULK_SECONDS)

    async def difference(self, old: str, new: str, *, actor: str) -> Json:
        """What a version changes: `declarations`, `newly_allowed`, `newly_denied`, `touched`."""
        path = with_query("/v1/policy/differences", {"old": old, "new": new})
        return await self.ask("GET", path, actor=actor, seconds=BULK_SECONDS)

    async def replay(self, version: str, since: datetime, until: datetime, *, actor: str) -> Json:
        """Recorded decisions of [since, until) put to a version."""
        body = {"version": version, "since": since.isoformat(), "until": until.isoformat()}
        return await self.ask("POST", "/v1/policy/replays", body, actor=actor, seconds=BULK_SECONDS)

    async def verifications(self, *, actor: str) -> tuple[Json | None, list[Json]]:
        """A verification of the trail that is under way or broke off, and the newest ones that did not."""
        return _read_verifications(await self.ask("GET", _VERIFICATIONS, actor=actor))

    async def verify_trail(self, *, actor: str) -> tuple[Json | None, list[Json]]:
        """Verify the trail now; a long one goes on in the background."""
        return _read_verifications(await self.ask("POST", _VERIFICATIONS, actor=actor, seconds=BULK_SECONDS))


def _version(version: str) -> str:
    return f"{_VERSIONS}/{part(version)}"


def _read_verifications(answer: Json) -> tuple[Json | None, list[Json]]:
    attempt = answer.get("attempt")
    return None if attempt is None else read_mapping(attempt), read_mappings(answer.get("verifications"))
