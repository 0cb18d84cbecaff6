"""The practice's settings as a form: read, compared with what is stored, and written in words (conflict c5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.switches import Problem
from gateway.web.formats import count
from gateway.web.language import N_, _
from models.numbers import whole
from models.vocabulary import PlanAudience

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.datastructures import FormData

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
    "second_factor": (
        N_("Second factor for families"),
        N_("On: besides the password, families need a code of an app or a passkey."),
    ),
    "staff_second_factor": (
        N_("Second factor for staff"),
        N_("On: besides the password, staff need a code of an app or a passkey."),
    ),
}
_HOURS = N_("Notice for cancelling and moving, in hours")
HOURS_MAX = 720
_LABELS = {"plan_audience": N_("Who may read service plans"), "notice_hours": _HOURS} | {
    name: label for name, (label, _about) in _FLAGS.items()
}
# How somebody signs in is no part of what-if: nobody loses anything who does as they are asked.
_OF_SIGNING_IN = frozenset({"second_factor", "staff_second_factor"})

Settings = dict[str, str | bool]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class ValueField:
    """A setting that is chosen or typed."""

    value: str
    seen: str
    conflict: str | None
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagField:
    """A setting that is on or off; one that is `forced` is on whatever the practice says."""

    name: str
    label: str
    about: str
    on: bool
    seen: bool
    conflict: str | None
    forced: bool


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """The settings to show."""

    plan_audience: ValueField
    notice_hours: ValueField
    flags: tuple[FlagField, ...]


@dataclass(frozen=True, slots=True)
class SentSettings:
    """What the form says: the settings as chosen, and as they were when the page was read."""

    chosen: Settings
    seen: Settings

    def changed(self) -> list[str]:
        """The names of the settings that the reader changed."""
        return [name for name, value in self.chosen.items() if self.seen[name] != value]

    def changes(self) -> dict[str, Any]:
        """Those settings, as the service takes them; only without `problems`."""
        return {
            name: int(self.chosen[name]) if name == "notice_hours" else self.chosen[name] for name in self.changed()
        }

    def supposed(self) -> dict[str, Any]:
        """Those of which a what-if question can say whom they reach."""
        return {name: value for name, value in self.changes().items() if name not in _OF_SIGNING_IN}

    def conflicts(self, stored: Settings) -> list[str]:
        """The settings that somebody else changed after the page was read."""
        return [name for name, value in stored.items() if self.seen[name] != value]

    def problems(self) -> list[Problem]:
        """What cannot be saved."""
        hours = str(self.chosen["notice_hours"])
        if (typed := whole(hours)) is not None and typed <= HOURS_MAX:
            return []
        told = _("%(setting)s: type a whole number from 0 to %(most)s.", setting=_(_HOURS), most=HOURS_MAX)
        return [Problem("notice_hours", told)]

    def fields(self) -> list[tuple[str, str]]:
        """The same as hidden fields of a page between."""
        texts = [(name, str(self.chosen[name])) for name in ("plan_audience", "notice_hours")]
        ticked = [(name, "on") for name in _FLAGS if self.chosen[name] is True]
        return [*texts, *ticked, *(("seen", f"{name}={_plain(value)}") for name, value in self.seen.items())]


def read_settings(form: FormData, stored: Settings) -> SentSettings:
    """The settings of a form; one that it does not name is as stored."""
    seen = dict(str(value).partition("=")[::2] for value in form.getlist("seen"))
    chosen: Settings = {}
    was: Settings = {}
    for name, value in stored.items():
        if name not in seen:
            chosen[name] = was[name] = value
        elif name in _FLAGS:
            chosen[name], was[name] = form.get(name) == "on", seen[name] == "on"
        else:
            chosen[name], was[name] = str(form.get(name, "")).strip(), seen[name]
    return SentSettings(chosen, was)


def stored_settings(practice: Mapping[str, Any]) -> Settings:
    """The settings as the service has them."""
    texts = {"plan_audience": str(practice["plan_audience"]), "notice_hours": str(practice["notice_hours"])}
    return {**texts, **{name: bool(practice[name]) for name in _FLAGS}}


def settings_form(stored: Settings, sent: SentSettings | None, forced: Iterable[str] = ()) -> SettingsForm:
    """The form to show: as stored, or as sent with what somebody else changed marked."""
    shown: Mapping[str, Any] = {**stored, **({name: sent.chosen[name] for name in sent.changed()} if sent else {})}
    conflicts = sent.conflicts(stored) if sent else []

    def conflict(name: str) -> str | None:
        if name not in conflicts:
            return None
        return _("Somebody else changed this to: %(value)s.", value=written(name, stored[name]))

    def field(name: str, choices: tuple[Choice, ...] = ()) -> ValueField:
        return ValueField(str(shown[name]), str(stored[name]), conflict(name), choices)

    return SettingsForm(
        plan_audience=field(
            "plan_audience", tuple(Choice(audience.value, _(label)) for audience, label in _AUDIENCES.items())
        ),
        notice_hours=field("notice_hours"),
        flags=tuple(
            FlagField(
                name=name,
                label=_(label),
                about=_(about),
                on=bool(shown[name]) or name in forced,
                seen=bool(stored[name]),
                conflict=conflict(name),
                forced=name in forced,
            )
            for name, (label, about) in _FLAGS.items()
        ),
    )


def settings_problems(sent: SentSettings, stored: Settings) -> Sequence[Problem]:
    """The lines of the error summary for what somebody else changed."""
    return [
        Problem(
            name,
            _(
                "%(setting)s is now: %(value)s. Your choices are kept below.",
                setting=_(_LABELS[name]),
                value=written(name, stored[name]),
            ),
        )
        for name in sent.conflicts(stored)
    ] or [Problem(None, _("Somebody else changed the settings. Look at them again, then save."))]


def in_words(changes: Mapping[str, Any]) -> str:
    """Each changed setting with its new value."""
    return "; ".join(f"{_(_LABELS[name])}: {written(name, value)}" for name, value in changes.items())


def written(name: str, value: str | bool | int) -> str:
    """A value as the page shows it."""
    if name == "plan_audience":
        return next((_(label) for audience, label in _AUDIENCES.items() if audience.value == value), str(value))
    if name == "notice_hours":
        return count(int(value), "hour", "hours")
    return _("on") if value else _("off")


def _plain(value: str | bool) -> str:
    return value if isinstance(value, str) else "on" if value else "off"
