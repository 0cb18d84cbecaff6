"""Choosing the language of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.edge.cookies import KNOWN_SECONDS
from gateway.edge.errors import NotFound
from gateway.edge.guard import Route, public
from gateway.edge.paths import is_local
from gateway.web.language import COOKIE, LANGUAGES
from gateway.web.pages import see_other

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def choose(request: Request) -> Response:
    """Remember the language in this browser, and go back to the page; it says nothing about a person."""
    name, target = request.path_params["language"], request.query_params.get("next", "/")
    if name not in LANGUAGES:
        raise NotFound
    response = see_other(target if is_local(target) else "/")
    response.set_cookie(
        COOKIE, name, path="/", max_age=KNOWN_SECONDS, secure=request.app.state.settings.secure, samesite="lax"
    )
    return response


ROUTES = (Route("/language/{language}", choose, guard=public),)
