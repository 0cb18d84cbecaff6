"""A mutant is what a load of the changed text is, and every mutant that changes an answer must be noticed."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from authz_service.cli.policy import app
from authz_service.engine import BundleError, load_policy
from authz_service.engine.tokens import read_polar
from authz_service.workbench.difference import compare
from authz_service.workbench.mutation_run import try_mutants
from authz_service.workbench.mutation_testing import Fate, Laboratory
from authz_service.workbench.mutations import mutants, mutated
from authz_service.workbench.polar_writing import written
from authz_service.workbench.suites import read_cases
from tests.engine.bundles import FILES, write_files
from tests.workbench.conftest import AUTHZEN, POLICIES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.engine.build import QuestionKey
    from authz_service.workbench.cases import Case
    from authz_service.workbench.mutations import Mutant

CASES = int(os.environ.get("KINGUARD_CASES", "1000"))
COPIED = shutil.ignore_patterns("suites", "invariants.yaml")


def in_words(found: list[Mutant], start: str = "") -> list[str]:
    return [f"{mutant.line}: {mutant.what}" for mutant in found if mutant.what.startswith(start)]


def cases_of(laboratory: Laboratory, suites: Path) -> dict[QuestionKey, list[Case]]:
    found: dict[QuestionKey, list[Case]] = {}
    for case in read_cases(laboratory.policy, suites):
        found.setdefault(case.key, []).append(case)
    return found


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_files(tmp_path / "small", {name: text for name, text in FILES.items() if name != "invariants.yaml"})


@pytest.mark.parametrize("name", ["records", "todo", "small"])
def test_a_mutant_is_what_a_load_of_its_text_is(tmp_path: Path, small: Path, name: str) -> None:
    """Refused alike, and otherwise the same difference from the original, found with nothing left out."""
    bundle = small if name == "small" else shutil.copytree(AUTHZEN / name, tmp_path / name, ignore=COPIED)
    original = load_policy(bundle)
    laboratory = Laboratory(bundle)
    fates: Counter[str] = Counter()
    for mutant in laboratory.mutants()[:: 1 if name == "records" else 3]:
        file = bundle / mutant.file
        text = file.read_text()
        file.write_text(mutated(read_polar(text, mutant.file), mutant))
        try:
            whole = load_policy(bundle)
        except BundleError as error:
            problems = [str(problem) for problem in error.problems]
        else:
            problems = []
        file.write_text(text)
        try:
            policy, changed = laboratory.load(mutant)
        except BundleError:
            assert problems, mutant
            fates["refused"] += 1
            continue
        assert not problems, (mutant, problems)
        assert not compare(whole, policy)
        assert set(changed) == {change.question for change in compare(original, whole).changes}, mutant
        fates["changed" if changed else "equivalent"] += 1
    assert fates["changed"] > 10


def test_every_part_of_a_rule_is_changed_once() -> None:
    """All mutants of one rule, in words."""
    text = """\
permit(rep: Representative, "view", invoice: Invoice, "near") if
    (rep.kind = "self" or not rep.pending) and
    invoice.state in ["open", "paid"];
