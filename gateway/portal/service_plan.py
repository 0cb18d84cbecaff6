"""The service plan: what the practice and the client work on (row C12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import col

from gateway.edge.questions import listing
from gateway.web.formats import day
from gateway.web.pages import page
from gateway.web.staff import staff_names
from models.tables.records import ServicePlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

PLANS_MAX = 20


@dataclass(frozen=True, slots=True)
class ServicePlanView:
    """A service plan in words; `goals` are `{"title", "text", "steps", "progress"}`."""

    id: str
    title: str
    author: str
    released: str
    review: str
    summary: str
    goals: Sequence[Mapping[str, Any]]
    supports: Sequence[str]


async def service_plan(request: Request) -> Response:
    """The service plans the reader may read, the newest first."""
    return await page(request, "portal/service_plan.html", plans=await plans_in_view(request))


async def plans_in_view(request: Request) -> list[ServicePlanView]:
    """The service plans of the client in view that the reader may read, in words."""
    found = await listing(
        request,
        "service_plan",
        order_by=(col(ServicePlan.released_on).desc(),),
        limit=PLANS_MAX,
    )
    authors = await staff_names(request, [row.author for row in found.rows])
    return [
        ServicePlanView(
            id=row.id,
            title=row.title,
            author=authors.get(row.author, ""),
            released=day(row.released_on) if row.released_on else "",
            review=day(row.review_on) if row.review_on else "",
            summary=row.summary,
            goals=row.goals,
            supports=row.supports,
        )
        for row in found.rows
    ]
