"""What the plan of a practice counts, in words: active clients and subscribed staff (rows W14, W15, Y2, Y3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """`contacts` are told because they never count; `charged` are the subscriptions beyond the free one."""

    active: int
    clients: int
    contacts: int
    staff: int
    subscribed: int
    charged: int

    @property
    def not_in_care(self) -> int:
        """Clients who do not count any more."""
        return self.clients - self.active


async def plan_counts(request: Request) -> PlanCounts:
    """The counts of the reader's practice; the part admin/client_counts.html shows them."""
    found = await request.app.state.authz.counts(request.state.reader.practice_id)
    return PlanCounts(
        active=found["active_clients"],
        clients=found["clients"],
        contacts=found["contacts"],
        staff=found["staff"],
        subscribed=found["subscribed_staff"],
        charged=found["charged_staff"],
    )
