"""Versions of the policy in words: where each stands, who did what when, and where its parts are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from gateway.admin.trail_words import asked_words, names_of
from gateway.review.reading import Version
from gateway.review.reading import told as answer_of
from gateway.web.formats import clock_time, day
from gateway.web.language import N_, _
from gateway.web.words import Badge
from models.vocabulary import DeploymentKind, SubjectType, VersionState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.requests import Request

    from gateway.admin.trail_words import Names

PAGE = "/review/versions"
SHORT = 12  # letters of a digest
_RULE = re.compile(r"\w+(\.\w+)+")
_SUBJECTS = {"account": N_("Families"), "staff": N_("Staff")}
_STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        VersionState.SERVING: (N_("Serves"), "good"),
        VersionState.STAGED: (N_("Staged"), "info"),
        VersionState.RETIRED: (N_("Served before"), ""),
        VersionState.WITHDRAWN: (N_("Withdrawn"), "warn"),
    }
)
_KINDS = {
    DeploymentKind.START: N_("Came with a start of the service"),
    DeploymentKind.DEPLOY: N_("Put into service"),
    DeploymentKind.ROLLBACK: N_("Rolled back"),
}


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version as the pages show it; `told` is what the service says of it."""

    digest: str
    title: str
    badges: tuple[Badge, ...]
    who: str
    when: str
    told: Mapping[str, Any]

    @property
    def short(self) -> str:
        """The beginning of the digest."""
        return self.digest[:SHORT]

    @property
    def href(self) -> str:
        """Its page."""
        return version_href(self.digest)

    @property
    def state(self) -> str:
        """Where it stands."""
        return str(self.told["state"])


@dataclass(frozen=True, slots=True)
class RuleLink:
    """A rule that decides, and where it is read; without `href` it is a sentence instead."""

    name: str
    href: str


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """A version came into service."""

    title: str
    short: str
    href: str
    who: str
    when: str
    reason: str
    compare: str  # the difference to what served before; empty for the first


@dataclass(frozen=True, slots=True)
class Shelf:
    """Everything that is kept, and how it came into service, the newest first; `before` is where a rollback leads."""

    serving: VersionView | None
    versions: tuple[VersionView, ...]
    deployments: tuple[DeploymentView, ...]
    before: VersionView | None

    def find(self, digest: str) -> VersionView | None:
        """A version that is kept."""
        return next((each for each in self.versions if each.digest == digest), None)

    def of(self, state: VersionState) -> list[VersionView]:
        """The versions in a state."""
        return [each for each in self.versions if each.state == state]


async def read_shelf(request: Request) -> Shelf:
    """What the service keeps."""
    told = await answer_of(request.app.state.authz.versions(actor=request.state.reader.actor))
    people = [each["staged_by"] for each in told["versions"]] + [each["by"] for each in told["deployments"]]
    names = await staff_names(request, people)
    versions = tuple(version_view(request, each, names) for each in told["versions"])
    known = {each.digest: each for each in versions}
    return Shelf(
        serving=known.get(told["serving"]),
        versions=versions,
        deployments=tuple(_deployment(request, each, names) for each in told["deployments"]),
        before=known.get(_served_before(told["deployments"]) or ""),
    )


async def staff_names(request: Request, people: Iterable[str]) -> Names:
    """Names of staff by `staff/rex`."""
    staff = [each.removeprefix("staff/") for each in people if each.startswith("staff/")]
    return await names_of(request, staff=staff, hide=True)


def version_view(request: Request, told: Mapping[str, Any], names: Names) -> VersionView:
    """A version in words."""
    label, tone = _STATES[told["state"]]
    badges = [Badge(_(label), tone)]
    if told["shadow"]:
        badges.append(Badge(_("Shadows"), "info"))
    return VersionView(
        digest=told["digest"],
        title=told["note"] or (_("Without a note") if _is_staff(told["staged_by"]) else _("As installed")),
        badges=tuple(badges),
        who=who(told["staged_by"], names),
        when=moment(request, told["staged_at"]),
        told=told,
    )


def who(by: str, names: Names) -> str:
    """Who did it."""
    return names.subject(by) if _is_staff(by) else _("The portal itself")


def moment(request: Request, text: str) -> str:
    """An instant in the reader's zone."""
    at = datetime.fromisoformat(text).astimezone(ZoneInfo(request.state.reader.zone))
    return f"{day(at.date())}, {clock_time(at)}"


def question_words(subject: str, actions: Sequence[str], resource: str) -> str:
    """Families: View, Print · Invoice."""
    labels = [asked_words(action, "") for action in actions]
    what = asked_words(actions[-1], resource)
    listed = ", ".join([*labels[:-1], what])
    return f"{_(_SUBJECTS[subject]) if subject in _SUBJECTS else subject}: {listed}"


def version_href(digest: str) -> str:
    """The page of a version."""
    return f"{PAGE}/{quote(digest, safe='')}"


def compare_href(old: str, new: str) -> str:
    """The page of the difference of two versions."""
    return f"{version_href(old)}/{quote(new, safe='')}"


def rule_links(names: Iterable[str], digest: str) -> tuple[RuleLink, ...]:
    """The rules of a version that decide; what stands in a rule's place where none does is a sentence."""
    words = {
        "no rule permits": _("no rule permits it"),
        "the question is not known": _("the question is not known"),
        "the situation cannot occur": _("the situation cannot occur"),
        "the answer depends on what was not known": _("it depends on each row of the list"),
    }
    return tuple(
        RuleLink(name, Version(digest, serves=False).rule(name))
        if _RULE.fullmatch(name)
        else RuleLink(words.get(name, name), "")
        for name in names
    )


def _is_staff(by: str) -> bool:
    return by.startswith(f"{SubjectType.STAFF}/")


def _deployment(request: Request, told: Mapping[str, Any], names: Names) -> DeploymentView:
    kind = told["kind"]
    return DeploymentView(
        title=_(_KINDS[kind]),
        short=told["digest"][:SHORT],
        href=version_href(told["digest"]),
        who=who(told["by"], names),
        when=moment(request, told["at"]),
        reason=told["reason"] if kind != DeploymentKind.START else "",
        compare=compare_href(told["before"], told["digest"]) if told["before"] else "",
    )


def _served_before(deployments: Sequence[Mapping[str, Any]]) -> str | None:
    """Where a rollback leads: each took back the newest deployment that none had taken back yet."""
    stack: list[str] = []
    for each in reversed(deployments):
        if each["kind"] == DeploymentKind.ROLLBACK:
            del stack[-1:]
        else:
            stack.append(each["digest"])
    return stack[-2] if len(stack) > 1 else None
