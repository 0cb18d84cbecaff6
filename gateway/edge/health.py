"""The two doors for whoever watches the process: is it up, and can it serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from gateway.edge.guard import Route, public

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def live(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """The records can be read and the authz service can decide; CannotDecide is 503."""
    await request.app.state.records.practice("")
    await request.app.state.authz.prove()
    return JSONResponse({"status": "ok"})


ROUTES = (
    Route("/healthz", live, guard=public),
    Route("/readyz", ready, guard=public),
)
