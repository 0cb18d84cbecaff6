"""A representative's toggles for one client (rows M6, M7, W19, W24)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.admin.effects import effects
from gateway.admin.grant_places import grant_places
from gateway.admin.invitations import access_of
from gateway.admin.people import describe, names_known
from gateway.admin.switches import BoxState, Problem, boxes, conflict_problems, read_switches, said_of, states
from gateway.edge.errors import Rejected, Stale
from gateway.edge.questions import may
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.words import Badge
from models.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.effects import Effect
    from gateway.admin.people import NetworkPerson
    from gateway.admin.switches import SentSwitches
    from models.vocabulary import Feature


async def grant_page(request: Request) -> Response:
    """The toggles of one person for one client."""
    return await _show(request, request.state.item)


async def save_toggles(request: Request) -> Response:
    """Turn the toggles that the reader turned, unless the grant was changed since the page was read."""
    grant, reader = request.state.item, request.state.reader
    form = await request.form()
    sent = read_switches(form)
    changes = sent.changes()
    person = await _person(request, grant)
    if changes:
        patch = {"toggles": {feature.value: on for feature, on in changes.items()}}
        authz = request.app.state.authz
        try:
            await authz.update_grant(grant["id"], patch, etag=str(form.get("etag", "")), actor=reader.actor)
        except Stale:
            fresh = await authz.grant(grant["id"])
            problems = conflict_problems(sent, states(fresh["toggles"])) or [
                Problem(None, _("Somebody else changed this person's access. Look at it again, then save."))
            ]
            title = N_("Somebody else saved first")
            return await _show(request, fresh, sent=sent, problems=problems, problems_title=title, status=409)
        except Rejected as error:
            return await _show(request, grant, sent=sent, problems=[Problem(error.field, error.detail)], status=422)
    await say(request, said_of(changes, person.name))
    return see_other(f"/admin/clients/{request.state.client.id}/grants/{grant['id']}")


async def _show(
    request: Request,
    grant: Mapping[str, Any],
    *,
    sent: SentSwitches | None = None,
    problems: Sequence[Problem] = (),
    problems_title: str = N_("This was not saved"),
    status: int = 200,
) -> Response:
    person, stored = await _person(request, grant), states(grant["toggles"])
    found = await effects(
        request.app.state.authz,
        grant["account_id"],
        request.state.client.id,
        Kind(grant["kind"]),
        person.first,
    )
    (may_save,) = await may(request, [("update", "grant", {})])
    return await page(
        request,
        "admin/grant.html",
        status=status,
        problems=problems,
        problems_title=_(problems_title),
        person=person,
        etag=grant["etag"],
        switches=boxes(stored, beside=_beside(stored, found), sent=sent),
        may_save=may_save,
        access=await access_of(request, grant),
        places=await grant_places(request, grant),
    )


async def _person(request: Request, grant: Mapping[str, Any]) -> NetworkPerson:
    return describe(grant, (await names_known(request, [grant]))[grant["id"]])


def _beside(stored: Mapping[Feature, bool], found: Mapping[Feature, Effect]) -> dict[Feature, BoxState]:
    """Beside each toggle what the person really has, or the level that says no."""
    return {feature: _state(found[feature], stored=on) for feature, on in stored.items()}


def _state(effect: Effect, *, stored: bool) -> BoxState:
    if effect.has:
        return BoxState(Badge(_("Has it") if stored else _("Has it another way"), "good"))
    return BoxState(Badge(effect.level, "warn" if stored else ""), effect.reason)
