"""Every fact that a rule may read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.edge.guard import Guard, Route
from gateway.review.reading import FACTS, told, version_asked, version_of
from gateway.web.language import N_, _
from gateway.web.pages import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

# Who controls a fact, in the order of the layers.
CONTROLLERS = {
    "platform": N_("Platform"),
    "practice": N_("Practice"),
    "client": N_("Client"),
    "grant": N_("Access"),
    "item": N_("Item"),
    "person": N_("Person"),
}


def written(value: Any) -> str:
    """A value as a bundle writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def controller(level: str) -> str:
    """Who controls a fact, in a word."""
    return _(CONTROLLERS[level]) if level in CONTROLLERS else level


async def facts_page(request: Request) -> Response:
    """Every fact: values, meaning, who controls it, legal basis, where it comes from, and which rules read it."""
    answer = await told(request.app.state.authz.policy_facts(version_asked(request), actor=request.state.reader.actor))
    return await page(
        request,
        "review/files_facts.html",
        version=version_of(answer),
        facts=answer["facts"],
        written=written,
        controller=controller,
    )


ROUTES = (Route(FACTS, facts_page, guard=Guard("view", "policy")),)
