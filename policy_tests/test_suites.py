"""Each policy file has a suite: what it lists is allowed by the rules named, and all else is denied."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from authz_service.workbench.cases import SuiteError, judge
from authz_service.workbench.cast_scenes import changed
from authz_service.workbench.cast_suites import cast_cases
from authz_service.workbench.coverage import Reached
from authz_service.workbench.fact_suites import fact_cases
from authz_service.workbench.rules import rule_uses
from policy_tests.suites import HOME, SUITES, base_scene, board
from policy_tests.world.load import load_world

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from authz_service.engine import Policy
    from authz_service.workbench.cases import Case

POLICIES = HOME.parent / "policies"


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


@pytest.mark.parametrize("name", SUITES)
def test_what_a_suite_lists_is_allowed_and_all_else_is_denied(policy: Policy, name: str) -> None:
    """In every scene, over everything on the board, exactly the listed cells are allowed, by the rules named."""
    assert wrong(policy, cast_cases(policy, load_world(), name, SUITES[name])) == []


@pytest.mark.parametrize("path", sorted((HOME / "facts").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_suite_over_facts_holds(policy: Policy, path: Path) -> None:
    """What the cast has no example of is asked as plain situations."""
    assert wrong(policy, fact_cases(policy, path.read_text(encoding="utf-8"), path.name)) == []


def test_without_any_one_rule_some_suite_would_fail(policy: Policy) -> None:
    """Each rule that is not a second wall decides some cell alone, so that a suite notices when it is gone."""
    reached = Reached()
    for name, suite in SUITES.items():
        for case in cast_cases(policy, load_world(), name, suite):
            reached.add(case.ask(policy).situations)
    assert set(reached.coverage(policy).idle) == second_walls(policy)


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
    less = replace(suite, allowed={"harbor": {"payer.calendar_and_invoices": {"open": ["portal@rosa"]}}}, vary=())
    assert "allowed by payer.calendar_and_invoices, though the suite does not list it" in " ".join(
        wrong(policy, cast_cases(policy, load_world(), "less", less))
    )


def test_a_selector_that_means_nothing_is_refused(policy: Policy) -> None:
    asked = board(policy, ["rosa"])
    with pytest.raises(SuiteError, match="nothing called inv_rosa_9"):
        asked.table({"rosa": {"self.own_portal": {"view": ["inv_rosa_9"]}}})


def test_a_change_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(SuiteError, match=r"grants\.g_tom_rosa\.togles\.forms leads nowhere"):
        changed(base_scene(), {"grants.g_tom_rosa.togles.forms": True})


def wrong(policy: Policy, cases: Iterable[Case]) -> list[str]:
    """What is not answered as the suites say."""
    judged = ((case, judge(case, case.ask(policy))) for case in cases)
    return [f"{case.place}: {found}" for case, found in judged if found]


def second_walls(policy: Policy) -> set[str]:
    """The rules without which every question would be answered as it is."""
    return {use.rule.id for use in rule_uses(policy) if not use.decides}
