"""What the gateway reads and changes at the authz service: clients, accounts, staff, many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.edge.answers import Json, read_mapping, read_mappings
from gateway.edge.authz_line import BULK_SECONDS, AuthzLine, part, with_query

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPORT_CLIENTS = 500  # of a page


class PeopleCalls(AuthzLine):
    """Every method raises CannotDecide, Rejected or Stale."""

    async def client(self, client_id: str) -> Json:
        """A client's attributes and switches."""
        return await self.ask("GET", f"/v1/clients/{part(client_id)}")

    async def create_client(self, practice_id: str, client: Json, *, actor: str) -> Json:
        """Take a client on: `id`, `born`, and what else `update_client` can change."""
        return await self.ask("POST", f"/v1/practices/{part(practice_id)}/clients", client, actor=actor)

    async def update_client(self, client_id: str, changes: Json, *, etag: str | None = None, actor: str) -> Json:
        """Change what decisions read of a client: `born`, `self_managing`, `assent`, `active`."""
        return await self.ask("PATCH", f"/v1/clients/{part(client_id)}", changes, actor=actor, etag=etag)

    async def merge_client(self, client_id: str, into: str, *, actor: str) -> None:
        """Let an empty client record give way to another."""
        await self.ask("POST", f"/v1/clients/{part(client_id)}/merge", {"into": into}, actor=actor)

    async def counts(self, practice_id: str) -> Json:
        """What the plan counts: `active_clients`, `contacts`, `staff`, `subscribed_staff`, `charged_staff`."""
        return await self.ask("GET", f"/v1/practices/{part(practice_id)}/counts")

    async def roster(self, practice_id: str, client_ids: Sequence[str]) -> dict[str, Json]:
        """How clients stand, by id: `active`, `self_managing`, `people` (how many by status), and more."""
        if not client_ids:
            return {}
        path = with_query(
            f"/v1/practices/{part(practice_id)}/roster", {"limit": "500", "clients": ",".join(client_ids)}
        )
        return {one["id"]: one for one in read_mappings((await self.ask("GET", path)).get("clients"))}

    async def not_in_care(self, practice_id: str) -> list[str]:
        """Ids of the clients who are not in care."""
        found: list[str] = []
        after = ""
        while True:
            path = f"/v1/practices/{part(practice_id)}/roster?limit=500&active=false&after={part(after)}"
            answer = await self.ask("GET", path)
            found += [str(one["id"]) for one in read_mappings(answer.get("clients"))]
            after = str(answer.get("next", ""))
            if not after:
                return found

    async def lock_out(self, practice_id: str, account_id: str, *, on: bool, actor: str) -> None:
        """Take all access at a practice from a person, or give it back."""
        path = f"/v1/practices/{part(practice_id)}/accounts/{part(account_id)}/lock"
        await self.ask("PUT" if on else "DELETE", path, {} if on else None, actor=actor)

    async def merge_accounts(self, practice_id: str, account_id: str, into: str, *, actor: str) -> dict[str, str]:
        """Make two accounts of one person one at a practice; the grant that stands in place of each that ended."""
        path = f"/v1/practices/{part(practice_id)}/accounts/{part(account_id)}/merge"
        answer = await self.ask("POST", path, {"into": into}, actor=actor)
        return {str(old): str(new) for old, new in read_mapping(answer.get("grants")).items()}

    async def decline_invitation(self, account_id: str) -> list[str]:
        """End the pending grants of an account whose person does not want them; the ids of those that ended."""
        answer = await self.ask("POST", f"/v1/accounts/{part(account_id)}/decline", {})
        declined = answer.get("declined")
        return [str(one) for one in declined] if isinstance(declined, list) else []

    async def staff_of(self, practice_id: str) -> list[Json]:
        """A practice's staff: `id`, `roles`, `state`, `subscribed`, `may_invite`, `available`, `assigned`, `etag`."""
        return read_mappings((await self.ask("GET", f"/v1/practices/{part(practice_id)}/staff")).get("staff"))

    async def update_staff(self, staff_id: str, changes: Json, *, etag: str | None = None, actor: str) -> Json:
        """Change a staff member; who offers times says so themselves (`available`)."""
        return await self.ask("PATCH", f"/v1/staff/{part(staff_id)}", changes, actor=actor, etag=etag)

    async def create_staff(self, practice_id: str, member: Json, *, actor: str) -> Json:
        """Let somebody work at the practice: `id`, `roles`, and what else `update_staff` can change."""
        return await self.ask("POST", f"/v1/practices/{part(practice_id)}/staff", member, actor=actor)

    async def assign_client(self, staff_id: str, client_id: str, *, on: bool, actor: str) -> None:
        """Assign a client to a staff member, or no longer."""
        path = f"/v1/staff/{part(staff_id)}/assigned/{part(client_id)}"
        await self.ask("PUT" if on else "DELETE", path, {} if on else None, actor=actor)

    async def run_import(self, practice_id: str, wanted: Json, *, actor: str) -> Json:
        """Bring clients and grants in, all or none (`models.wire.imports.Import`); its key makes it count once."""
        path = f"/v1/practices/{part(practice_id)}/imports"
        return await self.ask("POST", path, wanted, actor=actor, seconds=BULK_SECONDS)

    async def export_page(self, practice_id: str, *, after: str, at: str | None, actor: str) -> Json:
        """A page of the practice's access data (`models.wire.imports.Export`)."""
        wanted = {"limit": str(EXPORT_CLIENTS), "after": after, "at": at or ""}
        path = with_query(f"/v1/practices/{part(practice_id)}/export", wanted)
        return await self.ask("GET", path, actor=actor, seconds=BULK_SECONDS)

    async def first_login(self, account_id: str) -> None:
        """Tell the service that an account signed in: its pending grants become active."""
        await self.ask("POST", f"/v1/accounts/{part(account_id)}/first-login", {})

    async def accept_invitation(self, account_id: str, invited_as: str) -> dict[str, str]:
        """Move the pending grants of an invitation's account to one that signed in; the new grant of each old one."""
        answer = await self.ask("POST", f"/v1/accounts/{part(account_id)}/accept", {"invited_as": invited_as})
        return {str(old): str(new) for old, new in read_mapping(answer.get("moved")).items()}
