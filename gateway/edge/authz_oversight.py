"""What the gateway asks the authz service of other times and of what was done: what-if, trail, emergency access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.edge.answers import Json, read_mappings
from gateway.edge.authz_line import AuthzLine, part, with_query
from gateway.edge.what_if import read_what_if

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from gateway.edge.what_if import WhatIf


class OversightCalls(AuthzLine):
    """Every method raises CannotDecide, Rejected or Stale."""

    async def what_if(
        self,
        practice_id: str,
        changes: Sequence[Json],
        *,
        at: datetime | None = None,
        compare_at: datetime | None = None,
        actor: str,
        **narrowed: Any,
    ) -> WhatIf:
        """Who would gain and who would lose what; `narrowed` may limit `clients`, `accounts` and the `limit` listed."""
        instants = {"at": at, "compare_at": compare_at}
        body = {"practice_id": practice_id, "changes": list(changes), **narrowed}
        body |= {name: value.isoformat() for name, value in instants.items() if value is not None}
        return read_what_if(await self.ask("POST", "/v1/what-if", body, actor=actor))

    async def coming_changes(self, practice_id: str, *, until: date | None = None, actor: str) -> Json:
        """What will change by itself: `changes` by day, and the practice's `zone`."""
        query = "" if until is None else f"?until={until.isoformat()}"
        return await self.ask("GET", f"/v1/practices/{part(practice_id)}/coming-changes{query}", actor=actor)

    async def past(self, client_id: str, at: datetime, item: tuple[str, str] | None = None, *, actor: str) -> Json:
        """Who could do what with a client's items (or one: type, id) at an instant, and what had been set by whom."""
        query = f"?at={part(at.isoformat())}" + (f"&type={part(item[0])}&id={part(item[1])}" if item else "")
        return await self.ask("GET", f"/v1/clients/{part(client_id)}/past{query}", actor=actor)

    async def hand_overs(self, practice_id: str, *, actor: str) -> list[Json]:
        """A practice's hand-overs, the latest day first."""
        answer = await self.ask("GET", f"/v1/practices/{part(practice_id)}/hand-overs", actor=actor)
        return read_mappings(answer.get("hand_overs"))

    async def preview_hand_over(self, practice_id: str, hand_over: Json, *, actor: str) -> Json:
        """What a hand-over (`from_account`, `to_account`, `on`, `clients`?) would do: `steps`, `status`, `etag`."""
        return await self.ask("POST", f"/v1/practices/{part(practice_id)}/hand-overs/preview", hand_over, actor=actor)

    async def hand_over(self, practice_id: str, hand_over: Json, *, etag: str, actor: str) -> Json:
        """Plan a hand-over as it was previewed; Rejected 412 when it would do something else by now."""
        path = f"/v1/practices/{part(practice_id)}/hand-overs"
        return await self.ask("POST", path, hand_over, actor=actor, etag=etag)

    async def undo_hand_over(self, practice_id: str, hand_over_id: str, *, actor: str) -> Json:
        """Take a planned hand-over back."""
        path = f"/v1/practices/{part(practice_id)}/hand-overs/{part(hand_over_id)}"
        return await self.ask("DELETE", path, actor=actor)

    async def record(self, event: Mapping[str, Any]) -> None:
        """Add an event (`action`, `actor`, `account_id`, `practice_id`) to the trail; durable when this returns."""
        await self.record_all([{name: value for name, value in event.items() if value is not None}])

    async def record_all(self, events: Sequence[Json]) -> None:
        """Add events to the trail; one with an `id` that arrived before is not added again."""
        await self.ask("POST", "/v1/trail", {"events": list(events)})

    async def trail(self, wanted: Mapping[str, str], *, actor: str) -> tuple[list[Json], str]:
        """A page of the practice's trail by the parameters of `GET /v1/trail`, and the `next` of the page after."""
        answer = await self.ask("GET", with_query("/v1/trail", wanted), actor=actor)
        return read_mappings(answer.get("entries")), str(answer.get("next", ""))

    async def trail_entry(self, entry_id: str, *, actor: str) -> Json:
        """One record with its explanation: `entry`, `explanation`, `policy`, `situation`."""
        return await self.ask("GET", f"/v1/trail/{part(entry_id)}", actor=actor)

    async def disclosures(self, client_id: str, since: datetime, until: datetime, *, actor: str) -> Json:
        """What was given of a client to others: `disclosures`, `complete`."""
        period = {"since": since.isoformat(), "until": until.isoformat()}
        return await self.ask("GET", with_query(f"/v1/clients/{part(client_id)}/disclosures", period), actor=actor)

    async def denials(self, client_id: str, since: datetime, until: datetime, *, actor: str) -> Json:
        """What people were refused about a client: `denials`, `complete`."""
        period = {"since": since.isoformat(), "until": until.isoformat()}
        return await self.ask("GET", with_query(f"/v1/clients/{part(client_id)}/denials", period), actor=actor)

    async def start_emergency(self, client_id: str, reason: str, minutes: int, *, actor: str) -> Json:
        """Open emergency access to a client for the actor."""
        body = {"reason": reason, "minutes": minutes}
        return await self.ask("POST", f"/v1/clients/{part(client_id)}/emergency-accesses", body, actor=actor)

    async def end_emergency(self, access_id: str, *, actor: str) -> Json:
        """End emergency access at once."""
        return await self.ask("POST", f"/v1/emergency-accesses/{part(access_id)}/end", actor=actor)

    async def review_emergency(self, access_id: str, note: str, *, actor: str) -> Json:
        """Sign emergency access off."""
        path = f"/v1/emergency-accesses/{part(access_id)}/review"
        return await self.ask("PUT", path, {"note": note}, actor=actor)

    async def emergency(self, access_id: str) -> Json:
        """One emergency access."""
        return await self.ask("GET", f"/v1/emergency-accesses/{part(access_id)}")

    async def emergencies(self, practice_id: str, wanted: Mapping[str, str]) -> tuple[list[Json], str]:
        """The emergency accesses of a practice, newest first, and the `next` of the page after."""
        path = with_query(f"/v1/practices/{part(practice_id)}/emergency-accesses", wanted)
        answer = await self.ask("GET", path)
        return read_mappings(answer.get("emergency_accesses")), str(answer.get("next", ""))

    async def emergency_reads(self, access_id: str, *, actor: str) -> tuple[list[Json], bool]:
        """What its holder was allowed under it, oldest first; and whether that is all."""
        answer = await self.ask("GET", f"/v1/emergency-accesses/{part(access_id)}/reads", actor=actor)
        return read_mappings(answer.get("reads")), answer.get("complete") is True
