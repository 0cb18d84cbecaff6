"""One version: what it is made of, what it changes, how it does beside what serves, and what it makes of the past."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gateway.admin.trail import REVIEW_PAGE
from gateway.edge.errors import CannotDecide, NotFound, Refused, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.edge.refusals import staff_refusal
from gateway.review.reading import FILES, PROOFS, Version
from gateway.review.reading import told as answer_of
from gateway.review.version_difference import SERVING, read_difference
from gateway.review.version_words import (
    PAGE,
    moment,
    question_words,
    read_shelf,
    rule_links,
    version_href,
)
from gateway.web.language import N_, _
from gateway.web.pages import page, part, say, see_other
from gateway.web.words import Badge
from models.vocabulary import LiveQuestion, VersionState, WouldBe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.review.version_words import VersionView

# Whoever gains something comes first.
_WOULD = {
    WouldBe.ALLOWED: (N_("Denied now, would be allowed"), N_("Would allow"), "warn"),
    WouldBe.MORE: (N_("Lists that would show more"), N_("Would show more"), "warn"),
    WouldBe.OTHER: (N_("Lists that would show some more and some less"), N_("Would show others"), "warn"),
    WouldBe.DENIED: (N_("Allowed now, would be denied"), N_("Would deny"), "info"),
    WouldBe.LESS: (N_("Lists that would show less"), N_("Would show less"), "info"),
}
_WAYS = {
    LiveQuestion.EVALUATION: N_("Single questions"),
    LiveQuestion.SEARCH: N_("Questions in searches"),
    LiveQuestion.PLAN: N_("Lists, each as a whole"),
}
PERIODS = {"day": timedelta(days=1), "week": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Example:
    """A live question that was answered otherwise: who, about which item, when, and where the trail has it."""

    subject: str
    resource: str
    when: str
    href: str


@dataclass(frozen=True, slots=True)
class Apart:
    """Live questions of one sort that were answered one way and would have been answered another."""

    title: str
    would: str
    badge: Badge
    count: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """The questions that were asked in one way; `told` is the API's `ShadowAsked`."""

    title: str
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shadow:
    """What the version made of the live questions; `told` is the API's `Shadow`."""

    since: str
    ways: tuple[Way, ...]
    apart: tuple[Apart, ...]
    told: Mapping[str, Any]


async def version_page(request: Request) -> Response:
    """The version."""
    shelf = await read_shelf(request)
    digest = request.path_params["version"]
    if digest == SERVING and shelf.serving is not None:
        return see_other(shelf.serving.href)
    view = shelf.find(digest)
    if view is None:
        raise NotFound
    authz, actor = request.app.state.authz, request.state.reader.actor
    told, shadow, difference, allowed = await asyncio.gather(
        answer_of(authz.version(digest, actor=actor)),
        answer_of(authz.shadow(digest, actor=actor)),
        _against_serving(request, view, shelf.serving),
        may(request, [("stage", "policy", {}), ("deploy", "policy", {}), ("run", "policy", {})]),
    )
    may_stage, may_deploy, may_run = allowed
    reads = Version(digest, serves=False)
    return await page(
        request,
        "review/version.html",
        view=view,
        href=view.href,
        shelf=shelf,
        proofs=reads.link(PROOFS),
        all_files=reads.link(FILES),
        files=[(each["name"], each["lines"], reads.file(each["name"])) for each in told["files"]],
        difference=difference,
        shadow=_shadow(request, shadow),
        deployments=[each for each in shelf.deployments if each.href == view.href],
        may_stage=may_stage,
        may_deploy=may_deploy and view.state in (VersionState.STAGED, VersionState.RETIRED),
        may_run=may_run and view.state != VersionState.SERVING,
    )


async def shadow_part(request: Request) -> Response:
    """The counts alone, for a script to put into the page."""
    digest = request.path_params["version"]
    told = await answer_of(request.app.state.authz.shadow(digest, actor=request.state.reader.actor))
    return await part(request, "review/version_shadow.html", shadow=_shadow(request, told), href=version_href(digest))


async def switch_shadow(request: Request) -> Response:
    """Let it be asked the live questions too, or no longer."""
    digest = request.path_params["version"]
    on = (await request.form()).get("on") == "true"
    try:
        await request.app.state.authz.switch_shadow(digest, on=on, actor=request.state.reader.actor)
    except Rejected as error:
        await _refuse(request, error)
    else:
        await say(request, _("It shadows from now on.") if on else _("It no longer shadows."))
    return see_other(f"{version_href(digest)}#shadow")


async def withdraw(request: Request) -> Response:
    """Take it back; it stays to be read."""
    digest = request.path_params["version"]
    try:
        await request.app.state.authz.withdraw_version(digest, actor=request.state.reader.actor)
    except Rejected as error:
        await _refuse(request, error)
    else:
        await say(request, _("It is withdrawn, and can still be read."))
    return see_other(version_href(digest))


