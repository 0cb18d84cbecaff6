"""What a check of a draft found, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.review.diagram_words import many
from gateway.web.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LINE_MAX = 200
_ALWAYS = "always"  # the service's word for a condition on no fact


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the draft is no policy; `quoted` is the line it speaks of."""

    file: str
    line: int
    message: str
    quoted: str


@dataclass(frozen=True, slots=True)
class Changed:
    """Questions that are answered otherwise, where, and by which rules."""

    questions: Sequence[str]
    where: Sequence[str]
    more: int
    before: str
    after: str

    @property
    def everywhere(self) -> bool:
        """Whether no fact tells them from the rest."""
        return list(self.where) == [_ALWAYS]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found; without problems there is the rest."""

    problems: Sequence[Problem]
    more_problems: int
    digest: str
    same: bool
    summary: str
    declarations: Sequence[str]
    allowed: Sequence[Changed]
    denied: Sequence[Changed]
    left_out: int
    broken: Sequence[Mapping[str, Any]]
    proven: Sequence[Mapping[str, Any]]
    suites: Sequence[Mapping[str, Any]]
    answer: Mapping[str, Any] | None
    seconds: float | None


def outcome(found: Mapping[str, Any], files: Mapping[str, str]) -> Outcome:
    """The service's answer, read."""
    difference = found.get("difference") or {}
    allowed = [_changed(group) for group in difference.get("newly_allowed", ())]
    denied = [_changed(group) for group in difference.get("newly_denied", ())]
    invariants = found.get("invariants") or ()
    return Outcome(
        problems=[
            Problem(each["file"], each["line"], each["message"], _line(files.get(each["file"], ""), each["line"]))
            for each in found["problems"]
        ],
        more_problems=found.get("problems_left_out", 0),
        digest=str(found.get("digest") or ""),
        same=difference.get("same") is True,
        summary=_summary(difference) if allowed or denied else "",
        declarations=difference.get("declarations", ()),
        allowed=allowed,
        denied=denied,
        left_out=difference.get("left_out", 0),
        broken=[each for each in invariants if each["fate"] != "proven"],
        proven=[each for each in invariants if each["fate"] == "proven"],
        suites=found.get("suites") or (),
        answer=found.get("answer"),
        seconds=found.get("seconds"),
    )


def size_of(files: Mapping[str, str]) -> str:
    """How large the files are together: `61 KiB`."""
    return f"{-(-sum(len(text.encode()) for text in files.values()) // 1024)} KiB"


def _changed(group: Mapping[str, Any]) -> Changed:
    return Changed(
        [
            _(
                "%(question)s: %(count)s of %(space)s situations",
                question=f"{each['subject_type']} · {each['action']} · {each['resource_type']}",
                count=many(each["situations"]),
                space=many(each["space"]),
            )
            for each in group["questions"]
        ],
        group["where"],
        group["where_left_out"],
        ", ".join(group["before"]),
        ", ".join(group["after"]),
    )


def _summary(difference: Mapping[str, Any]) -> str:
    counts = [
        sum(len(group["questions"]) for group in difference.get(name, ())) for name in ("newly_allowed", "newly_denied")
    ]
    allowed, denied = (ngettext("%(num)s question", "%(num)s questions", count) for count in counts)
    if not counts[0]:
        return _("Nothing is newly allowed; newly denied in %(denied)s.", denied=denied)
    if not counts[1]:
        return _("Newly allowed in %(allowed)s; nothing is newly denied.", allowed=allowed)
    return _("Newly allowed in %(allowed)s, newly denied in %(denied)s.", allowed=allowed, denied=denied)


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1].strip()[:_LINE_MAX] if 0 < number <= len(lines) else ""
