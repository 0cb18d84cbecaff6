"""The code's closed lists and the policy's facts name the same things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.vocabulary import (
    AgeClass,
    ControlledBy,
    Feature,
    GrantStatus,
    Kind,
    PlanAudience,
    SelfManaging,
    StaffRole,
    SubjectType,
)

if TYPE_CHECKING:
    from enum import StrEnum

    from authz_service.engine import Policy


@pytest.mark.parametrize(
    ("fact", "vocabulary"),
    [
        ("subject.kind", Kind),
        ("subject.status", GrantStatus),
        ("subject.practice.plan_audience", PlanAudience),
        ("subject.client.age", AgeClass),
        ("resource.client_self_managing", SelfManaging),
    ],
)
def test_a_fact_has_the_values_of_its_vocabulary(policy: Policy, fact: str, vocabulary: type[StrEnum]) -> None:
    assert set(policy.facts[fact].values) == {member.value for member in vocabulary}


@pytest.mark.parametrize(
    ("base", "vocabulary"),
    [
        ("subject.toggle", Feature),
        ("subject.client.switch", Feature),
        ("subject.practice.switch", Feature),
        ("subject.role", StaffRole),
    ],
)
def test_a_fact_has_the_parameters_of_its_vocabulary(policy: Policy, base: str, vocabulary: type[StrEnum]) -> None:
    parameters = [fact.parameter for fact in policy.facts.values() if fact.base == base]
    assert parameters == [member.value for member in vocabulary]


def test_the_policy_knows_the_subject_types_of_the_vocabulary(policy: Policy) -> None:
    assert set(policy.subject_types) == {member.value for member in SubjectType}


def test_every_level_of_control_is_used_by_some_fact(policy: Policy) -> None:
    assert {fact.controlled_by for fact in policy.facts.values()} == {member.value for member in ControlledBy}
