"""Invariants are proven over the whole space: a failing one comes with its smallest counterexample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authz_service.engine import load_policy
from tests.engine.bundles import FILES, edited, line_with, refusals, write_files

if TYPE_CHECKING:
    from pathlib import Path

INVARIANTS = "invariants.yaml"
PLAN = "never: {subject: account, action: any, resource: service_plan, when: {subject.kind: {not: self}}}"

# new text for the statement of the first invariant, a piece of the sentence
MISTAKES = {
    "unknown fact": (PLAN.replace("subject.kind", "subject.knd"), "did you mean subject.kind"),
    "unknown value": (PLAN.replace("self", "slef"), "slef is no value of subject.kind"),
    "unknown action": (PLAN.replace("action: any", "action: veiw"), "did you mean view"),
    "unknown resource": (PLAN.replace("service_plan", "service_pln"), "did you mean service_plan"),
    "unknown subject": (PLAN.replace("account", "acount"), "did you mean account"),
    "action of another type": (PLAN.replace("action: any", "action: pay"), "pay is no action of service_plan"),
    "fact of another type": (
        PLAN.replace("subject.kind: {not: self}", "resource.addressee: me"),
        "no fact of service_plan",
    ),
    "unknown key": (PLAN.replace("when:", "were:"), "unknown key were in never"),
    "unknown condition": (PLAN.replace("{not: self}", "{nto: self}"), "did you mean not"),
    "unless": (PLAN.replace("when:", "unless: {subject.kind: slf}, when:"), "did you mean self"),
    "no value left": (
        PLAN.replace("{not: self}", "{not: [self, guardian, emergency_contact, payer]}"),
        "no value of subject.kind is left",
    ),
    "neither": ("nevr: {}", "unknown key nevr"),
    "both": (f"{PLAN}\n    always: {{subject: account, action: any, resource: any}}", "either never or always"),
    "empty list": (PLAN.replace("resource: service_plan", "resource: []"), "must not be empty"),
    "no situation": (
        (
            "never: {subject: account, action: view, resource: invoice, "
            "when: {subject.kind: self, resource.addressee: client}}"
        ),
        "speaks of no situation that can occur",
    ),
}


@pytest.mark.parametrize("label", MISTAKES)
def test_a_mistake_in_an_invariant_is_refused_at_its_line(tmp_path: Path, label: str) -> None:
    statement, sentence = MISTAKES[label]
    files = edited(INVARIANTS, PLAN, statement)
    found = refusals(tmp_path, files)
    first = line_with(files[INVARIANTS], "id: no_plan_for_others")
    places = tuple(f"{INVARIANTS}:{first + offset}: " for offset in range(4))
    assert [problem for problem in found if problem.startswith(places) and sentence in problem], found


def test_an_id_is_used_once(tmp_path: Path) -> None:
    files = edited(INVARIANTS, "id: billers_print", "id: no_plan_for_others")
    assert any("stands on line 3 already" in problem for problem in refusals(tmp_path, files))


def test_a_never_that_fails_comes_with_the_smallest_counterexample(tmp_path: Path) -> None:
    files = edited("limits.polar", "if rep.pending;", 'if rep.pending and rep.kind = "guardian";')
    assert refusals(tmp_path, files) == [
        (
            f"{INVARIANTS}:6: the invariant pending_reaches_nothing does not hold (A person who has not signed in yet "
            "reaches nothing.): view invoice by account is allowed when subject.kind = self, subject.pending = true, "
            "subject.toggle.invoices = true, resource.addressee = me"
        )
    ]


def test_an_always_that_fails_comes_with_a_counterexample(tmp_path: Path) -> None:
    files = edited("representatives.polar", 'if staff.role = "biller"', 'if staff.role = "therapist"')
    assert refusals(tmp_path, files) == [
        (
            f"{INVARIANTS}:9: the invariant billers_print does not hold (A biller can always print an invoice.): "
            "print invoice by staff is denied when subject.role = biller"
        )
    ]


def test_an_exception_takes_its_situations_out(tmp_path: Path) -> None:
    broken = edited("limits.polar", "if rep.pending;", 'if rep.pending and rep.kind = "guardian";')
    excused = broken[INVARIANTS].replace(
        "when: {subject.pending: true}", "when: {subject.pending: true}, unless: {subject.kind: {not: guardian}}"
    )
    assert refusals(tmp_path, broken | {INVARIANTS: excused}) == []


def test_any_leaves_out_the_types_that_lack_a_fact(tmp_path: Path) -> None:
    text = FILES[INVARIANTS] + (
        "  - id: others_invoices\n    says: Nobody views what is addressed to others.\n"
        "    never: {subject: account, action: any, resource: any, when: {resource.addressee: other}}\n"
    )
    kept = edited("representatives.polar", 'not invoice.addressee in ["other"]', 'invoice.addressee = "client"')
    kept["limits.polar"] += (
        'forbid(rep: Representative, _a, i: Invoice, "others") if rep.kind = "self" and i.addressee = "other";\n'
    )
    policy = load_policy(write_files(tmp_path, kept | {INVARIANTS: text}))
    proofs = {proof.invariant.id: proof for proof in policy.prove()}
    assert proofs["others_invoices"].questions == 3
    # kind 3 of 4 possible with `client` for self left out: 4 x 2 x 3 x 2 x 2 x 1 x 3 states, in three questions.
    assert proofs["others_invoices"].situations == 3 * 4 * 2 * 3 * 2 * 2 * 3
    assert all(proof.counterexample is None for proof in proofs.values())


def test_a_bundle_needs_no_invariants(tmp_path: Path) -> None:
    files = {name: text for name, text in FILES.items() if name != INVARIANTS}
    assert load_policy(write_files(tmp_path, files)).prove() == []
