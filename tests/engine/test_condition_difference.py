"""Two conditions compared: more and less are exactly what some item shows."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.engine.condition_difference import HELD_MAX, compare_conditions
from authz_service.engine.conditions import Condition, evaluate_condition

EARLY, NOON, LATE = "2026-06-01T08:00:00Z", "2026-06-01T12:00:00Z", "2026-06-01T18:00:00Z"
RAWS: dict[str, list[Any]] = {
    "state": [None, "open", "paid", "void", True, 1],
    "due": [None, -5, 0, 1, 50, 100, 101],
    "people": [None, [], ["dana"], ["sam"], ["sam", "dana"], ["tom"]],
    "starts_at": [None, "2026-05-01T00:00:00Z", EARLY, "2026-06-01T10:00:00+01:00", NOON, "2026-06-01T13:00:00Z", LATE],
}
LEAVES = st.one_of(
    st.booleans(),
    st.builds(lambda value: {"eq": ["state", value]}, st.sampled_from(RAWS["state"][:-1])),
    st.builds(
        lambda values: {"in": ["state", values]},
        st.lists(st.sampled_from(["open", "paid", True, 1]), min_size=1, max_size=3),
    ),
    st.builds(lambda value: {"gt": ["due", value]}, st.sampled_from([0, 50, 100])),
    st.just({"eq": ["due", None]}),
    st.builds(lambda value: {"has": ["people", value]}, st.sampled_from(["dana", "sam"])),
    st.just({"eq": ["people", None]}),
    st.builds(lambda value: {"before": ["starts_at", value]}, st.sampled_from([EARLY, NOON])),
    st.just({"eq": ["starts_at", None]}),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda operator, parts: {operator: parts}, st.sampled_from(["all", "any"]), st.lists(inner, max_size=4)
        ),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=10,
)
ITEMS = [dict(zip(RAWS, values, strict=True)) for values in product(*RAWS.values())]


@given(TREES, TREES)
def test_more_and_less_are_what_some_item_shows(before: Condition, after: Condition) -> None:
    """Against every item made of a fine enough choice of values."""
    answers = {(evaluate_condition(before, item), evaluate_condition(after, item)) for item in ITEMS}
    assert compare_conditions(before, after) == ((False, True) in answers, (True, False) in answers)


@given(TREES)
def test_what_is_written_otherwise_is_the_same(tree: Condition) -> None:
    """A condition and the negation of its negation, whatever the words."""
    turned: Condition = {"not": {"all": [{"not": tree}, True]}}
    assert compare_conditions(tree, turned) == (False, False)
    assert compare_conditions(turned, {"any": [tree, False]}) == (False, False)


def test_a_list_asked_for_too_many_values_is_not_compared() -> None:
    """It says so instead of taking its time, or guessing."""
    parts = [{"has": ["people", f"p{number}"]} for number in range(HELD_MAX + 1)]
    with pytest.raises(ValueError, match="people is asked for 9 values"):
        compare_conditions({"any": parts}, {"all": parts})
