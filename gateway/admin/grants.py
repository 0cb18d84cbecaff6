"""A representative's toggles for one client (rows M6, M7, W19, W24)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.effects import effects
from gateway.admin.invitations import access_of
from gateway.admin.people import describe, names_known
from gateway.admin.switches import Problem, changed_meanwhile, conflict_problems, read_switches, said_of, states
from gateway.edge.errors import Rejected, Stale
from gateway.edge.questions import may
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.words import FEATURES
from models.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.effects import Effect
    from gateway.admin.people import NetworkPerson
    from gateway.admin.switches import SentSwitches
    from models.vocabulary import Feature


@dataclass(frozen=True, slots=True)
class ToggleBox:
    """A feature's box for one person: their own toggle (`stored`), what they really have, and what says no."""

    feature: str
    label: str
    about: str
    on: bool
    stored: bool
    effective: bool
    state: str
    reason: str
    conflict: str | None


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
    person = await _person(request, grant)
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
        toggles=_boxes(states(grant["toggles"]), found, sent),
        may_save=may_save,
        access=await access_of(request, grant),
    )


async def _person(request: Request, grant: Mapping[str, Any]) -> NetworkPerson:
    return describe(grant, (await names_known(request, [grant]))[grant["id"]])


def _boxes(
    stored: Mapping[Feature, bool], found: Mapping[Feature, Effect], sent: SentSwitches | None
) -> list[ToggleBox]:
    conflicts = sent.conflicts(stored) if sent else set()
    shown = sent.merged(stored) if sent else stored
    return [
        ToggleBox(
            feature=feature.value,
            label=_(words.label),
            about=_(words.about),
            on=shown[feature],
            stored=stored[feature],
            effective=found[feature].has,
            state=_state(found[feature], stored=stored[feature]),
            reason=found[feature].reason,
            conflict=changed_meanwhile(on=stored[feature]) if feature in conflicts else None,
        )
        for feature, words in FEATURES.items()
    ]


def _state(effect: Effect, *, stored: bool) -> str:
    if not effect.has:
        return effect.level
    return _("Has it") if stored else _("Has it another way")
