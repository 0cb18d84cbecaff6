"""Two tabs on one form: what each changed is joined, and where both changed the same answer the reader chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two answers to one question: the one that is saved, and the one that was typed meanwhile."""

    saved: Any
    typed: Any


@dataclass(frozen=True, slots=True)
class Merge:
    """What may be written at once, and what the reader has to choose between."""

    changes: Mapping[str, Any]
    conflicts: Mapping[str, Conflict]


def merge(base: Mapping[str, Any], current: Mapping[str, Any], sent: Mapping[str, Any]) -> Merge:
    """Join what was sent with what is saved; `base` is what the page was shown with. An absent answer is None."""
    changes: dict[str, Any] = {}
    conflicts: dict[str, Conflict] = {}
    for question, typed in sent.items():
        before, now = base.get(question), current.get(question)
        if typed in (before, now):  # Not changed on this page, or changed to the same.
            continue
        if now == before:
            changes[question] = typed
        else:
            conflicts[question] = Conflict(saved=now, typed=typed)
    return Merge(changes, conflicts)
