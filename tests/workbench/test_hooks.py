"""The pre-commit hooks and the GitHub Action do what they say, in a repository that keeps a bundle."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.workbench.conftest import AUTHZEN, ROOT

if TYPE_CHECKING:
    from pathlib import Path

HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
RULES = "policies/main.polar"
CELLS = "policies/suites/editors.yaml"
# A permit grows, and the suite with it.
GROWN = (
    (RULES, 'user.role("admin") = true;', 'user.role("admin") = true or user.role("evil_genius") = true;'),
    (CELLS, "[rick, summer], action: can_delete_todo", "[rick, summer, jerry], action: can_delete_todo"),
)


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Rex", "-c", "user.email=rex@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def kinguard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kinguard as a hook or an action has it: its own checkout, with `.venv` made already."""
    folder = tmp_path_factory.mktemp("kinguard")
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    # What `setup.sh` makes is tested where it is made; here it would fetch every package again.
    (folder / "deploy" / "setup.sh").write_text('#!/bin/sh\ntest "$1" = run\n')
    program = folder / ".venv" / "bin" / "kinguard"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m authz_service.cli "$@"\n')
    program.chmod(0o755)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose branch `main` has the todo scenario in `policies`; the branch `change` is checked out."""
    folder = tmp_path / "repository"
    shutil.copytree(AUTHZEN / "todo", folder / "policies")
    git(folder, "init", "--quiet")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "policy")
    git(folder, "checkout", "--quiet", "-b", "change")
    return folder


def edit(repository: Path, file: str, old: str, new: str) -> None:
    path = repository / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def run_hook(kinguard: Path, repository: Path, hook: dict[str, Any]) -> tuple[str, str]:
    """What pre-commit does with one hook for what is staged: `skipped`, `passed` or `failed`, and the output."""
    listed = subprocess.run(
        ["git", "diff", "--staged", "--name-only"], cwd=repository, check=True, capture_output=True, text=True
    )
    files = [name for name in listed.stdout.splitlines() if re.search(hook["files"], name)]
    if not files:
        return "skipped", ""
    program, *fixed = hook["entry"].split()
    command = [str(kinguard / program), *fixed, *hook["args"], *(files if hook["pass_filenames"] else [])]
    before = {path: path.read_bytes() for path in repository.rglob("*.polar")}
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    changed = any(path.read_bytes() != text for path, text in before.items())
    return ("failed" if done.returncode or changed else "passed"), done.stdout + done.stderr


SLIPS = {
    "check": (RULES, 'todo.owner = "me"', 'todo.ownr = "me"', "did you mean owner?"),
    "fmt": (RULES, 'user.role("editor") = true and\n    todo', 'user.role("editor") = true and todo', "laid out"),
    "lint": (RULES, "# Editors change and delete what is theirs.\n", "", "[no-comment]"),
    "test": (CELLS, "expect: denied", "expect: allowed", "though the suite lists it"),
    "prove": ("policies/invariants.yaml", "resource.owner: [me, other]", "resource.owner: [mee, other]", "mee"),
}


def test_there_is_a_hook_for_each_command() -> None:
    assert set(HOOKS) == {f"kinguard-policy-{name}" for name in SLIPS}
    for hook in HOOKS.values():
        program = ROOT / hook["entry"].split()[0]
        assert hook["language"] == "script"
        assert os.access(program, os.X_OK)


@pytest.mark.parametrize("name", SLIPS)
def test_a_hook_stops_its_slip_and_lets_the_rest_pass(kinguard: Path, repository: Path, name: str) -> None:
    """Nothing staged: skipped. A comment staged: passed. The slip staged: failed, and said."""
    hook = HOOKS[f"kinguard-policy-{name}"]
    assert run_hook(kinguard, repository, hook) == ("skipped", "")
    file, old, new, said = SLIPS[name]
    for changed in {file, RULES}:
        (repository / changed).write_text((repository / changed).read_text() + "\n# A comment more.\n")
    git(repository, "add", "-A")
    outcome, text = run_hook(kinguard, repository, hook)
    assert outcome == "passed", text
    edit(repository, file, old, new)
    git(repository, "add", "-A")
    outcome, text = run_hook(kinguard, repository, hook)
    assert (outcome, said in text) == ("failed", True), text


def expand(text: str, known: dict[str, str]) -> str:
    """An expression of the action, with what GitHub would put there."""
    return re.sub(r"\$\{\{ (.+?) \}\}", lambda match: known[match[1]], text)


def run_action(
    kinguard: Path, repository: Path, temporary: Path, **given: str
) -> tuple[int, str, dict[str, list[dict[str, Any]]]]:
    """The steps of the action in their order: status, job summary, and the results of each SARIF log."""
    temporary.mkdir(exist_ok=True)
    summary = temporary / "summary.md"
    known = {"github.action_path": str(kinguard), "runner.temp": str(temporary)}
    known |= {
        f"inputs.{name}": given.get(name.replace("-", "_"), spec["default"]) for name, spec in ACTION["inputs"].items()
    }
    output = temporary / "output"
    github = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)}
    status = 0
    for step in ACTION["runs"]["steps"]:
        if "run" in step and not status:
            env = {name: expand(value, known) for name, value in step.get("env", {}).items()}
            done = subprocess.run(
                [shutil.which(step["shell"]) or "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=repository,
                env={"PATH": os.environ["PATH"], "HOME": str(temporary), **github, **env},
                capture_output=True,
                text=True,
                check=False,
            )
            status = done.returncode
        elif "uses" in step:
            assert step["if"].startswith("always()")
            folder = expand(step["with"]["sarif_file"], known)
    logs = {
        path.stem: json.loads(path.read_text())["runs"][0]["results"] for path in sorted(temporary.glob("*/*.sarif"))
    }
    assert folder == str(temporary / "kinguard-review")
    assert (output.exists() and "sarif=true\n" in output.read_text()) is bool(logs)
    return status, summary.read_text(), logs


def test_the_action_passes_a_bundle_that_is_as_it_was(kinguard: Path, repository: Path, tmp_path: Path) -> None:
    status, summary, logs = run_action(kinguard, repository, tmp_path / "t", base="main")
    assert status == 0, summary
    for command in ("check", "lint", "test", "prove"):
        assert f"### `policy {command}`: fine" in summary
    assert "Both bundles answer every question alike" in summary
    assert set(logs) == {"lint"}
    assert (tmp_path / "t" / "kinguard-review" / "junit.xml").read_text().startswith("<?xml")


def test_a_mere_difference_fails_only_where_that_is_asked(kinguard: Path, repository: Path, tmp_path: Path) -> None:
    """Where it is not, and the checkout is shallow as in CI, the base is fetched, compared with, and nothing fails."""
    for change in GROWN:
        edit(repository, *change)
    git(repository, "commit", "--quiet", "-am", "more")
    status, summary, _ = run_action(kinguard, repository, tmp_path / "a", base="main", fail_on_difference="true")
    assert (status, "### Newly allowed" in summary) == (1, True)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=change", repository.as_uri(), str(clone))
    status, summary, _ = run_action(kinguard, clone, tmp_path / "b", base="main")
    assert (status, "### Newly allowed" in summary) == (0, True), summary


def test_a_base_that_nobody_has_is_an_error(kinguard: Path, repository: Path, tmp_path: Path) -> None:
    """So are suites that cannot be read, and then there is no log to upload."""
    (repository / CELLS).write_text("version: 2\n")
    status, summary, logs = run_action(kinguard, repository, tmp_path / "t", base="nowhere")
    assert (status, "there is no revision nowhere to compare with" in summary, logs) == (1, True, {})
    assert "editors.yaml:1: version must be 1" in summary


def test_a_refused_bundle_fails_the_action_at_once(kinguard: Path, repository: Path, tmp_path: Path) -> None:
    edit(repository, *SLIPS["check"][:3])
    status, summary, logs = run_action(kinguard, repository, tmp_path / "t", base="main")
    assert (status, "### `policy check`: **needs a reader**" in summary) == (1, True)
    assert SLIPS["check"][3] in summary
    assert {result["ruleId"] for result in logs["check"]} == {"refused"}


def test_a_doubt_fails_the_action_and_stands_beside_its_line(kinguard: Path, repository: Path, tmp_path: Path) -> None:
    """In a folder that the base does not have: there is nothing to compare with, which is said and no error."""
    edit(repository, *SLIPS["lint"][:3])
    shutil.move(repository / "policies", repository / "rules")
    status, summary, logs = run_action(kinguard, repository, tmp_path / "t", base="main", bundle="rules")
    assert (status, "### `policy lint`: **needs a reader**" in summary) == (1, True)
    assert "main has no folder rules: the bundle is new" in summary
    [doubt] = [result for result in logs["lint"] if result["level"] != "note"]
    place = doubt["locations"][0]["physicalLocation"]
    assert (doubt["ruleId"], place["artifactLocation"]["uri"]) == ("no-comment", "rules/main.polar")
    line = (repository / "rules" / "main.polar").read_text().splitlines()[place["region"]["startLine"] - 1]
    assert '"editor.own"' in line
