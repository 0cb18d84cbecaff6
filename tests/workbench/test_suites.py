"""Suites hold or fail as asking cell by cell would, and what they reach is counted exactly."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from authz_service.cli.policy import app
from authz_service.workbench.cases import SuiteError, known
from authz_service.workbench.coverage import path_of
from authz_service.workbench.suites import read_cases, run
from tests.workbench.brute import situations
from tests.workbench.conftest import AUTHZEN, POLICIES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.engine import Policy

SUITE = (AUTHZEN / "todo" / "suites" / "editors.yaml").read_text()


def run_test(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["test", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def suites_with(folder: Path, old: str, new: str) -> Path:
    assert SUITE.count(old) == 1, old
    folder.mkdir()
    (folder / "editors.yaml").write_text(SUITE.replace(old, new))
    return folder


@pytest.fixture
def cast_suites(tmp_path: Path) -> Path:
    """The world, and two suites of the cast."""
    folder = tmp_path / "suites"
    (folder / "representatives").mkdir(parents=True)
    shutil.copytree(ROOT / "policy_tests" / "world", folder / "world", ignore=shutil.ignore_patterns("*.py*", "__*"))
    for name in ("payer", "guarantor"):
        shutil.copy(ROOT / "policy_tests" / "representatives" / f"{name}.yaml", folder / "representatives")
    return folder


@pytest.mark.parametrize("name", ["todo", "records"])
def test_the_suites_of_a_bundle_hold(name: str) -> None:
    """Suites over facts, in the bundle's own folder: exit status 0, every cell as listed."""
    status, said, error = run_test("--bundle", AUTHZEN / name)
    assert (status, error) == (0, "")
    assert "1 suite, 1 scene, " in said
    assert "all as listed" in said


def test_the_suites_of_a_cast_hold(cast_suites: Path) -> None:
    """A folder with a world: each suite in each of its scenes."""
    status, said, error = run_test("--bundle", POLICIES, "--suites", cast_suites)
    assert (status, error) == (0, "")
    assert said.startswith("2 suites, ")


# label -> old text, new text, what the failure says
WRONG = {
    "a cell left out": (
        "{subject: [rick, morty, summer], action: can_create_todo, resource: [own, of_another],",
        "{subject: [rick, summer], action: can_create_todo, resource: [own, of_another],",
        "morty: can_create_todo own: allowed by writer.creates, though the suite does not list it",
    ),
    "a cell too many": (
        "action: [can_update_todo, can_delete_todo], resource: own,",
        "action: can_update_todo, resource: [own, of_another],",
        "morty: can_update_todo of_another: denied (no rule permits), though the suite lists it",
    ),
    "another rule": (
        "resource: [own, of_another], because: admin.deletes",
        "resource: [own, of_another], because: editor.own",
        "rick: can_delete_todo own: allowed by admin.deletes, and not by editor.own as the suite says",
    ),
    "another reason of a denial": (
        "resource: of_another, expect: denied, because: no rule permits",
        "resource: of_another, expect: denied, because: viewer.reads_only",
        "morty: can_delete_todo of_another: denied by no rule permits, and not by viewer.reads_only as the suite says",
    ),
    "a fact left out": (
        "usual: {subject.role.admin: false, ",
        "usual: {",
        "the answer depends on missing facts: subject.role.admin",
    ),
}


@pytest.mark.parametrize("label", WRONG)
def test_a_cell_that_is_answered_otherwise_fails(tmp_path: Path, label: str) -> None:
    old, new, sentence = WRONG[label]
    status, said, _ = run_test("--bundle", AUTHZEN / "todo", "--suites", suites_with(tmp_path / "suites", old, new))
    assert status == 1
    assert sentence in said
    assert "answered otherwise" in said


