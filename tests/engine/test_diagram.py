"""Diagrams obey the laws of the functions they stand for, and are canonical."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.engine.compile import compile_diagram, write_source
from authz_service.engine.diagram import Diagram, Diagrams, FrozenDiagramsError, Node, Variables, branches, nodes

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLES = Variables({"a": ("x", "y", "z"), "b": (False, True), "c": ("p", "q", "r", "s"), "d": (True, False)})
SPACE = list(itertools.product(*(range(size) for size in VARIABLES.sizes)))

# A function as a set of situations, and what it takes to build it: an unordered list of cubes.
Cubes = list[dict[int, list[int]]]
cubes: st.SearchStrategy[Cubes] = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            level: st.lists(st.integers(0, size - 1), max_size=size, unique=True)
            for level, size in enumerate(VARIABLES.sizes)
        },
    ),
    max_size=5,
)


def accepts(function: Cubes, situation: tuple[int, ...]) -> bool:
    return any(all(situation[level] in accepted for level, accepted in cube.items()) for cube in function)


def build(diagrams: Diagrams, function: Cubes) -> Diagram:
    return diagrams.any_of(diagrams.cube(cube) for cube in function)


def truth(diagrams: Diagrams, diagram: Diagram) -> list[bool]:
    return [diagrams.holds(diagram, dict(enumerate(situation))) for situation in SPACE]


def as_node(diagram: Diagram) -> Node:
    assert isinstance(diagram, Node)
    return diagram


@given(cubes, cubes)
def test_every_operation_answers_as_its_operands_do_in_each_situation(f: Cubes, g: Cubes) -> None:
    diagrams = Diagrams(VARIABLES)
    a, b = build(diagrams, f), build(diagrams, g)
    expected: dict[str, tuple[Diagram, Callable[[bool, bool], bool]]] = {
        "both": (diagrams.both(a, b), lambda x, y: x and y),
        "either": (diagrams.either(a, b), lambda x, y: x or y),
        "differ": (diagrams.differ(a, b), lambda x, y: x is not y),
        "without": (diagrams.without(a, b), lambda x, y: x and not y),
        "negate": (diagrams.negate(a), lambda x, _: not x),
        "choose": (diagrams.choose(a, b, diagrams.negate(b)), lambda x, y: y if x else not y),
    }
    for name, (diagram, operation) in expected.items():
        wanted = [operation(accepts(f, situation), accepts(g, situation)) for situation in SPACE]
        assert truth(diagrams, diagram) == wanted, name


@given(cubes, cubes)
def test_two_diagrams_are_one_object_exactly_when_they_answer_alike(f: Cubes, g: Cubes) -> None:
    diagrams = Diagrams(VARIABLES)
    a, b = build(diagrams, f), build(diagrams, g)
    assert (a is b) is (truth(diagrams, a) == truth(diagrams, b))
    assert diagrams.negate(diagrams.negate(a)) is a
    assert diagrams.differ(a, b) is diagrams.either(diagrams.without(a, b), diagrams.without(b, a))
    assert diagrams.either(a, b) is diagrams.negate(diagrams.both(diagrams.negate(a), diagrams.negate(b)))


@given(cubes)
def test_every_diagram_is_ordered_and_reduced(f: Cubes) -> None:
    diagrams = Diagrams(VARIABLES)
    seen = set()
    for node in nodes(build(diagrams, f)):
        assert len(branches(node)) > 1
        assert (node.level, node.children) not in seen
        seen.add((node.level, node.children))
        assert all(child.level > node.level for child in node.children if isinstance(child, Node))


@given(cubes, st.dictionaries(st.integers(0, 3), st.integers(0, 1)))
def test_a_restriction_answers_for_the_fixed_values_and_asks_for_them_no_more(f: Cubes, fixed: dict[int, int]) -> None:
    diagrams = Diagrams(VARIABLES)
    rest = diagrams.restrict(build(diagrams, f), fixed)
    assert not set(diagrams.support(rest)) & set(fixed)
    for situation in SPACE:
        filled = tuple(fixed.get(level, index) for level, index in enumerate(situation))
        assert diagrams.holds(rest, dict(enumerate(situation))) is accepts(f, filled)


@given(cubes, cubes)
def test_counts_are_numbers_of_situations(f: Cubes, g: Cubes) -> None:
    diagrams = Diagrams(VARIABLES)
    a, b = build(diagrams, f), build(diagrams, g)
    assert diagrams.count(a, range(4)) == sum(accepts(f, situation) for situation in SPACE)
    within = sum(accepts(f, situation) and accepts(g, situation) for situation in SPACE)
    assert diagrams.count(a, range(4), b) == within


def test_counting_over_too_few_variables_is_refused() -> None:
    diagrams = Diagrams(VARIABLES)
    with pytest.raises(ValueError, match="depends on c"):
        diagrams.count(diagrams.test(2, [0]), [0, 1])


@given(cubes)
def test_paths_partition_the_situations_of_an_answer(f: Cubes) -> None:
    diagrams = Diagrams(VARIABLES)
    diagram = build(diagrams, f)
    for answer in (True, False):
        found = list(diagrams.paths(diagram, answer=answer))
        for situation in SPACE:
            on = [path for path in found if all(situation[level] in indices for level, indices in path.items())]
            assert len(on) == (accepts(f, situation) is answer)


@given(cubes)
def test_the_shortest_path_leads_to_yes_and_none_is_shorter(f: Cubes) -> None:
    diagrams = Diagrams(VARIABLES)
    diagram = build(diagrams, f)
    path = diagrams.shortest(diagram)
    if path is None:
        assert diagram is False
        return
    assert diagrams.restrict(diagram, path) is True
    assert len(path) == min(len(other) for other in diagrams.paths(diagram))


@given(cubes)
def test_the_generated_function_answers_as_the_diagram(f: Cubes) -> None:
    diagrams = Diagrams(VARIABLES)
    decide = compile_diagram(build(diagrams, f), VARIABLES, {0: "s[0]", 1: "s[1]", 2: "r[0]", 3: "r[1]"})
    for situation in SPACE:
        a, b, c, d = (VARIABLES.values[level][index] for level, index in enumerate(situation))
        assert decide((a, b), (c, d)) is accepts(f, situation)


@pytest.mark.parametrize("foreign", ["w", "true", 1, 0, None, "", frozenset()], ids=repr)
def test_the_generated_function_denies_a_value_outside_the_domain_that_it_meets(foreign: object) -> None:
    diagrams = Diagrams(VARIABLES)
    slots = {0: "s[0]", 1: "s[1]"}
    for diagram in (diagrams.test(0, [1, 2]), diagrams.test(0, [0]), diagrams.negate(diagrams.test(0, [0]))):
        assert compile_diagram(diagram, VARIABLES, slots)((foreign, True), ()) is False
    for diagram in (diagrams.test(1, [0]), diagrams.test(1, [1])):
        assert compile_diagram(diagram, VARIABLES, slots)(("x", foreign), ()) is False


def test_shared_parts_are_written_once_where_a_tree_would_explode() -> None:
    variables = Variables({f"v{i}": (False, True) for i in range(90)})
    diagrams = Diagrams(variables)
    # Parity: two nodes a level as a diagram, 2 ** 90 paths as a tree.
    parity: Diagram = False
    for level in range(89, -1, -1):
        parity = diagrams.node(level, [parity, diagrams.negate(parity)])
    slots = {level: f"s[{level}]" for level in range(90)}
    assert write_source(parity, variables, slots, "decide").count("\n") < 4_000
    decide = compile_diagram(parity, variables, slots)
    draw = random.Random(7)
    for _ in range(200):
        s = tuple(draw.random() < 0.5 for _ in range(90))
        assert decide(s, ()) is (sum(s) % 2 == 1)


def test_values_are_told_apart_by_type() -> None:
    assert VARIABLES.index(1, True) == 1
    assert [VARIABLES.index(1, value) for value in (1, "true", 1.0, None, [], "True")] == [None] * 6
    assert VARIABLES.index(0, "y") == 1
    assert VARIABLES.index(0, "Y") is None


def test_frozen_diagrams_take_no_node_and_a_scratch_reuses_theirs() -> None:
    diagrams = Diagrams(VARIABLES)
    kept = as_node(diagrams.test(0, [1]))
    with pytest.raises(ValueError, match="freeze"):
        diagrams.scratch()
    diagrams.freeze()
    with pytest.raises(FrozenDiagramsError):
        diagrams.test(0, [2])
    scratch = diagrams.scratch()
    assert scratch.test(0, [1]) is kept
    assert scratch.negate(scratch.negate(kept)) is kept
    assert diagrams.negate(True) is False
