"""The first page: whose portal to open, and what waits there (rows W2, W5, P1, P4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.edge.questions import profiles
from gateway.portal.waiting import waiting
from gateway.web.pages import page, see_other
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def picker(request: Request) -> Response:
    """Everyone whose portal the reader may open; staff go to the practice's pages."""
    if request.state.reader.type is SubjectType.STAFF:
        return see_other("/admin")
    return await page(request, "portal/picker.html", waiting=await waiting(request, await profiles(request)))
