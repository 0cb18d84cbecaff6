"""What each kind of representative may ever have, read from the policy itself (`portals.md` b3)."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from authz_service.engine.forcing import reachable
from models.vocabulary import Feature, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.engine import Policy

_KIND = "subject.kind"


@lru_cache(maxsize=8)
def ceilings(policy: Policy) -> Mapping[Kind, frozenset[Feature]]:
    """The features whose toggle opens something for a kind in some situation; for no other is there a use."""
    found: dict[Kind, set[Feature]] = {kind: set() for kind in Kind}
    for resource_type, actions in policy.resource_types.items():
        for action in actions:
            question = policy.question(SubjectType.ACCOUNT, action, resource_type)
            if question is None:
                continue
            scratch = question.diagrams.scratch()
            possible = scratch.without(question.diagram, question.impossible_diagram)
            read = {scratch.names[level] for level in scratch.support(possible)}
            features = [feature for feature in Feature if f"subject.toggle.{feature}" in read]
            level = scratch.levels[_KIND]
            for kind in Kind:
                index = scratch.index(level, kind.value)
                if index is not None and reachable(possible, {level: index}):
                    found[kind].update(features)
    return MappingProxyType({kind: frozenset(features) for kind, features in found.items()})
