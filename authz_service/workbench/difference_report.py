"""A difference written for people (text, Markdown for a pull request) and for machines (JSON)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.workbench.numbers import amount, counted, share
from authz_service.workbench.terms import phrase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from authz_service.workbench.difference import Change, Difference

_TITLES = ((True, "Newly allowed"), (False, "Newly denied"))
_WITHIN = {True: "of what the new bundle allows, where", False: "of what the old bundle allowed, where"}


def as_text(difference: Difference, old: str, new: str) -> str:
    """Lines for a terminal."""
    if not difference:
        return f"{old} and {new} answer every question alike\n"
    lines = [f"{old} -> {new}: {_summary(difference)}"]
    lines += [f"  {sentence}" for sentence in difference.declarations]
    for now_allowed, title in _TITLES:
        for group in _groups(difference, now_allowed=now_allowed):
            lines += ["", f"{title.upper()}: {'; '.join(_asked(group))}"]
            lines += [f"  {_amount(change)}" for change in group]
            lines.append(f"  {_WITHIN[now_allowed]}")
            lines += [f"    {'or ' if i else '   '}{text}" for i, text in enumerate(_phrases(group[0], difference))]
            lines.append(f"  before: {', '.join(group[0].before)}; after: {', '.join(group[0].after)}")
    return "\n".join(lines) + "\n"


def as_markdown(difference: Difference, old: str, new: str) -> str:
    """A comment for a pull request."""
    lines = [f"## Who may do what: `{old}` → `{new}`", ""]
    if not difference:
        return "\n".join([*lines, "Both bundles answer every question alike, in every situation."]) + "\n"
    lines += [f"**{_summary(difference)}**", ""]
    if difference.declarations:
        lines += ["### Declarations", "", *(f"- {_escaped(text)}" for text in difference.declarations), ""]
    for now_allowed, title in _TITLES:
        groups = list(_groups(difference, now_allowed=now_allowed))
        if not groups:
            continue
        lines += [f"### {title}", ""]
        for group in groups:
            lines += [f"#### {_escaped('; '.join(_asked(group)))}", "", f"{_WITHIN[now_allowed].capitalize()}", ""]
            lines += [f"- `{text}`" for text in _phrases(group[0], difference)]
            lines += ["", "| question | situations | share of all |", "| --- | ---: | ---: |"]
            lines += [
                f"| {_escaped(_question(change))} | {counted(change.situations)} "
                f"| {share(change.situations, change.space)} |"
                for change in group
            ]
            before, after = (", ".join(f"`{rule}`" for rule in rules) for rules in (group[0].before, group[0].after))
            lines += ["", f"Before: {before}. After: {after}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def as_body(difference: Difference, old: str, new: str) -> dict[str, object]:
    """Everything for JSON, one member for each changed question; counts are exact integers."""
    return {
        "old": old,
        "new": new,
        "same": not difference,
        "declarations": difference.declarations,
        "newly_allowed": [_change(change) for change in difference.allowed],
        "newly_denied": [_change(change) for change in difference.denied],
    }


def _change(change: Change) -> Mapping[str, object]:
    subject, action, resource = change.question
    return {
        "subject": subject,
        "action": action,
        "resource": resource,
        "situations": change.situations,
        "space": change.space,
        "where": change.terms,
        "before": change.before,
        "after": change.after,
    }


def _groups(difference: Difference, *, now_allowed: bool) -> Iterator[list[Change]]:
    """Questions of one subject type whose change is told by the same words and rules."""
    found: dict[object, list[Change]] = {}
    for change in difference.allowed if now_allowed else difference.denied:
        told = tuple(tuple(term.items()) for term in change.terms)
        found.setdefault((change.question[0], told, change.before, change.after), []).append(change)
    yield from found.values()


def _asked(group: Iterable[Change]) -> Iterator[str]:
    """`account: view, print invoice`, one for each resource type."""
    actions: dict[tuple[str, str], list[str]] = {}
    for change in group:
        subject, action, resource = change.question
        actions.setdefault((subject, resource), []).append(action)
    for (subject, resource), names in actions.items():
        yield f"{subject}: {', '.join(names)} {resource}"


def _question(change: Change) -> str:
    subject, action, resource = change.question
    return f"{subject}: {action} {resource}"


def _phrases(change: Change, difference: Difference) -> list[str]:
    return [phrase(term, difference.domains) for term in change.terms]


def _amount(change: Change) -> str:
    return (
        f"{_question(change)}: {counted(change.situations)} of {counted(change.space)} situations "
        f"({share(change.situations, change.space)})"
    )


def _summary(difference: Difference) -> str:
    return f"{_total('newly allowed', difference.allowed)}; {_total('newly denied', difference.denied)}"


def _total(what: str, changes: Iterable[Change]) -> str:
    listed = list(changes)
    if not listed:
        return f"nothing {what}"
    situations = sum(change.situations for change in listed)
    return f"{what} in {amount(len(listed), 'question')}, {amount(situations, 'situation')}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("_", "\\_").replace("*", "\\*").replace("<", "&lt;")
