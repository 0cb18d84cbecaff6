"""A rule is idle exactly when taking it out changes no answer, and the rules blamed for it suffice."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from authz_service.engine import load_policy
from authz_service.workbench.questions import keys_of, questions
from authz_service.workbench.rules import rule_uses
from tests.engine.bundles import FILES, write_files
from tests.engine.random_bundles import build_bundle
from tests.workbench.brute import situations

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from authz_service.engine import Policy, Question
    from authz_service.engine.diagram import Value


def held(question: Question, situation: Mapping[str, Value]) -> set[str]:
    """The rules that hold in a situation."""
    diagrams = question.diagrams
    at = {diagrams.levels[name]: diagrams.index(diagrams.levels[name], value) or 0 for name, value in situation.items()}
    return {rule_id for rule_id, diagram in question.rule_diagrams.items() if diagrams.holds(diagram, at)}


def assert_counts(policy: Policy) -> None:
    holds, decides = dict.fromkeys(policy.rules, 0), dict.fromkeys(policy.rules, 0)
    uses = {use.rule.id: use for use in rule_uses(policy)}
    effects = {rule_id: rule.effect for rule_id, rule in policy.rules.items()}
    for key in keys_of(policy):
        question = policy.question(*key)
        assert question is not None
        for situation in situations(key, policy):
            s, r = (
                tuple(situation[f.name] for f in slots) for slots in (question.subject_slots, question.resource_slots)
            )
            if question.impossible(s, r):
                continue
            rules = held(question, situation)
            permits = {rule_id for rule_id in rules if effects[rule_id] == "permit"}
            forbids = rules - permits
            for rule_id in rules:
                holds[rule_id] += 1
                left = rules - {rule_id}
                decides[rule_id] += bool(left & permits and not left & forbids) is not bool(permits and not forbids)
                use = uses[rule_id]
                if not use.decides and not use.behind:
                    assert left & set(use.because) or (rule_id in forbids and not permits)
    assert {rule_id: (use.situations, use.decides) for rule_id, use in uses.items()} == {
        rule_id: (holds[rule_id], decides[rule_id]) for rule_id in policy.rules
    }


@pytest.mark.parametrize("name", ["small", "todo", "gateway", "records"])
def test_where_a_rule_decides_is_counted_exactly(bundles: dict[str, Policy], name: str) -> None:
    assert_counts(bundles[name])


@pytest.mark.parametrize("seed", range(4))
def test_where_a_rule_decides_is_counted_exactly_in_random_bundles(tmp_path: Path, seed: int) -> None:
    built = build_bundle(tmp_path, random.Random(seed + 70_000))
    if built is not None:
        assert_counts(built[0])


def test_the_rules_that_make_another_redundant_are_named(tmp_path: Path) -> None:
    """A permit within another, a forbid within two others, and one behind which nothing is permitted."""
    files = dict(FILES)
    files["extra.polar"] = """\
permit(rep: Representative, "view", invoice: Invoice, "payer.open") if
    rep.kind = "payer" and invoice.addressee = "me" and invoice.state = "open";
forbid(rep: Representative, "view", _: ServicePlan, "both") if rep.pending and rep.toggle("service_plan") = false;
forbid(staff: Staff, "pay", _: Invoice, "staff.never_pay") if staff.role = "biller";
"""
    uses = {use.rule.id: use for use in rule_uses(load_policy(write_files(tmp_path, files)))}
    assert (uses["payer.open"].because, uses["payer.open"].behind) == (["payer.own"], False)
    assert uses["both"].because in (["pending"], ["toggle.off"])
    assert (uses["staff.never_pay"].because, uses["staff.never_pay"].behind) == ([], True)
    assert not [use for use in uses.values() if use.decides and use.because]


def test_every_question_is_looked_at(ours: Policy) -> None:
    """All 148 questions of our bundle; its idle rules are second walls behind which nothing is permitted."""
    assert len(list(questions(ours))) == len(keys_of(ours)) == 148
    idle = [use for use in rule_uses(ours) if not use.decides]
    assert idle
    assert all(use.behind and not use.because and use.rule.effect == "forbid" for use in idle)
