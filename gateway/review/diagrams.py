"""Every question of the policy, and one drawn as its diagram with a control for each fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gateway.edge.authz_diagrams import Asked
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.review.diagram_form import ZOOM, ZOOMS, address, controls_of, names_of, read_choice
from gateway.review.diagram_layout import lay_out, shown
from gateway.review.diagram_words import end_words, many, summary, ways_to
from gateway.web.language import N_, _
from gateway.web.pages import page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

PAGE = "/review/diagrams"
SERVING = "serving"
_BECAUSE = {
    "permitted": N_("A permit holds, and no forbid does."),
    "forbidden": N_("A forbid holds."),
    "not_permitted": N_("No permit holds. These come nearest:"),
    "unknown": N_("The answer depends on facts that are not set. Until they are, it is no."),
    "error": N_("There is no such situation, and whatever is none is denied."),
}
_CONTROLLED = {
    "platform": N_("a rule of the platform"),
    "practice": N_("the practice"),
    "client": N_("the client's settings"),
    "grant": N_("the access of this person"),
    "item": N_("the item"),
    "person": N_("the person"),
}


@dataclass(frozen=True, slots=True)
class Nearest:
    """A situation that is answered otherwise: its changes in words, and the page that shows it."""

    changes: list[str]
    href: str


async def diagrams_page(request: Request) -> Response:
    """Every question; narrowed by subject, action and type."""
    query = request.query_params
    version = query.get("version") or SERVING
    listed = await _or_not_found(request.app.state.authz.diagrams(version, actor=request.state.reader.actor))
    keys = ("subject_type", "action", "resource_type")
    wanted = {key: query.get(key, "") for key in keys}
    rows = [each for each in listed if all(value in ("", each[key]) for key, value in wanted.items())]
    tail = "" if version == SERVING else f"?version={quote(version)}"
    return await page(
        request,
        "review/diagrams.html",
        rows=[each | {"href": f"{PAGE}/{'/'.join(quote(each[key], safe='') for key in keys)}{tail}"} for each in rows],
        total=len(listed),
        wanted=wanted,
        choices={key: sorted({each[key] for each in listed}) for key in keys},
        labels={"subject_type": _("Who asks"), "action": _("Action"), "resource_type": _("What it is about")},
        version=version,
        serving=version == SERVING,
        many=many,
    )


async def diagram_page(request: Request) -> Response:
    """One question drawn; with a situation in the address, its answer and its way."""
    path, query = request.path_params, request.query_params
    asked = Asked(query.get("version") or SERVING, path["subject_type"], path["action"], path["resource_type"])
    authz, actor = request.app.state.authz, request.state.reader.actor
    part = query.get("part") or "decision"
    drawn = await _or_not_found(authz.diagram(asked, part, actor=actor))
    choice = read_choice(query, drawn["facts"])
    told = await _or_not_found(authz.follow(asked, part, choice.facts, actor=actor))
    words = end_words(part)
    yes, no = (ways_to(drawn, answer, words) for answer in (True, False))
    zoom = query.get("zoom", ZOOM) if query.get("zoom") in ZOOMS else ZOOM
    kept = {
        "part": "" if part == "decision" else part,
        "zoom": "" if zoom == ZOOM else zoom,
        "version": query.get("version", ""),
    }
    names, here = names_of(drawn["facts"]), request.url.path
    controls = controls_of(drawn, choice.facts)
    return await page(
        request,
        "review/diagram.html",
        asked=asked,
        drawn=drawn,
        part=part,
        kept=kept,
        words=words,
        drawing=lay_out(drawn["tests"], drawn["root"]),
        marks=_marks(told),
        told=told,
        because=_(_BECAUSE[told["because"]]),
        nearest=[_nearest(each, here, names, choice.facts, kept) for each in told["nearest"]],
        controlled={level: _(label) for level, label in _CONTROLLED.items()},
        controls=[control for control in controls if control.drawn],
        others=[control for control in controls if not control.drawn],
        chosen=choice,
        clear=address(here, names, {}, kept),
        zooms=[(each, address(here, names, choice.facts, kept | {"zoom": each})) for each in ZOOMS],
        zoom=zoom,
        summary=summary(drawn, yes, no, words),
        ways=(yes, no),
        says={fact["fact"]: fact["says"] for fact in drawn["facts"]},
        shown=shown,
        rule_href=_rule_href,
        back=PAGE + (f"?version={quote(kept['version'])}" if kept["version"] else ""),
    )


async def _or_not_found(answer: Any) -> Any:
    try:
        return await answer
    except Rejected as error:
        if error.status in (404, 422):
            raise NotFound from error
        raise


def _marks(told: Mapping[str, Any]) -> Mapping[str, dict[Any, str]]:
    """How tests and branches are marked: `on` the way of the situation, or still `open` behind a missing fact."""
    tests: dict[Any, str] = {}
    branches: dict[Any, str] = {}
    ends: dict[Any, str] = {}
    for mark, steps in (("open", told["open"]), ("on", told["steps"])):
        for step in steps:
            tests[step["number"]] = mark
            branches[step["number"], step["to"]] = mark
            if isinstance(step["to"], bool):
                ends[step["to"]] = mark
    return {"tests": tests, "branches": branches, "ends": ends}


def _nearest(
    each: Mapping[str, Any],
    here: str,
    names: Mapping[str, str],
    facts: Mapping[str, bool | str],
    kept: Mapping[str, str],
) -> Nearest:
    changes: Sequence[Mapping[str, Any]] = each["changes"]
    return Nearest(
        [_change(change) for change in changes],
        address(here, names, {**facts, **{change["fact"]: change["to"] for change in changes}}, kept),
    )


def _rule_href(rule: Mapping[str, Any]) -> str:
    return f"/review/files/{quote(rule['file'])}#L{rule['line']}"


def _change(change: Mapping[str, Any]) -> str:
    known = {"fact": change["fact"], "to": shown(change["to"]), "who": _(_CONTROLLED[change["controlled_by"]])}
    if change["from"] is None:
        return _("%(fact)s = %(to)s (not set now; decided by %(who)s)", **known)
    return _("%(fact)s = %(to)s (%(before)s now; decided by %(who)s)", before=shown(change["from"]), **known)


_MAY = Guard("view", "policy")
ROUTES = (
    Route(PAGE, diagrams_page, guard=_MAY),
    Route(f"{PAGE}/{{subject_type}}/{{action}}/{{resource_type}}", diagram_page, guard=_MAY),
)
