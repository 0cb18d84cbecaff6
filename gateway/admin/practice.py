"""The practice's settings and switches: the ceiling for everyone (rows W10, Y7; conflicts c5, c11).

What a change would do is shown, and counted, before it is saved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.admin.foreseen import foresee
from gateway.admin.settings_form import (
    in_words,
    read_settings,
    settings_form,
    settings_problems,
    stored_settings,
)
from gateway.admin.staff import second_factors
from gateway.admin.switches import Problem, boxes, conflict_problems, read_switches, said_of, states, turned
from gateway.edge.errors import Rejected, Stale
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.web.language import _
from gateway.web.pages import page, say, see_other

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.settings_form import SentSettings
    from gateway.admin.switches import SentSwitches

PAGE = "/admin/practice"


async def practice_page(request: Request) -> Response:
    """The practice's settings and switches."""
    return await _show(request)


async def preview_settings(request: Request) -> Response:
    """What the settings that the reader changed would do."""
    practice = await _practice(request)
    stored = stored_settings(practice)
    sent = read_settings(await request.form(), stored)
    if problems := sent.problems():
        return await _show(request, settings=sent, problems=problems, status=422)
    if sent.conflicts(stored):
        return await _show(request, settings=sent, problems=settings_problems(sent, stored), status=409)
    changes, supposed = sent.changes(), sent.supposed()
    if not changes:
        await say(request, _("Nothing was changed."))
        return see_other(PAGE)
    return await page(
        request,
        "admin/switch_preview.html",
        title=_("Practice settings"),
        turned=in_words(changes),
        notes=await _notes(request, changes),
        foreseen=await foresee(request, [{"practice": supposed}]) if supposed else None,
        action=PAGE,
        back=PAGE,
        kept=sent.fields(),
    )


async def save_settings(request: Request) -> Response:
    """Change the settings that the reader changed, unless somebody else changed one of them first."""
    reader, authz = request.state.reader, request.app.state.authz
    practice = await _practice(request)
    stored = stored_settings(practice)
    sent = read_settings(await request.form(), stored)
    if problems := sent.problems():
        return await _show(request, settings=sent, problems=problems, status=422)
    if sent.conflicts(stored):
        return await _show(request, settings=sent, problems=settings_problems(sent, stored), status=409)
    changes = sent.changes()
    if changes:
        try:
            await authz.update_practice(reader.practice_id, changes, etag=practice.get("etag"), actor=reader.actor)
        except Stale:
            fresh = stored_settings(await _practice(request))
            return await _show(request, settings=sent, problems=settings_problems(sent, fresh), status=409)
        except Rejected as error:
            return await _show(request, settings=sent, problems=[Problem(error.field, error.detail)], status=422)
    await say(request, _("Saved. %(what)s.", what=in_words(changes)) if changes else _("Nothing was changed."))
    return see_other(PAGE)


async def preview_switches(request: Request) -> Response:
    """What the switches that the reader turned would do."""
    sent = read_switches(await request.form())
    stored = states((await _practice(request))["switches"])
    if sent.conflicts(stored):
        return await _show(request, switches=sent, problems=conflict_problems(sent, stored), status=409)
    changes = sent.changes()
    if not changes:
        await say(request, _("Nothing was changed."))
        return see_other(PAGE)
    supposed = {"practice": {"switches": {feature.value: on for feature, on in changes.items()}}}
    return await page(
        request,
        "admin/switch_preview.html",
        title=_("Practice settings"),
        turned=turned(changes, _("the whole practice")),
        foreseen=await foresee(request, [supposed]),
        action=f"{PAGE}/switches",
        back=PAGE,
        kept=sent.fields(),
    )


async def save_switches(request: Request) -> Response:
    """Turn the switches that the reader turned, together, unless somebody else turned one of them first."""
    reader, authz = request.state.reader, request.app.state.authz
    sent = read_switches(await request.form())
    practice = await _practice(request)
    stored = states(practice["switches"])
    if sent.conflicts(stored):
        return await _show(request, switches=sent, problems=conflict_problems(sent, stored), status=409)
    changes = sent.changes()
    if changes:
        wanted, etag = {feature.value: on for feature, on in changes.items()}, practice["switches_etag"]
        try:
            await authz.update_practice_switches(reader.practice_id, wanted, etag=etag, actor=reader.actor)
        except Stale:
            fresh = states((await _practice(request))["switches"])
            return await _show(request, switches=sent, problems=conflict_problems(sent, fresh), status=409)
        except Rejected as error:
            return await _show(request, switches=sent, problems=[Problem(error.field, error.detail)], status=422)
    await say(request, said_of(changes, _("the whole practice")))
    return see_other(PAGE)


async def _practice(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = await request.app.state.authz.practice(request.state.reader.practice_id)
    return found


async def _notes(request: Request, changes: dict[str, Any]) -> list[str]:
    """What to know of settings about signing in."""
    notes = []
    if changes.get("second_factor"):
        notes.append(_("Families are led to set up a second factor when they sign in next; nothing is lost."))
    if changes.get("staff_second_factor"):
        missing = await second_factors(request)
        told = _("Without a second factor yet: %(names)s.", names=", ".join(missing)) if missing else ""
        notes.append(_("Staff are led to set up a second factor when they sign in next.") + f" {told}".rstrip())
    return notes


async def _show(
    request: Request,
    *,
    settings: SentSettings | None = None,
    switches: SentSwitches | None = None,
    problems: Sequence[Problem] = (),
    status: int = 200,
) -> Response:
    practice = await _practice(request)
    sees_switches, may_switch, may_save = await may(
        request, [("view", "switch", {}), ("update", "switch", {}), ("update", "practice", {})]
    )
    forced = ("staff_second_factor",) if request.app.state.settings.profile == "production" else ()
    return await page(
        request,
        "admin/practice.html",
        status=status,
        problems=problems,
        problems_title=_("Somebody else saved first") if status == 409 else _("This was not saved"),
        settings=settings_form(stored_settings(practice), settings, forced),
        without_factor=await second_factors(request),
        may_save=may_save,
        switches=boxes(states(practice["switches"]), sent=switches) if sees_switches else None,
        switches_action=f"{PAGE}/switches",
        may_switch=may_switch,
    )


ROUTES = (
    Route(PAGE, practice_page, guard=Guard("view", "practice")),
    Route(PAGE, save_settings, guard=Guard("update", "practice"), methods=("POST",)),
    Route(f"{PAGE}/preview", preview_settings, guard=Guard("update", "practice"), methods=("POST",)),
    Route(f"{PAGE}/switches", save_switches, guard=Guard("update", "switch"), methods=("POST",)),
    Route(f"{PAGE}/switches/preview", preview_switches, guard=Guard("update", "switch"), methods=("POST",)),
)
