"""Every slip of `seeded_bugs.yaml` is found, by what the table says and by nothing less."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from authz_service.engine import BundleError, load_policy
from authz_service.engine.prove import prove
from authz_service.workbench.cases import judge
from authz_service.workbench.difference import compare
from authz_service.workbench.difference_report import as_text
from authz_service.workbench.mutation_testing import Laboratory
from authz_service.workbench.questions import questions
from authz_service.workbench.suites import read_cases
from tests.workbench.conftest import POLICIES, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.engine import Policy
    from authz_service.engine.build import QuestionKey
    from authz_service.workbench.cases import Case

CASES = int(os.environ.get("KINGUARD_CASES", "1000"))


@dataclass(frozen=True, slots=True)
class Bug:
    """A slip: edits of files, what finds it (`check`, or some of `prove test diff`), and what they say of it."""

    slip: str
    edits: list[dict[str, str]]
    by: str
    says: str = ""
    where: str = ""


BUGS = [Bug(**row) for row in yaml.safe_load((Path(__file__).parent / "seeded_bugs.yaml").read_text(encoding="utf-8"))]
each_bug = pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.slip)


@pytest.fixture(scope="module")
def laboratory() -> Laboratory:
    return Laboratory(POLICIES)


@pytest.fixture(scope="module")
def cells(laboratory: Laboratory) -> dict[QuestionKey, list[Case]]:
    found: dict[QuestionKey, list[Case]] = {}
    for case in read_cases(laboratory.policy, ROOT / "policy_tests"):
        found.setdefault(case.key, []).append(case)
    return found


def texts(bug: Bug) -> dict[str, str]:
    """The files of a bug, each with its edits; a piece that is no longer there, or there twice, fails."""
    found: dict[str, str] = {}
    for edit in bug.edits:
        file, old = edit["file"], edit["old"]
        text = found.get(file) or (POLICIES / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        found[file] = text.replace(old, edit["new"])
    return found


def loaded(laboratory: Laboratory, files: Mapping[str, str], folder: Path) -> tuple[Policy, set[QuestionKey]]:
    """The policy with these files, and the questions that it answers otherwise; traced anew where facts change."""
    if "facts.yaml" not in files:
        policy, changed = laboratory.edit(files)
        return policy, set(changed)
    shutil.copytree(POLICIES, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("invariants.yaml"))
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    policy = load_policy(folder)
    return policy, {change.question for change in compare(laboratory.policy, policy).changes}


def broken(laboratory: Laboratory, policy: Policy) -> list[str]:
    diagrams = next(questions(policy)).diagrams.scratch()
    proofs = prove(laboratory.invariants, policy._facts, diagrams, policy._decisions)
    return [proof.invariant.id for proof in proofs if proof.counterexample is not None]


@each_bug
def test_a_seeded_bug_is_found(
    laboratory: Laboratory, cells: dict[QuestionKey, list[Case]], tmp_path: Path, bug: Bug
) -> None:
    if bug.by == "check":
        with pytest.raises(BundleError) as caught:
            loaded(laboratory, texts(bug), tmp_path)
        assert any(bug.says in problem.message for problem in caught.value.problems), caught.value
        return
    policy, changed = loaded(laboratory, texts(bug), tmp_path)
    by = []
    invariants = broken(laboratory, policy)
    if invariants:
        by.append("prove")
        assert bug.says in invariants
    if any(judge(case, case.ask(policy)) for key in changed for case in cells.get(key, ())):
        by.append("test")
    if difference := compare(laboratory.policy, policy):
        by.append("diff")
        told = as_text(difference, "policies", "draft")
        assert bug.where
        assert bug.where in told, told
    assert " ".join(by) == bug.by


def test_the_table_is_long_and_says_what_finds_each() -> None:
    """At least thirty slips, each once; each finder is needed for some."""
    assert len({bug.slip for bug in BUGS}) == len(BUGS) >= 30
    assert {part for bug in BUGS for part in bug.by.split()} == {"check", "prove", "test", "diff"}
    assert {"check", "test diff", "diff"} <= {bug.by for bug in BUGS}


@pytest.mark.parametrize("bug", BUGS[:: 4 if CASES >= 10_000 else 20], ids=lambda bug: bug.slip)
def test_a_load_of_the_whole_bundle_finds_as_much(laboratory: Laboratory, tmp_path: Path, bug: Bug) -> None:
    """What `check` and `prove` say of a bug does not depend on tracing only what it touches."""
    shutil.copytree(POLICIES, tmp_path, dirs_exist_ok=True)
    for file, text in texts(bug).items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    if "check" in bug.by or "prove" in bug.by:
        with pytest.raises(BundleError) as caught:
            load_policy(tmp_path)
        assert any(bug.says in problem.message for problem in caught.value.problems)
    else:
        assert compare(laboratory.policy, load_policy(tmp_path))


def test_the_bundle_itself_has_none_of_them(laboratory: Laboratory, cells: dict[QuestionKey, list[Case]]) -> None:
    """The control: an edit that changes nothing is found by nothing."""
    policy, changed = laboratory.edit({"limits/person.polar": (POLICIES / "limits/person.polar").read_text()})
    assert (changed, broken(laboratory, policy), compare(laboratory.policy, policy).changes) == ({}, [], ())
    assert not any(judge(case, case.ask(policy)) for cases in cells.values() for case in cases[:20])
