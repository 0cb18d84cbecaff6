"""The features as boxes: reading them from a form, and finding what somebody else changed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.web.language import N_, _
from gateway.web.words import FEATURES, Badge
from models.vocabulary import Feature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.datastructures import FormData

OFF_FOR_PRACTICE = N_("Off for the whole practice")
_NOW_ON = N_("%(feature)s is now on. Your choices are kept below.")
_NOW_OFF = N_("%(feature)s is now off. Your choices are kept below.")
# What a save did, by the state now and whether it is one feature.
_SAID = {
    (True, True): N_("%(names)s is now on"),
    (True, False): N_("%(names)s are now on"),
    (False, True): N_("%(names)s is now off"),
    (False, False): N_("%(names)s are now off"),
}


_WILL = {
    (True, True): N_("%(names)s will be on"),
    (True, False): N_("%(names)s will all be on"),
    (False, True): N_("%(names)s will be off"),
    (False, False): N_("%(names)s will all be off"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of the error summary; `field` is the id of what it is about."""

    field: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class BoxState:
    """What stands beside a box: what really holds, or the level that says no; `reason` is why, in a sentence."""

    badge: Badge
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A feature's box, of the practice, a client or one person. `stored` is the state the page was read with."""

    feature: str
    label: str
    about: str
    on: bool
    stored: bool
    state: Badge | None
    conflict: str | None


@dataclass(frozen=True, slots=True)
class SentSwitches:
    """What a form says: the boxes as ticked, and as they were when the page was read."""

    ticked: Mapping[Feature, bool]
    seen: Mapping[Feature, bool]

    def changes(self) -> dict[Feature, bool]:
        """The boxes that the reader turned, of those that the page showed."""
        return {feature: self.ticked[feature] for feature, was in self.seen.items() if self.ticked[feature] is not was}

    def merged(self, stored: Mapping[Feature, bool]) -> dict[Feature, bool]:
        """The boxes to show again: as the reader turned them, the others as they are stored now."""
        return {**stored, **self.changes()}

    def fields(self) -> list[tuple[str, str]]:
        """The same as hidden fields of a page between."""
        ticked = [("on", feature.value) for feature, on in self.ticked.items() if on]
        return [*ticked, *(("seen", f"{feature}={'on' if was else 'off'}") for feature, was in self.seen.items())]

    def conflicts(self, stored: Mapping[Feature, bool]) -> set[Feature]:
        """The features that somebody else turned after the page was read."""
        return {feature for feature, on in stored.items() if feature in self.seen and self.seen[feature] is not on}


def read_switches(form: FormData) -> SentSwitches:
    """The boxes of a form; names that are no feature are left out."""
    names = {feature.value for feature in Feature}
    on = {str(value) for value in form.getlist("on")}
    seen = dict(str(value).partition("=")[::2] for value in form.getlist("seen"))
    return SentSwitches(
        ticked={feature: feature.value in on for feature in Feature},
        seen={Feature(name): state == "on" for name, state in seen.items() if name in names},
    )


def boxes(
    stored: Mapping[Feature, bool],
    *,
    beside: Mapping[Feature, BoxState] | None = None,
    sent: SentSwitches | None = None,
) -> list[Box]:
    """The boxes to show: as stored, or as sent with what somebody else changed marked."""
    conflicts = sent.conflicts(stored) if sent else set()
    shown, found = sent.merged(stored) if sent else stored, beside or {}
    return [
        Box(
            feature=feature.value,
            label=_(words.label),
            about=(feature in found and found[feature].reason) or _(words.about),
            on=shown[feature],
            stored=stored[feature],
            state=found[feature].badge if feature in found else None,
            conflict=changed_meanwhile(on=stored[feature]) if feature in conflicts else None,
        )
        for feature, words in FEATURES.items()
    ]


def below_practice(practice: Mapping[Feature, bool]) -> dict[Feature, BoxState]:
    """What stands beside a client's boxes: the features that the whole practice has off."""
    off = Badge(_(OFF_FOR_PRACTICE), "warn")
    return {feature: BoxState(off) for feature, on in practice.items() if not on}


def states(switches: Mapping[str, bool]) -> dict[Feature, bool]:
    """Every feature's state; a feature the service does not name is on."""
    return {feature: switches.get(feature.value, True) for feature in Feature}


def conflict_problems(sent: SentSwitches, stored: Mapping[Feature, bool]) -> list[Problem]:
    """The lines of the error summary for what somebody else changed."""
    conflicts = sent.conflicts(stored)
    return [
        Problem(feature.value, _(_NOW_ON if stored[feature] else _NOW_OFF, feature=_(words.label)))
        for feature, words in FEATURES.items()
        if feature in conflicts
    ]


def changed_meanwhile(*, on: bool) -> str:
    """What to say beside a box that somebody else turned."""
    if on:
        return _("Somebody else switched this on while you were here.")
    return _("Somebody else switched this off while you were here.")


def said_of(changes: Mapping[Feature, bool], whom: str) -> str:
    """One sentence naming what a save changed."""
    if not changes:
        return _("Nothing was changed.")
    return _("Saved. %(what)s for %(whom)s.", what=_parts(changes, _SAID), whom=whom)


def turned(changes: Mapping[Feature, bool], whom: str) -> str:
    """One sentence naming what a save would change."""
    return _("%(what)s for %(whom)s.", what=_parts(changes, _WILL), whom=whom)


def _parts(changes: Mapping[Feature, bool], words: Mapping[tuple[bool, bool], str]) -> str:
    parts = []
    for state in (True, False):
        names = [_(FEATURES[feature].label) for feature, on in changes.items() if on is state]
        if names:
            parts.append(_(words[state, len(names) == 1], names=listed(names)))
    return "; ".join(parts)


def listed(names: Sequence[str]) -> str:
    """Documents, Forms and Messages."""
    if len(names) < 2:
        return "".join(names)
    return _("%(names)s and %(last)s", names=", ".join(names[:-1]), last=names[-1])
