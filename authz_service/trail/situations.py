"""Recorded decisions turned back into what was put to the policy, and the policies that decided them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from authz_service.engine import MISSING, BundleError, load_policy
from authz_service.engine.bundle import FACTS, INVARIANTS
from authz_service.facts.decision import Decision, Situation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authz_service.engine import Policy

_LOADED_MAX = 4
SERVING = "serving"  # in the place of a digest


class Bundles:
    """The policy in service, and the texts of those that served before, each in a folder named by its digest."""

    def __init__(self, folder: Path, in_service: Policy) -> None:
        self._folder = folder
        self._lock = Lock()
        self._loaded: dict[str, Policy | None] = {}
        self.in_service = in_service

    def keep(self, texts: Path) -> None:
        """Keep the texts of the policy in service. Raises OSError when that cannot be done."""
        place = self._place(self.in_service.digest)
        if place.exists():
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=place.parent, prefix="new-"))
        for path in (texts / FACTS, texts / INVARIANTS, *texts.rglob("*.polar")):
            if path.exists():
                copy = beside / path.relative_to(texts)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        try:
            beside.rename(place)
        except OSError:  # Another process kept it first.
            shutil.rmtree(beside)
            if not place.exists():
                raise

    def policy(self, digest: str) -> Policy | None:
        """The policy of a digest; None when it is not kept, or is no longer what the digest names."""
        if digest == self.in_service.digest:
            return self.in_service
        with self._lock:
            if digest not in self._loaded:
                if len(self._loaded) >= _LOADED_MAX:
                    self._loaded.clear()
                self._loaded[digest] = self._load(digest)
            return self._loaded[digest]

    def find(self, version: str) -> tuple[Policy, Path] | None:
        """A policy and the folder of its texts, by digest or as `serving`; None when it is not kept."""
        policy = self.policy(self.in_service.digest if version == SERVING else version)
        return None if policy is None else (policy, self._place(policy.digest))

    def _load(self, digest: str) -> Policy | None:
        if not digest.isalnum():
            return None
        try:
            policy = load_policy(self._place(digest), self._folder)
        except (BundleError, OSError):
            return None
        return policy if policy.digest == digest else None

    def _place(self, digest: str) -> Path:
        return self._folder / "texts" / digest


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
