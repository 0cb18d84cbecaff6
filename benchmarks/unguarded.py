"""The gateway with its guard answered from memory: every page as it is, but nobody asks whether it may be shown.

`python -m benchmarks.unguarded`: for the benchmark only. The first request of each page and reader is guarded; what the
guard was answered then is a constant from then on. What the page itself asks (its frame, its buttons) is asked as ever.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from gateway import __main__ as gateway
from gateway.edge import guard as guards
from gateway.edge import site
from gateway.edge.questions import look_ahead
from models.tables.records import ITEMS

if TYPE_CHECKING:
    from starlette.requests import Request

    from gateway.edge.guard import Guard

_answers: dict[tuple[str, str], Any] = {}


async def check(request: Request, guard: Guard) -> None:
    """What the guard does, without its questions: the client, the row, and the plan as it was answered once."""
    key = (request.state.reader.id, request.url.path)
    if key not in _answers:
        await guards.check(request, guard)
        _answers[key] = request.state.plan
        return
    await guards.find_client(request)
    client, plan = request.state.client, _answers[key]
    if "id" in request.path_params:
        request.state.item = await request.app.state.records.item(
            ITEMS[guard.type], client.practice_id, client.id, request.path_params["id"]
        )
    request.state.plan = plan
    framed = request.app.state.framed
    look_ahead(request, framed[0])
    if plan is not None and (guard.action, guard.type) not in framed:
        known: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        known.set_result(plan)
        request.state.plans[guard.action, guard.type] = known


if __name__ == "__main__":
    site.check = check  # type: ignore[attr-defined]
    sys.exit(gateway.main())
