"""A replay written for people and for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from authz_service.trail.reading import instant_of
from authz_service.workbench.numbers import amount, counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.review.recorded import Recorded
    from authz_service.review.replay import Group, GroupKey, Replayed, Rules


def as_text(found: Replayed, version: str) -> str:
    """Lines for a terminal: numbers first, newly allowed before newly denied."""
    return "\n".join(_lines(found, version)) + "\n"


def as_json(found: Replayed, version: str) -> str:
    """Everything, as the API answers it."""
    return json.dumps(as_body(found, version), indent=2, ensure_ascii=False) + "\n"


def as_body(found: Replayed, version: str) -> dict[str, Any]:
    """The members of the API's answer; `version` is the digest of the bundle that was asked."""
    return {
        "version": version,
        "counted": found.counted,
        "unchanged": found.unchanged,
        "now_allowed": found.now_allowed,
        "now_denied": found.now_denied,
        "not_replayable": found.not_replayable,
        "what_if": found.what_if,
        "reasons": dict(found.reasons.most_common()),
        "groups": [_group(key, group) for key, group in _in_order(found)],
        "changed": [_changed(recorded, rules) for recorded, rules in found.changed],
        "left_out": not found.complete,
        "oldest": None if found.oldest is None else instant_of(found.oldest),
    }


def _lines(found: Replayed, version: str) -> Iterator[str]:
    part = share(found.replayed, found.counted)
    yield (
        f"{part} of {amount(found.counted, 'decision')} replayed against {version}; "
        f"{counted(found.not_replayable)} not replayable"
    )
    yield (
        f"  unchanged {counted(found.unchanged)}, now allowed {counted(found.now_allowed)}, "
        f"now denied {counted(found.now_denied)}"
    )
    if found.what_if:
        yield f"  left out: {amount(found.what_if, 'what-if question')}"
    if not found.complete and found.oldest is not None:
        yield f"  older ones than {instant_of(found.oldest)} were not looked at"
    if found.reasons:
        yield ""
        yield "NOT REPLAYABLE"
        for reason, count in found.reasons.most_common():
            yield f"  {counted(count)}: {reason}"
    title = ""
    for key, group in _in_order(found):
        heading = f"NOW {'ALLOWED' if key.now else 'DENIED'}: {key.subject_type}: {key.action} {key.resource_type}"
        if heading != title:
            title = heading
            yield ""
            yield heading
        before, after = ", ".join(key.rules.before), ", ".join(key.rules.after)
        yield f"  {counted(group.count)}: before {before}; after {after}"
        yield f"    such as {', '.join(group.examples)}"


def _in_order(found: Replayed) -> list[tuple[GroupKey, Group]]:
    """Newly allowed first; the question with the most changes first, and so its rules."""
    totals: dict[tuple[str, ...], int] = {}
    for key, group in found.groups.items():
        totals[key[:3]] = totals.get(key[:3], 0) + group.count

    def place(pair: tuple[GroupKey, Group]) -> tuple[Any, ...]:
        key, group = pair
        return not key.now, -totals[key[:3]], key[:3], -group.count, key.rules

    return sorted(found.groups.items(), key=place)


def _group(key: GroupKey, group: Group) -> dict[str, Any]:
    return {
        "subject_type": key.subject_type,
        "action": key.action,
        "resource_type": key.resource_type,
        "now": key.now,
        "rules": _rules(key.rules),
        "count": group.count,
        "examples": group.examples,
    }


def _changed(recorded: Recorded, rules: Rules) -> dict[str, Any]:
    return {
        "record_id": recorded.id,
        "at": instant_of(recorded.at),
        "subject": f"{recorded.subject_type}/{recorded.subject_id}",
        "action": recorded.action,
        "resource_type": recorded.resource_type,
        "resource_id": recorded.resource_id,
        "was": recorded.allowed,
        "now": not recorded.allowed,
        "rules": _rules(rules),
    }


def _rules(rules: Rules) -> dict[str, list[str]]:
    return {"before": list(rules.before), "after": list(rules.after)}
