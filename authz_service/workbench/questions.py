"""Every question of a policy, and the variables of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.policy import Policy, Question


def keys_of(policy: Policy) -> list[QuestionKey]:
    """Every question, by subject type, action and resource type."""
    return [
        (subject, action, resource)
        for subject in policy.subject_types
        for resource, actions in policy.resource_types.items()
        for action in actions
    ]


def questions(policy: Policy) -> Iterator[Question]:
    """Every question."""
    for key in keys_of(policy):
        question = policy.question(*key)
        if question is not None:
            yield question


def levels_of(question: Question) -> list[int]:
    """The levels of all facts of a question."""
    facts = (*question.subject_slots, *question.resource_slots)
    return [question.diagrams.levels[fact.name] for fact in facts]
