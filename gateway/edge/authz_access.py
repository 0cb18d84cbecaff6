"""What the gateway reads and changes at the authz service: grants, switches, settings, single items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.edge.answers import Json, read_mappings
from gateway.edge.authz_line import BULK_SECONDS, AuthzLine, part, with_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class AccessCalls(AuthzLine):
    """Every method raises CannotDecide, Rejected or Stale."""

    async def grants_of_account(self, account_id: str) -> list[Json]:
        """Every grant of an account, each with the client's `practice_id`."""
        return read_mappings((await self.ask("GET", f"/v1/accounts/{part(account_id)}/grants")).get("grants"))

    async def grants_of_client(self, client_id: str) -> list[Json]:
        """Every grant on a client."""
        return read_mappings((await self.ask("GET", f"/v1/clients/{part(client_id)}/grants")).get("grants"))

    async def grant(self, grant_id: str) -> Json:
        """One grant, with its `etag`."""
        return await self.ask("GET", f"/v1/grants/{part(grant_id)}")

    async def update_grant(self, grant_id: str, changes: Json, *, etag: str, actor: str) -> Json:
        """Change a grant (merge patch); Stale when `etag` is no longer its own."""
        return await self.ask("PATCH", f"/v1/grants/{part(grant_id)}", changes, actor=actor, etag=etag)

    async def practice(self, practice_id: str) -> Json:
        """A practice's settings and switches."""
        return await self.ask("GET", f"/v1/practices/{part(practice_id)}")

    async def update_practice(self, practice_id: str, changes: Json, *, etag: str | None = None, actor: str) -> Json:
        """Change a practice's settings (merge patch)."""
        return await self.ask("PATCH", f"/v1/practices/{part(practice_id)}", changes, actor=actor, etag=etag)

    async def set_practice_switch(self, practice_id: str, feature: str, *, on: bool, actor: str) -> Json:
        """Switch a feature for everyone of a practice."""
        return await self._switch("practices", practice_id, feature, on=on, actor=actor)

    async def set_client_switch(self, client_id: str, feature: str, *, on: bool, actor: str) -> Json:
        """Switch a feature for everyone of a client."""
        return await self._switch("clients", client_id, feature, on=on, actor=actor)

    async def create_grant(self, client_id: str, grant: Json, *, actor: str) -> Json:
        """Give an account access to a client: `account_id`, `kind`, and what else `update_grant` can change."""
        return await self.ask("POST", f"/v1/clients/{part(client_id)}/grants", grant, actor=actor)

    async def withhold(
        self, grant_id: str, resource_type: str, resource_id: str, *, on: bool, actor: str, reason: str = ""
    ) -> None:
        """Keep an item from the grant's account, or no longer."""
        path = f"/v1/grants/{part(grant_id)}/withheld/{part(resource_type)}/{part(resource_id)}"
        await self._keep(path, on=on, actor=actor, reason=reason)

    async def withhold_from_all(
        self, client_id: str, resource_type: str, resource_id: str, *, on: bool, actor: str, reason: str = ""
    ) -> None:
        """Keep an item from everyone who represents the client, now or later, or no longer."""
        await self._keep(_withheld(client_id, resource_type, resource_id), on=on, actor=actor, reason=reason)

    async def withheld(self, client_id: str, resource_type: str, resource_id: str) -> Json:
        """From whom an item is kept: `everyone` (`by`, `at`, `reason`, or None) and `accounts` by name."""
        return await self.ask("GET", _withheld(client_id, resource_type, resource_id))

    async def block(self, grant_id: str, reason: str, *, actor: str) -> None:
        """Put a safety block between the grant's account and its client."""
        await self.ask("PUT", f"/v1/grants/{part(grant_id)}/block", {"reason": reason}, actor=actor)

    async def unblock(self, grant_id: str, *, actor: str) -> None:
        """Take the safety block away."""
        await self.ask("DELETE", f"/v1/grants/{part(grant_id)}/block", actor=actor)

    async def block_of(self, grant_id: str) -> Json:
        """The safety block of a grant's account: `by`, `at`, `reason`. Rejected (404) where there is none."""
        return await self.ask("GET", f"/v1/grants/{part(grant_id)}/block")

    async def update_practice_switches(
        self, practice_id: str, switches: Mapping[str, bool], *, etag: str, actor: str
    ) -> Json:
        """Turn several switches of a practice at once; Stale when `etag` (its `switches_etag`) is no longer its own."""
        return await self._switches("practices", practice_id, switches, etag=etag, actor=actor)

    async def update_client_switches(
        self, client_id: str, switches: Mapping[str, bool], *, etag: str, actor: str
    ) -> Json:
        """Turn several switches of a client at once; Stale when `etag` (its `switches_etag`) is no longer its own."""
        return await self._switches("clients", client_id, switches, etag=etag, actor=actor)

    async def grants_of_practice(self, practice_id: str, kinds: Iterable[str] = ()) -> list[Json]:
        """Every grant of a practice, or of some kinds, in order of id, without what is kept from its account."""
        found: list[Json] = []
        after = ""
        while True:
            wanted = {"limit": "2000", "after": after, "kinds": ",".join(sorted(kinds))}
            path = with_query(f"/v1/practices/{part(practice_id)}/grants", wanted)
            answer = await self.ask("GET", path)
            found += read_mappings(answer.get("grants"))
            after = str(answer.get("next", ""))
            if not after:
                return found

    async def update_grants(self, practice_id: str, changes: Sequence[Json], *, reason: str, actor: str) -> list[Json]:
        """Change several grants, all or none: each with `id`, `etag`, and what else `update_grant` can change."""
        path, body = f"/v1/practices/{part(practice_id)}/grants", {"changes": list(changes), "reason": reason}
        return read_mappings((await self.ask("PATCH", path, body, actor=actor, seconds=BULK_SECONDS)).get("grants"))

    async def kind_defaults(self, practice_id: str) -> list[Json]:
        """With what new grants of each kind begin: `kind`, `chosen`, `usual`, `usual_child`, `may`, `etag`."""
        return read_mappings((await self.ask("GET", f"/v1/practices/{part(practice_id)}/kind-defaults")).get("kinds"))

    async def update_kind_defaults(
        self, practice_id: str, kind: str, toggles: Mapping[str, bool | None], *, etag: str, actor: str
    ) -> Json:
        """Choose with what new grants of a kind begin; null is the usual. Stale when they were changed meanwhile."""
        path = f"/v1/practices/{part(practice_id)}/kind-defaults/{part(kind)}"
        return await self.ask("PATCH", path, {"toggles": dict(toggles)}, etag=etag, actor=actor)

    async def check_set_up(self, practice_id: str) -> Json:
        """What in grants, switches and staff is probably not meant: `findings`, and `dismissals`."""
        return await self.ask("GET", f"/v1/practices/{part(practice_id)}/check")

    async def dismiss_finding(self, practice_id: str, finding: str, reason: str, *, actor: str) -> None:
        """Call a finding right, so that it is shown no more."""
        path = f"/v1/practices/{part(practice_id)}/check/{part(finding)}/dismissal"
        await self.ask("PUT", path, {"reason": reason}, actor=actor)

    async def restore_finding(self, practice_id: str, finding: str, *, actor: str) -> None:
        """Show a finding again."""
        await self.ask("DELETE", f"/v1/practices/{part(practice_id)}/check/{part(finding)}/dismissal", actor=actor)

    async def _keep(self, path: str, *, on: bool, actor: str, reason: str) -> None:
        body = ({"reason": reason} if reason else {}) if on else None
        await self.ask("PUT" if on else "DELETE", path, body, actor=actor)

    async def _switch(self, owner: str, owner_id: str, feature: str, *, on: bool, actor: str) -> Json:
        path = f"/v1/{owner}/{part(owner_id)}/switches/{part(feature)}"
        return await self.ask("PUT", path, {"on": on}, actor=actor)

    async def _switches(
        self, owner: str, owner_id: str, switches: Mapping[str, bool], *, etag: str, actor: str
    ) -> Json:
        path, body = f"/v1/{owner}/{part(owner_id)}/switches", {"switches": dict(switches)}
        return await self.ask("PATCH", path, body, etag=etag, actor=actor)


def _withheld(client_id: str, resource_type: str, resource_id: str) -> str:
    return f"/v1/clients/{part(client_id)}/withheld/{part(resource_type)}/{part(resource_id)}"
