"""Each policy file has a suite: what it lists is allowed by the rules named, and all else is denied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policy_tests.suites import (
    HOME,
    Board,
    Suite,
    SuiteError,
    Variation,
    base_scene,
    changed,
    deciding,
    explains,
    holding,
    read_suite,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from authz_service.engine import Policy, Question
    from authz_service.facts.decision import Decision, Situation
    from policy_tests.suites import Because, Cell, Scene

POLICIES = HOME.parent / "policies"
SUITES = {
    str(path.relative_to(HOME).with_suffix("")): read_suite(path)
    for folder in (HOME, *(HOME / name for name in ("representatives", "limits", "staff")))
    for path in sorted(folder.glob("*.yaml"))
}
VARIATIONS = [
    pytest.param(suite, variation, id=f"{name}: {variation.says}")
    for name, suite in SUITES.items()
    for variation in suite.vary
]


def test_every_policy_file_has_its_suite_and_every_suite_its_policy_file() -> None:
    files = {str(path.relative_to(POLICIES).with_suffix("")) for path in POLICIES.rglob("*.polar")}
    assert files == set(SUITES)


def test_every_rule_decides_in_some_suite(policy: Policy) -> None:
    """Each rule is named by a suite as the reason of a cell, so none goes untested."""
    named = {
        part.strip()
        for suite in SUITES.values()
        for table in (suite.allowed, suite.refused, *(t for v in suite.vary for t in (v.gains, v.loses)))
        for by_rules in table.values()
        for rules in by_rules
        for part in rules.split("+")
    }
    assert set(policy.rules) - named == set()
    assert named - set(policy.rules) == {"no rule permits"}


@pytest.mark.parametrize("suite", [pytest.param(suite, id=name) for name, suite in SUITES.items()])
def test_what_a_suite_lists_is_allowed_and_all_else_is_denied(policy: Policy, suite: Suite) -> None:
    """Over everything on the board, the allowed cells are exactly the listed ones, by the rules named."""
    board = Board(policy, suite.subjects, suite.only)
    assert_table(board, base_scene(), board.table(suite.allowed), board.table(suite.refused))


@pytest.mark.parametrize(("suite", "variation"), VARIATIONS)
def test_a_change_has_the_effect_that_the_suite_says_and_no_other(
    policy: Policy, suite: Suite, variation: Variation
) -> None:
    """After the change, what was allowed is allowed, plus the gains, minus the losses."""
    board = Board(policy, suite.subjects, suite.only)
    before = board.table(suite.allowed)
    gains, loses = board.table(variation.gains), board.table(variation.loses, frozenset(before))
    assert not gains.keys() & before.keys(), "gains what was allowed before"
    assert loses.keys() <= before.keys(), "loses what was not allowed before"
    by_others = board.table(variation.by_others)
    assert by_others.keys() <= before.keys() - loses.keys(), "allowed by other rules, but not allowed before"
    allowed = {cell: because for cell, because in before.items() if cell not in loses} | gains | by_others
    assert_table(board, changed(base_scene(), variation.change), allowed, loses)


def test_without_any_one_rule_some_suite_would_fail(policy: Policy) -> None:
    """Each rule that is not a second wall decides some cell alone, so that a suite notices when it is gone."""
    met: set[Situation] = set()
    for suite in SUITES.values():
        board = Board(policy, suite.subjects, suite.only)
        for change in ({}, *(variation.change for variation in suite.vary)):
            answers = board.answers(changed(base_scene(), change))
            met.update(situation for decision in answers.values() for situation in decision.situations)
    alone: set[str] = set()
    for situation in met:
        permits, forbids = holding([situation], "permit"), holding([situation], "forbid")
        if permits and len(forbids or permits) == 1:
            alone |= forbids or permits
    assert set(policy.rules) - alone == second_walls(policy)


def test_the_second_walls_are_known(policy: Policy) -> None:
    """These forbids change no answer today: the kinds permit nothing behind them. They stay, should a permit grow."""
    assert second_walls(policy) == {
        "platform.clinical_records",
        "co_parent.no_service_plan",
        "emergency_contact.no_service_plan",
        "payer.no_service_plan",
        "community.no_service_plan",
        "guarantor.no_service_plan",
    }


def test_a_cell_left_out_of_a_suite_is_noticed(policy: Policy) -> None:
    """The control: without one of its cells, a suite fails."""
    suite = SUITES["representatives/payer"]
    board = Board(policy, suite.subjects)
    allowed = board.table(suite.allowed)
    allowed.popitem()
    with pytest.raises(AssertionError):
        assert_table(board, base_scene(), allowed, {})


def test_a_selector_that_means_nothing_is_refused(policy: Policy) -> None:
    board = Board(policy, ["rosa"])
    with pytest.raises(SuiteError, match="nothing called inv_rosa_9"):
        board.table({"rosa": {"self.own_portal": {"view": ["inv_rosa_9"]}}})


def test_a_change_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(SuiteError, match=r"grants\.g_tom_rosa\.togles\.forms leads nowhere"):
        changed(base_scene(), {"grants.g_tom_rosa.togles.forms": True})


def assert_table(board: Board, scene: Scene, allowed: Because, refused: Because) -> None:
    answers = board.answers(scene)
    found = {cell for cell, decision in answers.items() if decision.allowed}
    assert shown(found - allowed.keys()) == [], "allowed, though the suite does not list it"
    assert shown(allowed.keys() - found) == [], "denied, though the suite lists it"
    unclear = {cell: decision.error for cell, decision in answers.items() if decision.error and not decision.reason}
    assert unclear == {}, "could not be decided for want of facts"
    wrong = {cell: deciding(answers[cell]) for cell, because in allowed.items() if deciding(answers[cell]) != because}
    assert wrong == {}, "allowed by other rules than the suite names"
    assert shown(cell for cell, because in refused.items() if not refused_by(answers[cell], because)) == [], (
        "denied, but not by the rule that the suite names"
    )


def second_walls(policy: Policy) -> set[str]:
    """The rules without which every question would be answered as it is."""
    needed: set[str] = set()
    for question in questions(policy):
        diagrams = question.diagrams.scratch()
        for rule_id, diagram in question.rule_diagrams.items():
            effect = policy.rules[rule_id].effect
            others = diagrams.any_of(
                other
                for other_id, other in question.rule_diagrams.items()
                if other_id != rule_id and policy.rules[other_id].effect == effect
            )
            decides = diagrams.without(diagram, others)
            if effect == "permit":
                decides = diagrams.without(decides, question.forbid_diagram)
            else:
                decides = diagrams.both(decides, question.permit_diagram)
            if diagrams.without(decides, question.impossible_diagram) is not False:
                needed.add(rule_id)
    return set(policy.rules) - needed


def questions(policy: Policy) -> Iterator[Question]:
    for resource_type, actions in policy.resource_types.items():
        for action in actions:
            for who in policy.subject_types:
                question = policy.question(who, action, resource_type)
                assert question is not None
                yield question


def refused_by(decision: Decision, because: frozenset[str]) -> bool:
    return not decision.allowed and explains(decision, because)


def shown(cells: Iterable[Cell]) -> list[str]:
    return sorted(f"{who}: {action} {name}" for who, action, name in cells)
