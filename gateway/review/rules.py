"""One rule, and all that hangs on it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from gateway.edge.guard import Guard, Route
from gateway.review.facts import controller, written
from gateway.review.reading import RULES, lines_of, told, version_asked, version_of
from gateway.web.language import _
from gateway.web.pages import page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from starlette.requests import Request
    from starlette.responses import Response

SHOWN = 10  # questions and invariants before the others are folded


async def rule_page(request: Request) -> Response:
    """A rule's text, the facts it reads, where it decides, and the suites and invariants that hold it."""
    rule_id = request.path_params["rule"]
    answer = await told(
        request.app.state.authz.policy_rule(version_asked(request), rule_id, actor=request.state.reader.actor)
    )
    version = version_of(answer)
    return await page(
        request,
        "review/rule.html",
        version=version,
        rule=answer,
        passages=[(passage, lines_of(version, passage["lines"], passage["first"])) for passage in answer["passages"]],
        questions=[(question, trail_of(question)) for question in answer["questions"]],
        share_words=share_words,
        shown=SHOWN,
        written=written,
        controller=controller,
    )


def share_words(share: str) -> str:
    """A share as people read it; one with an exponent is next to nothing."""
    return _("less than 0.001 %") if "e-" in share else share


def trail_of(question: Mapping[str, Any]) -> str:
    """The recorded decisions on a question."""
    wanted = {"kind": "decision", "action": question["action"], "type": question["resource_type"]}
    return f"/review/trail?{urlencode(wanted)}"


ROUTES = (Route(f"{RULES}/{{rule}}", rule_page, guard=Guard("view", "policy")),)
