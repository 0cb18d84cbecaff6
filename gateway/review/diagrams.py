"""Every question of the policy, and one drawn as its diagram with a control for each fact."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.edge.answers import read_mappings
from gateway.edge.authz_diagrams import Asked
from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.review.diagram_form import ZOOM, ZOOMS, address, controls_of, names_of, read_choice
from gateway.review.diagram_layout import lay_out, shown
from gateway.review.diagram_words import end_words, many, summary, ways_to
from gateway.review.reading import DIAGRAMS, told, version_asked, version_of
from gateway.web.language import N_, _
from gateway.web.pages import page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

_BECAUSE = {
    "permitted": N_("A permit holds, and no forbid does."),
    "forbidden": N_("A forbid holds."),
    "not_permitted": N_("No permit holds. These come nearest:"),
    "unknown": N_("The answer depends on facts that are not set. Until they are, it is no."),
    "error": N_("There is no such situation, and whatever is none is denied."),
}
_CONTROLLED = {
    "platform": N_("decided by the platform"),
    "practice": N_("decided by the practice"),
    "client": N_("decided by the client's settings"),
    "grant": N_("decided by this person's access"),
    "item": N_("decided by the item"),
    "person": N_("decided by the person"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that would be otherwise, and in a note what it is now and who decides it."""

    fact: str
    to: str
    note: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """A situation that is answered otherwise, and the page that shows it."""

    changes: list[Change]
    href: str


async def diagrams_page(request: Request) -> Response:
    """Every question; narrowed by subject, action and type."""
    query = request.query_params
    answer = await told(request.app.state.authz.diagrams(version_asked(request), actor=request.state.reader.actor))
    version, listed = version_of(answer), read_mappings(answer.get("diagrams"))
    keys = ("subject_type", "action", "resource_type")
    wanted = {key: query.get(key, "") for key in keys}
    rows = [each for each in listed if all(value in ("", each[key]) for key, value in wanted.items())]
    return await page(
        request,
        "review/diagrams.html",
        rows=rows,
        total=len(listed),
        wanted=wanted,
        choices={key: sorted({each[key] for each in listed}) for key in keys},
        labels={"subject_type": _("Who asks"), "action": _("Action"), "resource_type": _("What it is about")},
        version=version,
        many=many,
    )


async def diagram_page(request: Request) -> Response:
    """One question drawn; with a situation in the address, its answer and its way."""
    path, query = request.path_params, request.query_params
    asked = Asked(version_asked(request), path["subject_type"], path["action"], path["resource_type"])
    authz, actor = request.app.state.authz, request.state.reader.actor
    part = query.get("part") or "decision"
    drawn = await _drawn(authz.diagram(asked, part, actor=actor))
    version = version_of(drawn)
    choice = read_choice(query, drawn["facts"])
    found = await _drawn(authz.follow(asked, part, choice.facts, actor=actor))
    words, because = end_words(part), _BECAUSE[found["because"]]
    yes, no = (ways_to(drawn, answer, words) for answer in (True, False))
    zoom = query.get("zoom", ZOOM) if query.get("zoom") in ZOOMS else ZOOM
    kept = {
        "part": "" if part == "decision" else part,
        "zoom": "" if zoom == ZOOM else zoom,
        "version": "" if version.serves else version.digest,
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
        # A large one takes part of a second, for which nobody else is to wait.
        drawing=await asyncio.to_thread(lay_out, drawn["tests"], drawn["root"]),
        marks=_marks(found if choice.facts else {"steps": (), "open": ()}),  # All is open before anything is set.
        told=found,
        version=version,
        because=_(because),
        nearest=[_nearest(each, here, names, choice.facts, kept) for each in found["nearest"]],
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
        back=version.link(DIAGRAMS),
    )


async def _drawn(answer: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """The same as `told`, where a part that the question lacks is no page either."""
    try:
        return await told(answer)
    except Rejected as error:
        if error.status == 422:
            raise NotFound from error
        raise


def _marks(found: Mapping[str, Any]) -> Mapping[str, dict[Any, str]]:
    """How tests and branches are marked: `on` the way of the situation, or still `open` behind a missing fact."""
    tests: dict[Any, str] = {}
    branches: dict[Any, str] = {}
    ends: dict[Any, str] = {}
    for mark, steps in (("open", found["open"]), ("on", found["steps"])):
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


def _change(change: Mapping[str, Any]) -> Change:
    who = _CONTROLLED[change["controlled_by"]]
    before = _("not set now") if change["from"] is None else _("%(value)s now", value=shown(change["from"]))
    return Change(change["fact"], shown(change["to"]), f"{before}; {_(who)}")


_MAY = Guard("view", "policy")
ROUTES = (
    Route(DIAGRAMS, diagrams_page, guard=_MAY),
    Route(f"{DIAGRAMS}/{{subject_type}}/{{action}}/{{resource_type}}", diagram_page, guard=_MAY),
)
