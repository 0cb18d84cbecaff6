"""Conditions: what the grammar means, and that tidying never changes it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.engine.conditions import Condition, all_of, any_of, evaluate_condition, negate, one_of

NAMES = ("a", "b", "c")
VALUES = st.sampled_from(["x", "y", True, False, 1, 0, None])
LEAVES = st.one_of(
    st.booleans(),
    st.builds(lambda name, value: {"eq": [name, value]}, st.sampled_from(NAMES), VALUES),
    st.builds(
        lambda name, values: {"in": [name, values]},
        st.sampled_from(NAMES),
        st.lists(VALUES.filter(lambda value: value is not None), min_size=1, max_size=3),
    ),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda parts: ("all", parts), st.lists(inner, max_size=4)),
        st.builds(lambda parts: ("any", parts), st.lists(inner, max_size=4)),
        st.builds(lambda part: ("not", part), inner),
    ),
    max_leaves=16,
)


def tidy(tree: Any) -> Condition:
    if not isinstance(tree, tuple):
        return tree
    operator, operand = tree
    if operator == "not":
        return negate(tidy(operand))
    return (all_of if operator == "all" else any_of)(tidy(part) for part in operand)


def plain(tree: Any) -> Condition:
    if not isinstance(tree, tuple):
        return tree
    operator, operand = tree
    return {operator: plain(operand) if operator == "not" else [plain(part) for part in operand]}


@given(TREES, st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)))
def test_tidying_keeps_the_meaning(tree: Any, properties: dict[str, Any]) -> None:
    """A tidied condition holds for the same properties as the untidied one."""
    assert evaluate_condition(tidy(tree), properties) is evaluate_condition(plain(tree), properties)


@given(TREES, st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)), st.sets(st.sampled_from(NAMES)))
def test_an_unknown_property_allows_only_what_any_value_would(
    tree: Any, properties: dict[str, Any], hidden: set[str]
) -> None:
    """With properties left out a condition holds only if it holds however they are filled in."""
    known = {name: value for name, value in properties.items() if name not in hidden}
    if evaluate_condition(tidy(tree), known):
        assert evaluate_condition(tidy(tree), properties)


MEANINGS = [
    ({"eq": ["p", "x"]}, "x", True),
    ({"eq": ["p", "x"]}, None, False),
    ({"not": {"eq": ["p", "x"]}}, None, True),
    ({"eq": ["p", None]}, None, True),
    ({"eq": ["p", None]}, "x", False),
    ({"eq": ["p", True]}, 1, False),
    ({"eq": ["p", 1]}, True, False),
    ({"in": ["p", ["x", "y"]]}, "y", True),
    ({"in": ["p", ["x", "y"]]}, None, False),
    ({"in": ["p", []]}, "x", False),
    ({"has": ["p", "x"]}, ["x", "y"], True),
    ({"has": ["p", "x"]}, [], False),
    ({"has": ["p", "x"]}, None, False),
    ({"has": ["p", "x"]}, "xyz", False),
    ({"gt": ["p", 0]}, 1, True),
    ({"gt": ["p", 0]}, 0, False),
    ({"gt": ["p", 0]}, None, False),
    ({"gt": ["p", 0]}, True, False),
    ({"not": {"gt": ["p", 0]}}, None, True),
    ({"before": ["p", "2026-06-15T12:00:00-07:00"]}, "2026-06-15T18:59:59Z", True),
    ({"before": ["p", "2026-06-15T12:00:00-07:00"]}, "2026-06-15T19:00:00Z", False),
    ({"before": ["p", "2026-06-15T12:00:00-07:00"]}, None, False),
    ({"all": []}, "x", True),
    ({"any": []}, "x", False),
]


@pytest.mark.parametrize(("condition", "value", "holds"), MEANINGS)
def test_the_grammar_means_what_it_says(condition: Condition, value: Any, holds: bool) -> None:
    """Each operator, with null and with values of another type."""
    assert evaluate_condition(condition, {"p": value}) is holds


def test_an_unknown_operator_is_refused() -> None:
    """A condition this reader does not know is an error, never true."""
    with pytest.raises(ValueError, match="like is no operator"):
        evaluate_condition({"like": ["p", "x%"]}, {"p": "x"})


def test_an_instant_without_offset_is_refused() -> None:
    """A time that names no offset is no instant."""
    with pytest.raises(ValueError, match="ends in Z or an offset"):
        evaluate_condition({"before": ["p", "2026-06-15T12:00:00"]}, {"p": "2026-06-15T18:59:59Z"})


TIDIED = [
    (any_of([{"eq": ["a", 1]}, {"in": ["a", [2, 3]]}]), {"in": ["a", [1, 2, 3]]}),
    (any_of([{"eq": ["a", 1]}, {"eq": ["a", True]}]), {"in": ["a", [1, True]]}),
    (any_of([{"eq": ["a", 1]}, {"all": [{"eq": ["a", 1]}, {"eq": ["b", 2]}]}]), {"eq": ["a", 1]}),
    (
        any_of([all_of([{"eq": ["a", 1]}, {"eq": ["b", 2]}]), all_of([{"eq": ["a", 1]}, {"eq": ["b", 3]}])]),
        {"all": [{"eq": ["a", 1]}, {"in": ["b", [2, 3]]}]},
    ),
    (
        any_of([all_of([{"eq": ["a", i]}, {"gt": ["b", i // 3]}]) for i in range(6)]),
        {
            "any": [
                {"all": [{"in": ["a", [0, 1, 2]]}, {"gt": ["b", 0]}]},
                {"all": [{"in": ["a", [3, 4, 5]]}, {"gt": ["b", 1]}]},
            ]
        },
    ),
    (all_of([True, {"all": [{"eq": ["a", 1]}, True]}]), {"eq": ["a", 1]}),
    (all_of([{"eq": ["a", 1]}, False]), False),
    (any_of([]), False),
    (negate(negate({"eq": ["a", 1]})), {"eq": ["a", 1]}),
    (one_of("a", [None, "x", "y"]), {"any": [{"eq": ["a", None]}, {"in": ["a", ["x", "y"]]}]}),
]


@pytest.mark.parametrize(("condition", "expected"), TIDIED)
def test_conditions_are_written_briefly(condition: Condition, expected: Condition) -> None:
    """Values of one property are merged, common factors taken out, what is implied left out."""
    assert repr(condition) == repr(expected)