# label -> old text, new text, what is refused
REFUSED = {
    "action": (
        "action: can_create_todo, resource: [own",
        "action: can_create, resource: [own",
        "did you mean can_create_todo",
    ),
    "person": (
        "subject: [rick, morty, summer], action",
        "subject: [rik, morty, summer], action",
        "rik is no person of this suite",
    ),
    "fact": (
        "beth: {type: user, facts: {role.viewer",
        "beth: {type: user, facts: {role.viewr",
        "did you mean subject.role.viewer",
    ),
    "value": ("facts: {owner: me}", "facts: {owner: mee}", "mee is no value of resource.owner"),
    "rule": ("because: admin.deletes", "because: admin.delets", "did you mean admin.deletes"),
    "type": ("profile: {type: user}", "profile: {type: usr}", "usr is no resource type"),
    "key": ("says: An", "sayz: An", "unknown key sayz"),
    "expect": ("of_another, expect: denied", "of_another, expect: refused", "allowed or denied, and not refused"),
    "twice": (
        "resource: profile, because: everyone.reads_profiles}\n",
        "resource: profile}\n  - {subject: beth, action: can_read_user, resource: profile}\n",
        "beth: can_read_user profile stands twice",
    ),
}


@pytest.mark.parametrize("label", REFUSED)
def test_a_suite_with_a_slip_is_refused_at_its_line(tmp_path: Path, label: str) -> None:
    old, new, sentence = REFUSED[label]
    status, said, error = run_test("--bundle", AUTHZEN / "todo", "--suites", suites_with(tmp_path / "suites", old, new))
    assert (status, said) == (1, "")
    assert sentence in error
    line = SUITE[: SUITE.index(old)].count("\n") + 1
    assert any(error.startswith(f"editors.yaml:{line + offset}: ") for offset in (0, 1)) or label == "key", error


@pytest.mark.parametrize("name", ["todo", "records"])
def test_reach_is_counted_as_situation_by_situation(bundles: dict[str, Policy], name: str) -> None:
    """A situation is reached when its path through the diagram is that of some cell."""
    policy = bundles[name]
    cases = read_cases(policy, AUTHZEN / name / "suites")
    found = run(policy, cases).coverage
    met = {
        (case.key, str(path_of(situation.question, known(situation))))
        for case in cases
        for situation in case.ask(policy).situations
    }
    reached = space = 0
    for key in {case.key for case in cases} | {("user", "can_read_user", "user")} & set(map(tuple, met)):
        question = policy.question(*key)
        assert question is not None
        for situation in situations(key, policy):
            given = {
                question.diagrams.levels[name]: question.diagrams.index(question.diagrams.levels[name], value) or 0
                for name, value in situation.items()
            }
            space += 1
            reached += (key, str(path_of(question, given))) in met
    assert (found.situations, found.space, found.paths) == (reached, space, len(met))


def test_the_outcome_is_written_as_junit(tmp_path: Path) -> None:
    """A test suite a file, a test case a scene, and the failing cells in it."""
    suites = suites_with(tmp_path / "suites", "because: admin.deletes", "because: editor.own")
    status, _, _ = run_test("--bundle", AUTHZEN / "todo", "--suites", suites, "--junit", tmp_path / "junit.xml")
    root = ET.parse(tmp_path / "junit.xml").getroot()
    assert (status, root.get("tests"), root.get("failures")) == (1, "1", "1")
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert "rick: can_delete_todo own" in (failure.text or "")


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            ("payer.yaml", "open: [portal@rosa,", "open: [portal@rsa,"),
            "representatives/payer.yaml: for harbor, nothing called portal@rsa",
        ),
        (("payer.yaml", "says:", "syas:"), "payer.yaml: unknown key syas"),
    ],
)
def test_a_slip_in_a_suite_of_the_cast_is_one_line(
    cast_suites: Path, ours: Policy, edit: tuple[str, str, str], sentence: str
) -> None:
    file, old, new = edit
    path = cast_suites / "representatives" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(SuiteError) as refused:
        read_cases(ours, cast_suites)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_without_suites_is_refused(tmp_path: Path) -> None:
    status, _, error = run_test("--bundle", AUTHZEN / "gateway", "--suites", tmp_path)
    assert (status, error) == (1, f"kinguard: {tmp_path} holds no suite (*.yaml)\n")
