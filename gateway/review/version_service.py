"""Putting a version into service, and going back: what it changes and whom it touches, then a reason and a tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.edge.errors import CannotDecide, NotFound, Refused, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.refusals import staff_refusal
from gateway.review.version_difference import read_difference
from gateway.review.version_words import PAGE, SHORT, read_shelf, version_href
from gateway.web.language import _, ngettext
from gateway.web.pages import page, say, see_other
from models.vocabulary import VersionState

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.review.version_words import Shelf, VersionView

REASON_MAX = 500
ROLLBACK = f"{PAGE}/rollback"


async def deploy_page(request: Request) -> Response:
    """What it would change, and the form."""
    shelf, view = await _chosen(request)
    return await _page(request, shelf, view, {})


async def deploy(request: Request) -> Response:
    """Put it into service."""
    shelf, view = await _chosen(request)
    return await _put(request, shelf, view)


async def rollback_page(request: Request) -> Response:
    """What going back would change, and the form."""
    shelf = await read_shelf(request)
    if shelf.before is None:
        await say(request, _("Nothing served before, so there is nothing to go back to."))
        return see_other(PAGE)
    return await _page(request, shelf, shelf.before, {}, is_back=True)


async def roll_back(request: Request) -> Response:
    """Put what served before into service again."""
    shelf = await read_shelf(request)
    if shelf.before is None:
        raise NotFound
    return await _put(request, shelf, shelf.before, is_back=True)


async def _chosen(request: Request) -> tuple[Shelf, VersionView]:
    shelf = await read_shelf(request)
    view = shelf.find(request.path_params["version"])
    if view is None:
        raise NotFound
    return shelf, view


async def _put(request: Request, shelf: Shelf, view: VersionView, *, is_back: bool = False) -> Response:
    form = await request.form()
    typed = {name: str(form.get(name, "")).strip() for name in ("serving", "reason", "read")}
    problems = _problems(typed)
    if problems:
        return await _page(request, shelf, view, typed, problems, is_back=is_back)
    authz, actor = request.app.state.authz, request.state.reader.actor
    try:
        if is_back:
            done = await authz.roll_back(typed["serving"], typed["reason"], actor=actor)
        else:
            done = await authz.deploy_version(view.digest, typed["serving"], typed["reason"], actor=actor)
    except CannotDecide:
        await say(request, _("There was no answer in time. What serves stands below; look again in a moment."))
        return see_other(PAGE)
    except Rejected as error:
        return await _refused(request, error, view, typed, is_back=is_back)
    swapped, gone = done["processes"]["swapped"], done["processes"]["gone"]
    told = [
        _("%(version)s serves now.", version=done["digest"][:SHORT]),
        ngettext("%(num)s process took it over.", "%(num)s processes took it over.", swapped),
    ]
    if gone:
        told.append(
            ngettext(
                "%(num)s process gave no sign and denies everything.",
                "%(num)s processes gave no sign and deny everything.",
                gone,
            )
        )
    await say(request, " ".join(told))
    return see_other(PAGE)


def _problems(typed: dict[str, str]) -> list[dict[str, str]]:
    problems = []
    if not typed["reason"]:
        problems.append({"field": "reason", "sentence": _("Say why. It is recorded with your name.")})
    elif len(typed["reason"]) > REASON_MAX:
        problems.append({"field": "reason", "sentence": _("The reason has at most %(most)s letters.", most=REASON_MAX)})
    if not typed["read"]:
        problems.append({"field": "read", "sentence": _("Tick that you have read what it changes.")})
    return problems


async def _refused(
    request: Request, error: Rejected, view: VersionView, typed: dict[str, str], *, is_back: bool
) -> Response:
    if error.status == 403:
        raise Refused(staff_refusal()) from error
    if error.status == 404:
        raise NotFound from error
    shelf = await read_shelf(request)
    if error.status == 412:
        sentence = _("Another version came into service meanwhile, so nothing was done. Below is what it changes now.")
        if is_back and shelf.before is not None:
            view = shelf.before
    elif error.status == 409:
        sentence = _("It cannot be put into service as it stands now, so nothing was done.")
    else:
        sentence = error.detail
    problems = [{"field": "", "sentence": sentence}]
    shown = shelf.find(view.digest) or view
    return await _page(request, shelf, shown, typed | {"read": ""}, problems, status=409, is_back=is_back)


async def _page(
    request: Request,
    shelf: Shelf,
    view: VersionView,
    typed: dict[str, str],
    problems: list[dict[str, str]] | None = None,
    *,
    status: int = 422,
    is_back: bool = False,
) -> Response:
    serving = shelf.serving
    is_serving = serving is None or view.digest == serving.digest
    is_open = not is_serving and view.state in (VersionState.STAGED, VersionState.RETIRED)
    difference = await read_difference(request, serving.digest, view.digest) if serving and is_open else None
    return await page(
        request,
        "review/version_service.html",
        status=status if problems else 200,
        view=view,
        shelf=shelf,
        is_back=is_back,
        is_open=is_open,
        difference=difference,
        typed=typed,
        problems=problems or [],
        reason_max=REASON_MAX,
        action=ROLLBACK if is_back else f"{version_href(view.digest)}/deploy",
    )


_MAY = Guard("deploy", "policy")
ROUTES = (
    Route(ROLLBACK, rollback_page, guard=_MAY),
    Route(ROLLBACK, roll_back, guard=_MAY, methods=("POST",)),
    Route(f"{PAGE}/{{version}}/deploy", deploy_page, guard=_MAY),
    Route(f"{PAGE}/{{version}}/deploy", deploy, guard=_MAY, methods=("POST",)),
)
