"""What is drawn is the diagram, and the way of a situation ends at its answer."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.engine import MISSING
from authz_service.workbench import drawing
from authz_service.workbench.drawing import DECISION, draw, parts_of, read_facts, situations, way
from authz_service.workbench.questions import levels_of, questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authz_service.engine import Policy
    from authz_service.engine.diagram import Diagram, Value
    from authz_service.engine.policy import Question
    from authz_service.workbench.drawing import Drawing

CASES = int(os.environ.get("KINGUARD_CASES", "1000"))
BUNDLES = ("ours", "todo", "gateway", "records", "small")


def drawn_paths(drawn: Drawing) -> Iterator[tuple[dict[str, tuple[Value, ...]], bool]]:
    """Every path from the root to an end, as it is drawn."""
    tests = {test.number: test for test in drawn.tests}

    def walk(at: Any, path: dict[str, tuple[Value, ...]]) -> Iterator[tuple[dict[str, tuple[Value, ...]], bool]]:
        if isinstance(at, bool):
            yield path, at
            return
        for branch in tests[at].branches:
            yield from walk(branch.to, {**path, tests[at].fact: branch.values})

    return walk(drawn.root, {})


def diagram_paths(question: Question, diagram: Diagram) -> Iterator[tuple[dict[str, tuple[Value, ...]], bool]]:
    names, values = question.diagrams.names, question.diagrams.values
    for answer in (True, False):
        for path in question.diagrams.paths(diagram, answer):
            yield (
                {names[level]: tuple(values[level][i] for i in indices) for level, indices in path.items()},
                answer,
            )


def some_facts(question: Question, chance: random.Random, known: float) -> dict[str, Value]:
    slots = (*question.subject_slots, *question.resource_slots)
    return {fact.name: chance.choice(fact.values) for fact in slots if chance.random() < known}


def put(question: Question, facts: Mapping[str, Value]) -> tuple[tuple[object, ...], tuple[object, ...]]:
    s, r = (
        tuple(facts.get(fact.name, MISSING) for fact in slots)
        for slots in (question.subject_slots, question.resource_slots)
    )
    return s, r


@pytest.mark.parametrize("name", BUNDLES)
def test_every_path_drawn_is_a_path_of_the_diagram_and_none_is_left_out(name: str, bundles: dict[str, Policy]) -> None:
    for question in questions(bundles[name]):
        for part in parts_of(question).values():
            found = sorted(map(repr, drawn_paths(draw(question, part.diagram))))
            assert found == sorted(map(repr, diagram_paths(question, part.diagram))), part.name


@pytest.mark.parametrize("name", BUNDLES)
def test_the_way_of_a_situation_ends_where_the_question_answers(name: str, bundles: dict[str, Policy]) -> None:
    """With facts missing, it stays open exactly when the answer depends on them."""
    chance = random.Random(7)
    asked = list(questions(bundles[name]))
    for number in range(CASES):
        question = chance.choice(asked)
        facts = some_facts(question, chance, 1.0 if number % 2 else chance.random())
        answer = question.answer(*put(question, facts))
        if answer.error and not answer.missing:
            continue  # It cannot occur; nothing is followed.
        taken = way(question, question.diagram, facts)
        assert taken.ends == ({True, False} if answer.missing else {answer.decision}), facts
        last = taken.steps[-1].to if taken.steps else draw(question, question.diagram).root
        assert taken.open or last is answer.decision


def test_a_way_that_went_by_the_wrong_value_would_be_noticed(ours: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: always the first value, and the ends no longer fit the answers."""
    monkeypatch.setattr(drawing, "_index", lambda *_: 0)
    with pytest.raises(AssertionError):
        test_the_way_of_a_situation_ends_where_the_question_answers("ours", {"ours": ours})


def test_what_is_too_big_is_folded_and_counted(ours: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "DRAWN_MAX", 10)
    question = ours.question("account", "sign", "document")
    assert question is not None
    drawn = draw(question, question.diagram)
    size = parts_of(question)[DECISION].size
    assert (len(drawn.tests), drawn.folded) == (10, size - 10)
    ends = {branch.to for test in drawn.tests for branch in test.branches}
    assert "folded" in ends
    assert all(end <= 10 for end in ends if isinstance(end, int) and not isinstance(end, bool))


def test_tests_are_numbered_by_the_order_of_the_facts(ours: Policy) -> None:
    order = list(ours.facts)
    for question in questions(ours):
        drawn = draw(question, question.diagram).tests
        assert [test.number for test in drawn] == list(range(1, len(drawn) + 1))
        assert [order.index(test.fact) for test in drawn] == sorted(order.index(test.fact) for test in drawn)


@pytest.mark.parametrize("name", ["todo", "gateway", "small"])
def test_situations_that_cannot_occur_are_not_counted(name: str, bundles: dict[str, Policy]) -> None:
    for question in questions(bundles[name]):
        diagrams = question.diagrams.scratch()
        allowed, space = situations(question, question.diagram)
        impossible = diagrams.count(question.impossible_diagram, levels_of(question))
        assert space + impossible == diagrams.count(True, levels_of(question))
        assert 0 <= allowed <= space


def test_a_fact_that_no_rule_reads_is_told_from_those_that_some_rule_reads(ours: Policy) -> None:
    question = ours.question("account", "view", "invoice")
    assert question is not None
    read = read_facts(question)
    assert "resource.addressee" in read
    assert "subject.toggle.messages" not in read
