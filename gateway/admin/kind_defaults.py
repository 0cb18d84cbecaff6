"""With what new access of each kind begins at the practice (conflict c4; `portals.md` b3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.switches import Problem, listed
from gateway.edge.errors import NotFound, Rejected, Stale
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from gateway.web.words import FEATURES, KINDS
from models.vocabulary import Feature, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

PAGE = "/admin/practice/kinds"
_CHOICES = {"usual": None, "on": True, "off": False}


@dataclass(frozen=True, slots=True)
class DefaultField:
    """One feature of a kind: the choice, what is usual, and whether the kind can have it at all."""

    feature: str
    label: str
    about: str
    usual: str
    choice: str
    seen: str
    can: bool
    conflict: str | None


async def kinds_page(request: Request) -> Response:
    """Every kind, with what the practice changed."""
    kinds = await request.app.state.authz.kind_defaults(request.state.reader.practice_id)
    rows = [
        (f"{PAGE}/{one['kind']}", _(KINDS[Kind(one["kind"])]), _begins_with(one), len(one["chosen"])) for one in kinds
    ]
    return await page(request, "admin/practice_kinds.html", rows=rows)


async def kind_page(request: Request) -> Response:
    """One kind."""
    return await _show(request, await _kind(request))


async def save_kind(request: Request) -> Response:
    """Keep what the reader changed, unless somebody else changed one of them first."""
    reader, found, form = request.state.reader, await _kind(request), await request.form()
    stored = _choices(found)
    seen = dict(str(value).partition("=")[::2] for value in form.getlist("seen"))
    sent = {name: str(form.get(name, was)) for name, was in stored.items()}
    changed = {name: value for name, value in sent.items() if value in _CHOICES and value != seen.get(name, value)}
    if any(seen.get(name, was) != was for name, was in stored.items()):
        return await _show(request, found, changed=changed, seen=seen)
    if changed:
        toggles = {name: _CHOICES[value] for name, value in changed.items()}
        try:
            await request.app.state.authz.update_kind_defaults(
                reader.practice_id, found["kind"], toggles, etag=found["etag"], actor=reader.actor
            )
        except Stale:
            return await _show(request, await _kind(request), changed=changed, seen=seen)
        except Rejected as error:
            return await _show(request, found, changed=changed, problems=[Problem(error.field, error.detail)])
    kind = _(KINDS[Kind(found["kind"])])
    said = _("Saved. New access of the kind “%(kind)s” begins like this from now on.", kind=kind)
    await say(request, said if changed else _("Nothing was changed."))
    return see_other(PAGE)


async def _kind(request: Request) -> dict[str, Any]:
    kinds = await request.app.state.authz.kind_defaults(request.state.reader.practice_id)
    found = next((one for one in kinds if one["kind"] == request.path_params["kind"]), None)
    if found is None:
        raise NotFound
    return dict(found)


async def _show(
    request: Request,
    found: Mapping[str, Any],
    *,
    changed: Mapping[str, str] | None = None,
    seen: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
) -> Response:
    stored = _choices(found)
    moved = {name for name, was in stored.items() if seen is not None and seen.get(name, was) != was}
    merged = [
        Problem(
            name,
            _(
                "%(feature)s is now: %(state)s. Your choices are kept below.",
                feature=_(FEATURES[Feature(name)].label),
                state=_said(stored[name]),
            ),
        )
        for name in stored
        if name in moved
    ]
    if seen is not None and not merged:
        merged = [Problem(None, _("Somebody else changed this. Look at it again, then save."))]
    (may_save,) = await may(request, [("update", "practice", {})])
    return await page(
        request,
        "admin/practice_kind.html",
        status=409 if merged else 422 if problems else 200,
        problems=[*problems, *merged],
        problems_title=_("Somebody else saved first") if merged else _("This was not saved"),
        kind=found["kind"],
        kind_name=_(KINDS[Kind(found["kind"])]),
        fields=[_field(found, feature, {**stored, **(changed or {})}, moved) for feature in FEATURES],
        may_save=may_save,
    )


def _field(found: Mapping[str, Any], feature: Feature, shown: Mapping[str, str], moved: set[str]) -> DefaultField:
    stored, words = _choices(found)[feature.value], FEATURES[feature]
    return DefaultField(
        feature=feature.value,
        label=_(words.label),
        about=_(words.about),
        usual=_usual(found, feature),
        choice=shown[feature.value],
        seen=stored,
        can=feature.value in found["may"],
        conflict=_("Somebody else changed this to: %(value)s.", value=_said(stored))
        if feature.value in moved
        else None,
    )


def _usual(found: Mapping[str, Any], feature: Feature) -> str:
    """On or off, and for whom it differs."""
    state, name = _on_off(found["usual"][feature.value]), feature.value
    if found["usual_child"][name] != found["usual_teen"][name]:
        return _("%(state)s; for children: %(child)s", state=state, child=_on_off(found["usual_child"][name]))
    if found["usual_child"][name] != found["usual"][name]:
        return _("%(state)s; for children and teens: %(child)s", state=state, child=_on_off(found["usual_child"][name]))
    return state


def _choices(found: Mapping[str, Any]) -> dict[str, str]:
    chosen = found["chosen"]
    return {
        feature.value: "usual" if feature.value not in chosen else "on" if chosen[feature.value] else "off"
        for feature in FEATURES
    }


def _begins_with(found: Mapping[str, Any]) -> str:
    on = {**found["usual"], **found["chosen"]}
    names = [_(words.label) for feature, words in FEATURES.items() if on[feature.value]]
    return listed(names) if names else _("Nothing")


def _on_off(on: object) -> str:
    return _("on") if on else _("off")


def _said(choice: str) -> str:
    return _("as usual") if choice == "usual" else _on_off(choice == "on")


ROUTES = (
    Route(PAGE, kinds_page, guard=Guard("view", "practice")),
    Route(f"{PAGE}/{{kind}}", kind_page, guard=Guard("view", "practice")),
    Route(f"{PAGE}/{{kind}}", save_kind, guard=Guard("update", "practice"), methods=("POST",)),
)
