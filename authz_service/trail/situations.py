"""Recorded decisions turned back into what was put to the policy, and the policies that decided them."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from authz_service.engine import MISSING, BundleError
from authz_service.facts.decision import Decision, Situation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from authz_service.engine import Policy

_LOADED_MAX = 4


class Bundles:
    """The policy in service, and those that served or may serve; `load` brings one of these, by digest."""

    def __init__(self, in_service: Policy, load: Callable[[str], tuple[Policy, Path] | None]) -> None:
        self._lock = Lock()
        self._load = load
        self._loaded: dict[str, tuple[Policy, Path]] = {}
        self.in_service = in_service

    def policy(self, digest: str) -> Policy | None:
        """The policy of a digest; None when it is not kept, or cannot be loaded."""
        if digest == self.in_service.digest:
            return self.in_service
        found = self.find(digest)
        return None if found is None else found[0]

    def find(self, digest: str) -> tuple[Policy, Path] | None:
        """A policy and the folder of its texts; None when it is not kept, or cannot be loaded."""
        with self._lock:
            found = self._loaded.get(digest)
            if found is None:
                try:
                    found = self._load(digest)
                except (BundleError, OSError):
                    return None
                if found is not None:
                    if len(self._loaded) >= _LOADED_MAX:
                        self._loaded.clear()
                    self._loaded[digest] = found
        if found is not None and digest == self.in_service.digest:
            return self.in_service, found[1]
        return found


def decision_of(policy: Policy, item: Mapping[str, Any], situations: Sequence[Mapping[str, Any]]) -> Decision | None:
    """The decision that a record speaks of; None when the policy has no such question.

    `item` has `subject_type`, `action`, `resource_type`, `decision`, `grant_id` and `error`.
    """
    question = policy.question(item["subject_type"], item["action"], item["resource_type"])
    if question is None:
        return None
    found = tuple(
        Situation(
            question,
            None,
            tuple(facts.get(fact.name, MISSING) for fact in question.subject_slots),
            tuple(facts.get(fact.name, MISSING) for fact in question.resource_slots),
        )
        for facts in situations
    )
    return Decision(bool(item["decision"]), item["grant_id"], item["error"], situations=found)
