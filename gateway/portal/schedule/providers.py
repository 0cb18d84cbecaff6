"""With whom of a client's care team the reader may book times (rows Y6, Y23)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.edge.care_team import care_team
from gateway.edge.questions import may, opens

if TYPE_CHECKING:
    from starlette.requests import Request


async def bookable(request: Request) -> list[str]:
    """Ids of the assigned therapists with whom the policy lets the reader request a time, in order."""
    (opening,) = await opens(request, [("request", "appointment")])
    if not opening:
        return []
    client = request.state.client
    team = await care_team(request.app.state.authz, client.practice_id, client.id)
    therapists = sorted(team.therapists)
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("request", "appointment", {"provider_id": key, "state": "requested"}) for key in therapists
    ]
    allowed = await may(request, asked)
    return [key for key, yes in zip(therapists, allowed, strict=True) if yes]