"""
    laboratory = Laboratory(AUTHZEN / "todo")
    facts = laboratory.facts
    assert in_words(mutants(facts, {"main.polar": 'helper("me") if x = true;'})) == [
        '1: dropped helper("me")',
        '1: swapped "me" for "other"',
        "1: dropped x = true",
        "1: negated x = true",
        "1: swapped true for false in x = true",
    ]
    found = mutants(facts, {"main.polar": text})
    assert in_words(found, "dropped") == [
        '1: dropped permit(rep: Representative, "view", invoice: Invoice, "near")',
        '2: dropped (rep.kind = "self" or not rep.pending)',
        '2: dropped rep.kind = "self"',
        "2: dropped not rep.pending",
        '3: dropped invoice.state in ["open", "paid"]',
    ]
    assert in_words(found, "negated") == [
        '2: negated (rep.kind = "self" or not rep.pending)',
        '2: negated rep.kind = "self"',
        "2: negated not rep.pending",
        '3: negated invoice.state in ["open", "paid"]',
    ]
    assert in_words(found, "left") == [
        '3: left "open" out of invoice.state in ["open", "paid"]',
        '3: left "paid" out of invoice.state in ["open", "paid"]',
    ]


def test_a_variable_that_is_left_alone_is_renamed(small: Path) -> None:
    """Polar refuses a variable that stands alone, which would hide what the mutant does."""
    laboratory = Laboratory(small)
    [found] = [m for m in laboratory.mutants() if m.what == "dropped client_may(action, invoice)"]
    assert found.tokens is not None
    assert written(found.tokens).startswith("permit(rep: Representative, _action, invoice: Invoice")
    assert laboratory.test(found, {}).fate is Fate.SURVIVED


@pytest.mark.parametrize("name", ["todo", "records"])
def test_the_suites_notice_every_mutant_that_changes_an_answer(name: str) -> None:
    bundle = AUTHZEN / name
    laboratory = Laboratory(bundle)
    cases = cases_of(laboratory, bundle / "suites")
    outcomes = [laboratory.test(mutant, cases) for mutant in laboratory.mutants()]
    assert [str(outcome.mutant) for outcome in outcomes if outcome.fate is Fate.SURVIVED] == []
    fates = Counter(outcome.fate for outcome in outcomes)
    assert min(fates[Fate.DISPROVED], fates[Fate.FAILED], fates[Fate.REFUSED]) > 0


def test_a_mutant_that_nobody_notices_is_listed_with_its_line(tmp_path: Path) -> None:
    """The control: without two people of the suite, the roles that only they tell apart can be swapped."""
    bundle = shutil.copytree(AUTHZEN / "todo", tmp_path / "todo")
    suite = bundle / "suites" / "editors.yaml"
    lines = [line for line in suite.read_text().splitlines() if not line.strip().startswith(("summer:", "jerry:"))]
    suite.write_text("\n".join(lines).replace(", summer", "").replace(", jerry", "") + "\n")
    result = CliRunner().invoke(app, ["mutants", "--bundle", str(bundle)])
    assert result.exit_code == 1
    assert 'main.polar:16: survived: swapped "admin" for "evil_genius" in user.role("admin") = true' in result.stdout
    assert result.stdout.splitlines()[-1].endswith("3 survived")


def test_two_processes_find_what_one_does() -> None:
    """In the same order, whoever tried which."""
    bundle = AUTHZEN / "records"
    alone, together = (list(try_mutants(bundle, bundle / "suites", 20, processes)) for processes in (1, 2))
    assert alone == together
    assert len(alone) == 20


def test_suites_that_fail_anyway_notice_nothing(tmp_path: Path) -> None:
    bundle = shutil.copytree(AUTHZEN / "records", tmp_path / "records")
    suite = bundle / "suites" / "records.yaml"
    suite.write_text(suite.read_text().replace("owner.everything}", "manager.views}", 1))
    result = CliRunner().invoke(app, ["mutants", "--bundle", str(bundle)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the suites fail without any mutant" in result.stderr


@pytest.mark.timeout(1500)  # At full size.
def test_the_load_the_invariants_and_the_suites_notice_mutants_of_our_own_bundle() -> None:
    """A sample of them (all, from KINGUARD_CASES=90000 on) leaves no survivor."""
    laboratory = Laboratory(POLICIES)
    cases = cases_of(laboratory, ROOT / "policy_tests")
    sample = laboratory.mutants()[:: max(1, 90_000 // CASES)]
    outcomes = [laboratory.test(mutant, cases) for mutant in sample]
    assert [str(outcome.mutant) for outcome in outcomes if outcome.fate is Fate.SURVIVED] == []
