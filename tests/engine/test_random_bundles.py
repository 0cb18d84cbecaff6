"""Diagram equals Polar, on bundles nobody wrote."""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.engine.random_bundles import ACTIONS, HELPERS, Judge, build_bundle, completions

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.engine import Policy
    from tests.engine.random_bundles import Shape

CASES = int(os.environ.get("KINGUARD_CASES", "1000"))
SITUATIONS_EACH = 100
SEEDS = range(max(1, CASES // SITUATIONS_EACH))


class Drawn(NamedTuple):
    """A random bundle, what it is about, its text, and Polar to compare it with."""

    policy: Policy
    shape: Shape
    text: str
    judge: Judge
    seed: int


@pytest.fixture(scope="module", params=SEEDS)
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A bundle, built once for the tests that ask it."""
    draw = random.Random(request.param)
    folder = tmp_path_factory.mktemp("drawn")
    built = None
    while built is None:
        built = build_bundle(folder, draw)
    return Drawn(*built, Judge(built[2]), request.param)


def test_a_random_bundle_answers_as_polar_does(drawn: Drawn) -> None:
    policy, shape, text, judge, seed = drawn
    draw = random.Random(seed)
    answers: Counter[bool] = Counter()
    for resource, actions in ACTIONS.items():
        subjects = list(completions(shape.subject, {}))
        things = list(completions(shape.resources[resource], {}))
        for action in actions:
            for _ in range(SITUATIONS_EACH // 3):
                subject, facts = draw.choice(subjects), draw.choice(things)
                expected = judge.allows(subject, action, resource, facts)
                for engine in ("diagram", "polar"):
                    answer = policy.answer("user", subject, action, resource, facts, engine=engine)
                    assert (answer.decision, answer.error) == (expected, None), (engine, subject, action, facts, text)
                answers[expected] += 1


def test_missing_facts_are_answered_as_all_their_completions_are(drawn: Drawn) -> None:
    policy, shape, text, judge, seed = drawn
    draw = random.Random(seed + 10_000)
    for _ in range(8):
        resource = draw.choice(list(ACTIONS))
        action = draw.choice(ACTIONS[resource])
        subject = {key: draw.choice(values) for key, values in shape.subject.items()}
        facts = {key: draw.choice(values) for key, values in shape.resources[resource].items()}
        for key in draw.sample([*subject, *facts], draw.randint(1, 3)):
            subject.pop(key, None)
            facts.pop(key, None)
        expected = {
            judge.allows(full, action, resource, thing)
            for full in completions(shape.subject, subject)
            for thing in completions(shape.resources[resource], facts)
        }
        by_diagram = policy.answer("user", subject, action, resource, facts)
        by_polar = policy.answer("user", subject, action, resource, facts, engine="polar")
        assert by_diagram == by_polar, (subject, action, facts, text)
        if len(expected) == 1:
            assert (by_diagram.decision, by_diagram.error) == (expected.pop(), None), (subject, action, facts, text)
        else:
            assert not by_diagram.decision
            assert by_diagram.missing
            assert all(name in (by_diagram.error or "") for name in by_diagram.missing)
            absent = {f"subject.{key}" for key in shape.subject.keys() - subject.keys()}
            absent |= {f"resource.{key}" for key in shape.resources[resource].keys() - facts.keys()}
            assert set(by_diagram.missing) <= absent
            assert all(name in (by_diagram.error or "") for name in absent)


def test_the_random_bundles_hold_every_construct_and_both_answers(tmp_path: Path) -> None:
    texts = ""
    answers: Counter[bool] = Counter()
    for seed in range(12):
        draw = random.Random(seed)
        built = build_bundle(tmp_path, draw)
        if built is None:
            continue
        policy, shape, text = built
        texts += text.replace(HELPERS, "")
        for resource, actions in ACTIONS.items():
            for action in actions:
                question = policy.question("user", action, resource)
                assert question is not None
                subject = tuple(draw.choice(values) for values in shape.subject.values())
                thing = tuple(draw.choice(values) for values in shape.resources[resource].values())
                answers[question.decide(subject, thing)] += 1
    for construct in ("not (", " or ", " in [", "among(", "warm(", "cold(", "chain(", "side(", "s.switch(", "inner."):
        assert construct in texts, construct
    assert min(answers[True], answers[False]) >= 3
