"""The practice's settings and switches: the ceiling for everyone (rows W10, Y7; conflicts c5, c11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.switches import Problem, boxes, conflict_problems, read_switches, said_of, states
from gateway.edge.errors import Rejected, Stale
from gateway.edge.questions import may
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from models.vocabulary import PlanAudience

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.admin.switches import SentSwitches

_AUDIENCES = {
    PlanAudience.NOBODY: N_("Nobody in the portal"),
    PlanAudience.CLIENT_ONLY: N_("Only the client"),
    PlanAudience.CLIENT_AND_GUARDIANS: N_("The client and guardians"),
}
_FLAGS = {
    "contacts_allowed": (
        N_("Portal access for contacts"),
        N_("Off: only clients themselves have a portal; all others have none."),
    ),
    "card_processing": (N_("Card payments"), N_("Off: nobody can pay an invoice in the portal.")),
}
_LABELS = {"plan_audience": N_("Who may read service plans")} | {
    name: label for name, (label, _about) in _FLAGS.items()
}

Settings = dict[str, str | bool]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class AudienceField:
    """Who may read service plans."""

    value: str
    seen: str
    choices: tuple[Choice, ...]
    conflict: str | None


@dataclass(frozen=True, slots=True)
class FlagField:
    """A setting that is on or off."""

    name: str
    label: str
    about: str
    on: bool
    seen: bool
    conflict: str | None


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """The settings to show."""

    plan_audience: AudienceField
    flags: tuple[FlagField, ...]


@dataclass(frozen=True, slots=True)
class SentSettings:
    """What the form says: the settings as chosen, and as they were when the page was read."""

    chosen: Settings
    seen: Settings

    def changes(self) -> Settings:
        """The settings that the reader changed."""
        return {name: value for name, value in self.chosen.items() if self.seen[name] != value}

    def conflicts(self, stored: Settings) -> list[str]:
        """The settings that somebody else changed after the page was read."""
        return [name for name, value in stored.items() if self.seen[name] != value]


async def practice_page(request: Request) -> Response:
    """The practice's settings and switches."""
    return await _show(request)


async def save_settings(request: Request) -> Response:
    """Change the settings that the reader changed, unless somebody else changed one of them first."""
    reader, authz = request.state.reader, request.app.state.authz
    sent = _read(await request.form())
    practice = await authz.practice(reader.practice_id)
    stored = _stored(practice)
    changes = sent.changes()
    if conflicts := sent.conflicts(stored):
        return await _show(request, settings=sent, problems=_problems(conflicts, stored), status=409)
    if changes:
        try:
            await authz.update_practice(reader.practice_id, changes, etag=practice.get("etag"), actor=reader.actor)
        except Stale:
            fresh = _stored(await authz.practice(reader.practice_id))
            return await _show(request, settings=sent, problems=_problems(sent.conflicts(fresh), fresh), status=409)
        except Rejected as error:
            return await _show(request, settings=sent, problems=[Problem(error.field, error.detail)], status=422)
    said = "; ".join(f"{_(_LABELS[name])}: {_written(name, value)}" for name, value in changes.items())
    await say(request, _("Saved. %(what)s.", what=said) if said else _("Nothing was changed."))
    return see_other("/admin/practice")


async def save_practice_switches(request: Request) -> Response:
    """Turn the switches that the reader turned, unless somebody else turned one of them first."""
    reader, authz = request.state.reader, request.app.state.authz
    sent = read_switches(await request.form())
    practice = await authz.practice(reader.practice_id)
    stored = states(practice["switches"])
    if sent.conflicts(stored):
        return await _show(request, switches=sent, problems=conflict_problems(sent, stored), status=409)
    changes = sent.changes()
    for feature, on in changes.items():
        try:
            await authz.set_practice_switch(reader.practice_id, feature.value, on=on, actor=reader.actor)
        except Rejected as error:
            return await _show(request, switches=sent, problems=[Problem(feature.value, error.detail)], status=422)
    await say(request, said_of(changes, _("the whole practice")))
    return see_other("/admin/practice")


async def _show(
    request: Request,
    *,
    settings: SentSettings | None = None,
    switches: SentSwitches | None = None,
    problems: Sequence[Problem] = (),
    status: int = 200,
) -> Response:
    practice = await request.app.state.authz.practice(request.state.reader.practice_id)
    sees_switches, may_switch, may_save = await may(
        request, [("view", "switch", {}), ("update", "switch", {}), ("update", "practice", {})]
    )
    return await page(
        request,
        "admin/practice.html",
        status=status,
        problems=problems,
        problems_title=_("Somebody else saved first") if status == 409 else _("This was not saved"),
        settings=_form(_stored(practice), settings),
        may_save=may_save,
        switches=boxes(states(practice["switches"]), sent=switches) if sees_switches else None,
        switches_action="/admin/practice/switches",
        may_switch=may_switch,
    )


def _read(form: FormData) -> SentSettings:
    seen = dict(str(value).partition("=")[::2] for value in form.getlist("seen"))
    audience = str(form.get("plan_audience", ""))
    return SentSettings(
        chosen={"plan_audience": audience} | {name: form.get(name) == "on" for name in _FLAGS},
        seen={"plan_audience": seen.get("plan_audience", audience)} | {name: seen.get(name) == "on" for name in _FLAGS},
    )


def _stored(practice: Mapping[str, Any]) -> Settings:
    return {"plan_audience": str(practice["plan_audience"])} | {name: bool(practice[name]) for name in _FLAGS}


def _form(stored: Settings, sent: SentSettings | None) -> SettingsForm:
    shown = {**stored, **sent.changes()} if sent else stored
    conflicts = sent.conflicts(stored) if sent else []

    def conflict(name: str) -> str | None:
        if name not in conflicts:
            return None
        return _("Somebody else changed this to: %(value)s.", value=_written(name, stored[name]))

    return SettingsForm(
        plan_audience=AudienceField(
            value=str(shown["plan_audience"]),
            seen=str(stored["plan_audience"]),
            choices=tuple(Choice(audience.value, _(label)) for audience, label in _AUDIENCES.items()),
            conflict=conflict("plan_audience"),
        ),
        flags=tuple(
            FlagField(name, _(label), _(about), bool(shown[name]), bool(stored[name]), conflict(name))
            for name, (label, about) in _FLAGS.items()
        ),
    )


def _problems(names: Sequence[str], stored: Settings) -> list[Problem]:
    return [
        Problem(
            name,
            _(
                "%(setting)s is now: %(value)s. Your choices are kept below.",
                setting=_(_LABELS[name]),
                value=_written(name, stored[name]),
            ),
        )
        for name in names
    ] or [Problem(None, _("Somebody else changed the settings. Look at them again, then save."))]


def _written(name: str, value: str | bool) -> str:
    if name == "plan_audience":
        return next((_(label) for audience, label in _AUDIENCES.items() if audience.value == value), str(value))
    return _("on") if value else _("off")
