"""How the rules are written, so that explanations can name and quote them, and the bundle stays short."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import pytest

from policy_tests.suites import HOME

if TYPE_CHECKING:
    from authz_service.engine import Policy

_WORDS = 3_600
"""Half an hour's reading, at 120 words a minute."""


def test_every_rule_is_explained_by_one_plain_sentence(policy: Policy) -> None:
    unexplained = [rule.id for rule in policy.rules.values() if "\n" in rule.says or not rule.says.endswith(".")]
    assert unexplained == []


def test_a_rule_is_named_after_its_file(policy: Policy) -> None:
    """The first part of an id is the kind, layer or role, so an explanation can tell which of them spoke."""
    astray = [rule.id for rule in policy.rules.values() if rule.id.split(".")[0] != PurePath(rule.file).stem]
    assert astray == []


def test_no_two_rules_say_the_same(policy: Policy) -> None:
    says = [rule.says for rule in policy.rules.values()]
    assert len(says) == len(set(says))


def test_the_rules_can_be_read_in_half_an_hour() -> None:
    words = sum(len(path.read_text(encoding="utf-8").split()) for path in (HOME.parent / "policies").rglob("*.polar"))
    assert words <= _WORDS


def test_the_invariants_are_proven_over_situations_that_occur(policy: Policy) -> None:
    """At least 25 statements, each over more than one situation, none with a counterexample."""
    proofs = policy.prove()
    assert len(proofs) >= 25
    assert [proof.invariant.id for proof in proofs if proof.counterexample or proof.situations < 2] == []


@pytest.mark.parametrize(
    "named",
    [
        "no_plan_for_contacts_and_payers",
        "clinical_records_reach_no_representative",
        "only_an_active_grant_reaches_anything",
        "only_the_window_reaches_anything",
        "a_block_stops_everything",
        "payers_reach_calendar_and_invoices_only",
        "payers_reach_their_own_invoices_only",
        "nobody_reaches_what_is_addressed_to_another",
        "co_parents_reach_no_payment_of_the_other",
        "co_parents_reach_no_form_of_the_other",
        "staff_stay_in_their_practice",
        "minor_consented_items_are_the_minors",
    ],
)
def test_a_promise_of_the_design_is_among_the_invariants(policy: Policy, named: str) -> None:
    assert named in {proof.invariant.id for proof in policy.prove()}
