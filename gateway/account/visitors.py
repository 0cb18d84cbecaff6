"""Pages for whoever is not signed in: their forms need a cookie, which stands for nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.edge.cookies import fresh_visitor
from gateway.web.pages import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def visitor_page(request: Request, name: str, *, status: int = 200, **context: Any) -> Response:
    """A page with a form that can be sent without being signed in."""
    fresh = None if request.state.cookie else fresh_visitor()
    request.state.cookie = request.state.cookie or fresh
    response = await page(request, name, status=status, **context)
    if fresh is not None:
        request.app.state.cookies.set(response, fresh)
    return response


def address_of(request: Request) -> str:
    """The address that tries are counted for: the peer, or what a trusted proxy says of its own peer."""
    peer = request.client.host if request.client else ""
    hops = [hop.strip() for hop in request.headers.get("x-forwarded-for", "").split(",")]
    trusted = request.app.state.settings.trusted_proxies
    while peer in trusted and hops and hops[-1]:
        peer = hops.pop()
    return peer
