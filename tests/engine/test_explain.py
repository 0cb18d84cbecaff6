"""Explanations: the rules that decide, a minimal set of facts that forces the answer, and the nearest other answers."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.engine import MISSING, BundleError, load_policy
from authz_service.engine.explain import Because, Explanation, explain
from authz_service.engine.forcing import alternatives
from tests.engine.things import write_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from authz_service.engine import Policy, Question

FACTS = """
version: 1
subjects: {account: {class: Rep}}
resources: {thing: {class: Thing, actions: [view]}}
facts:
  subject.kind: {values: [near, far, odd], controlled_by: grant, says: how near this person is}
  subject.lit: {values: [false, true], controlled_by: grant, says: it is switched on}
  subject.open: {values: [true, false], controlled_by: practice}
  resource.state: {values: [new, old, gone], controlled_by: item}
  resource.kept: {values: [false, true], controlled_by: item}
impossible:
  - {subject.kind: odd, resource.state: gone}
"""
VALUES: dict[str, tuple[Any, ...]] = {
    "subject.kind": ("near", "far", "odd"),
    "subject.lit": (False, True),
    "subject.open": (True, False),
    "resource.state": ("new", "old", "gone"),
    "resource.kept": (False, True),
}
NAMES = tuple(VALUES)
Situation = tuple[Any, ...]


def literal(rng: random.Random, name: str) -> str:
    who, _, fact = name.partition(".")
    value = rng.choice(VALUES[name])
    written = str(value).lower() if isinstance(value, bool) else f'"{value}"'
    return f"{'s' if who == 'subject' else 'r'}.{fact} {rng.choice(['=', '!='])} {written}"


def random_policy(folder: Path, rng: random.Random) -> Policy:
    """A random rule may contradict itself or what is impossible; then another bundle is drawn."""
    for i in itertools.count():
        rules = []
        for effect, name in [("permit", "p1"), ("permit", "p2"), ("permit", "p3"), ("forbid", "f1"), ("forbid", "f2")]:
            body = " and ".join(literal(rng, fact) for fact in rng.sample(NAMES, rng.randint(1, 3)))
            subject, resource = ("s" if "s." in body else "_s"), ("r" if "r." in body else "_r")
            rules.append(f'{effect}({subject}: Rep, "view", {resource}: Thing, "{name}") if {body};')
        try:
            return load_policy(write_bundle(folder / str(i), "\n".join(rules), FACTS))
        except BundleError:
            assert i < 20
    raise AssertionError


def possible(situation: Situation) -> bool:
    return not (situation[0] == "odd" and situation[3] == "gone")


def decide(question: Question, situation: Situation) -> bool:
    return question.decide(situation[:3], situation[3:])


def completions(known: dict[str, Any]) -> Iterator[Situation]:
    return filter(possible, itertools.product(*([known[n]] if n in known else VALUES[n] for n in NAMES)))


def policies(folder: Path, count: int = 12) -> Iterator[tuple[Question, random.Random]]:
    rng = random.Random(11)
    for i in range(count):
        yield random_policy(folder / str(i), rng).question("account", "view", "thing"), rng


def explained(question: Question, situation: Situation) -> Explanation:
    return explain(question, situation[:3], situation[3:])


def test_the_deciding_facts_force_the_answer(tmp_path: Path) -> None:
    """Whatever the other facts, the deciding facts alone bring the same answer."""
    for question, _ in policies(tmp_path):
        for situation in completions({}):
            explanation = explained(question, situation)
            known = {fact.name: fact.value for fact in explanation.facts}
            assert {decide(question, other) for other in completions(known)} == {decide(question, situation)}


def test_no_deciding_fact_can_be_left_out(tmp_path: Path) -> None:
    """Without one of its facts, an allowed answer is not forced any more, and neither is any forbid that holds."""
    checked = 0
    for question, _ in policies(tmp_path):
        for situation in completions({}):
            explanation = explained(question, situation)
            known = {fact.name: fact.value for fact in explanation.facts}
            if explanation.because is Because.PERMITTED:
                for name in known:
                    fewer = {key: value for key, value in known.items() if key != name}
                    assert not all(decide(question, other) for other in completions(fewer))
                    checked += 1
            if explanation.because is Because.FORBIDDEN:
                for rule in explanation.rules:
                    own = {fact.name: fact.value for fact in explanation.facts if rule in fact.rules}
                    assert all(holds(question, rule, other) for other in completions(own))
                    for name in own:
                        fewer = {key: value for key, value in own.items() if key != name}
                        assert not all(holds(question, rule, other) for other in completions(fewer))
                        checked += 1
    assert checked > 500


def holds(question: Question, rule: str, situation: Situation) -> bool:
    levels = {
        question.diagrams.levels[name]: question.diagrams.index(question.diagrams.levels[name], value)
        for name, value in zip(NAMES, situation, strict=True)
    }
    return question.diagrams.holds(question.rule_diagrams.get(rule, False), levels)  # type: ignore[arg-type]


def test_the_determining_rules_are_those_that_hold(tmp_path: Path) -> None:
    """Allowed: the permits that hold. Denied: the forbids that hold, or else permits of which none holds."""
    seen = set()
    for question, _ in policies(tmp_path):
        rules = {name: rule.effect for name, rule in question.rules.items()}
        for situation in completions({}):
            explanation = explained(question, situation)
            held = {
                effect: [n for n in rules if rules[n] == effect and holds(question, n, situation)]
                for effect in ("permit", "forbid")
            }
            seen.add(explanation.because)
            if explanation.because is Because.NOT_PERMITTED:
                assert not held["permit"]
                assert not held["forbid"]
                assert all(rules[name] == "permit" for name in explanation.rules)
            else:
                effect = "permit" if explanation.because is Because.PERMITTED else "forbid"
                assert sorted(explanation.rules) == sorted(held[effect])
                assert explanation.decision is (effect == "permit")
    assert seen == {Because.PERMITTED, Because.FORBIDDEN, Because.NOT_PERMITTED}


def nearest_by_brute_force(question: Question, situation: Situation) -> list[frozenset[str]]:
    """The minimal sets of facts whose change brings the other answer, smallest first."""
    answer = decide(question, situation)
    found: set[frozenset[str]] = set()
    for other in completions({}):
        if decide(question, other) is not answer:
            found.add(frozenset(n for n, a, b in zip(NAMES, situation, other, strict=True) if a != b))
    return sorted((each for each in found if not any(smaller < each for smaller in found)), key=len)


def test_the_nearest_situations_are_the_nearest(tmp_path: Path) -> None:
    """The changed facts are the smallest minimal sets there are, and after the changes the answer is the other."""
    compared = 0
    for question, _ in policies(tmp_path):
        for situation in completions({}):
            explanation = explained(question, situation)
            expected = nearest_by_brute_force(question, situation)
            found = [frozenset(change.fact for change in near.changes) for near in explanation.nearest]
            assert set(found) <= set(expected)
            assert list(map(len, found)) == list(map(len, expected))[:5]
            assert len(set(found)) == len(found)
            for near in explanation.nearest:
                changed = dict(zip(NAMES, situation, strict=True))
                for change in near.changes:
                    assert changed[change.fact] == change.before
                    changed[change.fact] = change.to
                other = tuple(changed.values())
                assert possible(other)
                assert decide(question, other) is not explanation.decision
                compared += 1
    assert compared > 500


def test_a_search_that_forgets_what_was_found_repeats_itself(tmp_path: Path) -> None:
    """Control: without forbidding what was found already, the second-nearest situation would be the nearest again."""
    question = load_policy(
        write_bundle(tmp_path, 'permit(s: Rep, "view", r: Thing, "p") if s.lit = true or r.kept = true;', FACTS)
    ).question("account", "view", "thing")
    known = question.know(("far", False, True), ("new", False)).fixed
    weights = dict.fromkeys(range(len(NAMES)), 1)
    diagrams = question.diagrams.scratch()
    once = alternatives(diagrams, question.diagram, known, weights, 1)
    assert alternatives(diagrams, question.diagram, known, weights, 1) == once
    assert len(alternatives(diagrams, question.diagram, known, weights, 5)) == 2


RULES = """
permit(s: Rep, "view", _r: Thing, "near.on") if s.kind = "near" and s.lit = true;
permit(s: Rep, "view", r: Thing, "far.new") if s.kind = "far" and r.state = "new";
forbid(s: Rep, "view", _r: Thing, "closed") if s.open = false;
forbid(_s: Rep, "view", r: Thing, "kept") if r.kept = true;
"""


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Question:
    return load_policy(write_bundle(tmp_path_factory.mktemp("bundle"), RULES, FACTS)).question(
        "account", "view", "thing"
    )


def test_a_denial_names_every_forbid_and_its_facts(question: Question) -> None:
    """Two forbids that hold are both named, each fact with the forbids that read it."""
    explanation = explain(question, ("near", True, False), ("new", True))
    assert explanation.rules == ("closed", "kept")
    assert [(fact.name, fact.value, fact.rules) for fact in explanation.facts] == [
        ("subject.open", False, ("closed",)),
        ("resource.kept", True, ("kept",)),
    ]
    (nearest,) = explanation.nearest
    assert [(change.fact, change.to, change.controlled_by.value) for change in nearest.changes] == [
        ("subject.open", True, "practice"),
        ("resource.kept", False, "item"),
    ]


def test_a_denial_without_forbid_names_the_permits_that_came_nearest(question: Question) -> None:
    """Where nothing forbids, the permits one change away are named, not those two changes away."""
    explanation = explain(question, ("near", False, True), ("old", False))
    assert (explanation.because, explanation.rules) == (Because.NOT_PERMITTED, ("near.on",))
    assert [(change.fact, change.before, change.to) for change in explanation.nearest[0].changes] == [
        ("subject.lit", False, True)
    ]


def test_what_a_practice_can_switch_comes_before_another_item(question: Question) -> None:
    """Of equally many changes those of the grant are told first."""
    explanation = explain(question, ("far", True, True), ("old", False))
    assert [near.changes[0].controlled_by.value for near in explanation.nearest] == ["grant", "item"]


def test_an_allowed_question_tells_what_would_end_it(question: Question) -> None:
    """The nearest situations of an allowed question are the single changes that would deny it."""
    explanation = explain(question, ("near", True, True), ("old", False))
    assert explanation.rules == ("near.on",)
    assert explanation.refusal is None
    assert {near.changes[0].fact for near in explanation.nearest} == {
        "subject.kind",
        "subject.lit",
        "subject.open",
        "resource.kept",
    }


def test_missing_facts_on_which_the_answer_hangs_are_told(question: Question) -> None:
    """Without a forced answer there are no deciding facts; supplying the missing fact is among the nearest ways."""
    explanation = explain(question, ("near", MISSING, True), ("old", False))
    assert (explanation.decision, explanation.because, explanation.facts) == (False, Because.UNKNOWN, ())
    assert explanation.missing == ("subject.lit",)
    (change,) = explanation.nearest[0].changes
    assert (change.fact, change.before, change.to) == ("subject.lit", None, True)


def test_missing_facts_that_do_not_matter_are_not_told(question: Question) -> None:
    """A denial that holds however the facts are supplied is explained by the known ones."""
    explanation = explain(question, ("near", MISSING, False), (MISSING, False))
    assert (explanation.because, explanation.rules, explanation.missing) == (Because.FORBIDDEN, ("closed",), ())
    assert [fact.name for fact in explanation.facts] == ["subject.open"]


def test_each_way_of_supplying_a_missing_fact_may_meet_another_forbid(tmp_path: Path) -> None:
    """When no one forbid is sure to hold but one of them is, those that may hold are named."""
    rules = """
    permit(_s: Rep, "view", _r: Thing, "all");
    forbid(s: Rep, "view", _r: Thing, "on") if s.lit = true;
    forbid(s: Rep, "view", _r: Thing, "off") if s.lit = false;
    """
    question = load_policy(write_bundle(tmp_path, rules, FACTS)).question("account", "view", "thing")
    explanation = explain(question, ("near", MISSING, True), ("old", False))
    assert (explanation.because, explanation.rules, explanation.error) == (Because.FORBIDDEN, ("on", "off"), None)


@pytest.mark.parametrize(
    ("s", "r", "error"),
    [
        (("nearly", True, True), ("old", False), "is no value of subject.kind"),
        (("near", 1, True), ("old", False), "is no value of subject.lit"),
        (("odd", True, True), ("gone", False), "cannot occur"),
    ],
)
def test_a_situation_that_is_none_is_explained_by_its_error(
    question: Question, s: Situation, r: Situation, error: str
) -> None:
    """A value outside its domain or an impossible situation has an error, and nothing to be taken for a reason."""
    explanation = explain(question, s, r)
    assert (explanation.decision, explanation.because) == (False, Because.ERROR)
    assert explanation.rules == explanation.nearest == explanation.facts == ()
    assert error in (explanation.error or "")