async def replay(request: Request) -> Response:
    """What it would have answered to the decisions that were recorded of late."""
    digest = request.path_params["version"]
    shelf = await read_shelf(request)
    view = shelf.find(digest)
    if view is None:
        raise NotFound
    period = str((await request.form()).get("period"))
    until = request.app.state.clock()
    since = until - PERIODS.get(period, PERIODS["day"])
    try:
        told = await answer_of(request.app.state.authz.replay(digest, since, until, actor=request.state.reader.actor))
    except CannotDecide:
        await say(request, _("There were too many decisions to replay in the time a page has. Try a shorter period."))
        return see_other(f"{version_href(digest)}#replay")
    return await page(
        request,
        "review/version_replay.html",
        view=view,
        period=period if period in PERIODS else "day",
        told=told,
        since=moment(request, told["oldest"] or since.isoformat()),
        groups=[_group(group, digest, shelf.serving) for group in told["groups"]],
        reasons=sorted(told["reasons"].items(), key=lambda each: -each[1]),
        changed=[_changed(request, each) for each in told["changed"]],
    )


async def _against_serving(request: Request, view: VersionView, serving: VersionView | None) -> Any:
    """What it changes against what serves; None where it is what serves, False where that could not be worked out."""
    if serving is None or view.digest == serving.digest:
        return None
    return await read_difference(request, serving.digest, view.digest) or False


async def _refuse(request: Request, error: Rejected) -> None:
    if error.status == 403:
        raise Refused(staff_refusal()) from error
    if error.status == 404:
        raise NotFound from error
    await say(request, _("Nothing was changed: somebody else was first. This is how it stands now."))


def _shadow(request: Request, told: Mapping[str, Any]) -> Shadow:
    gains_first = list(_WOULD)
    apart = sorted(told["differences"], key=lambda each: (gains_first.index(each["would"]), -each["count"]))
    return Shadow(
        since=moment(request, told["since"]) if told["since"] else "",
        ways=tuple(_way(each) for each in told["asked"] if each["compared"] or each["not_compared"]),
        apart=tuple(_apart(request, each) for each in apart),
        told=told,
    )


def _way(told: Mapping[str, Any]) -> Way:
    label = _WAYS[told["asked"]]
    return Way(_(label), told)


def _apart(request: Request, told: Mapping[str, Any]) -> Apart:
    would, label, tone = _WOULD[told["would"]]
    return Apart(
        title=question_words(told["subject_type"], [told["action"]], told["resource_type"]),
        would=_(would),
        badge=Badge(_(label), tone),
        count=told["count"],
        examples=tuple(_example(request, example) for example in told["examples"]),
    )


def _example(request: Request, told: Mapping[str, Any]) -> Example:
    return Example(
        subject=told["subject"].removeprefix("account/"),
        resource=told["resource_id"] or _("the list"),
        when=moment(request, told["at"]),
        href=f"{REVIEW_PAGE}?request={quote(told['request_id'], safe='')}",
    )


def _group(told: Mapping[str, Any], digest: str, serving: VersionView | None) -> dict[str, Any]:
    old = serving.digest if serving else SERVING
    rules = told["rules"]
    return {
        "title": question_words(told["subject_type"], [told["action"]], told["resource_type"]),
        "now": told["now"],
        "count": told["count"],
        "before": rule_links(rules["before"], old),
        "after": rule_links(rules["after"], digest),
        "examples": [f"{REVIEW_PAGE}/entries/{quote(each, safe='')}" for each in told["examples"]],
    }


def _changed(request: Request, told: Mapping[str, Any]) -> dict[str, Any]:
    kind, _slash, name = told["subject"].partition("/")
    return {
        "title": question_words(kind, [told["action"]], told["resource_type"]),
        "who": name,
        "item": told["resource_id"] or _("the list"),
        "when": moment(request, told["at"]),
        "now": told["now"],
        "href": f"{REVIEW_PAGE}/entries/{quote(told['record_id'], safe='')}",
    }


ROUTES = (
    Route(f"{PAGE}/{{version}}", version_page, guard=Guard("view", "policy")),
    Route(f"{PAGE}/{{version}}/shadow", shadow_part, guard=Guard("view", "policy")),
    Route(f"{PAGE}/{{version}}/shadow", switch_shadow, guard=Guard("stage", "policy"), methods=("POST",)),
    Route(f"{PAGE}/{{version}}/withdraw", withdraw, guard=Guard("stage", "policy"), methods=("POST",)),
    Route(f"{PAGE}/{{version}}/replay", replay, guard=Guard("run", "policy"), methods=("POST",)),
)
