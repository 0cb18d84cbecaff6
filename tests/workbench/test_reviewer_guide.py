"""Following `docs/reviewer_guide.md` from nothing finds what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import typer
import yaml

from authz_service.cli.policy import app
from authz_service.engine import load_policy
from authz_service.preparation import prepare_demo
from authz_service.settings import Settings
from authz_service.workbench.cases import judge
from authz_service.workbench.fact_suites import fact_cases
from authz_service.workbench.linting.findings import Doubt
from gateway.app import SITE
from tests.workbench.conftest import AUTHZEN, POLICIES, ROOT

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("KINGUARD_")} | {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Rex"), ("EMAIL", "rex@example.org"))
}
GUIDE = (ROOT / "docs" / "reviewer_guide.md").read_text(encoding="utf-8")


def blocks() -> list[tuple[str, str]]:
    """Language and text of every fenced block, in order; those in a list are indented."""
    found = re.findall(r"^( *)```(\w+)\n(.*?)^\1```$", GUIDE, re.MULTILINE | re.DOTALL)
    return [(language, textwrap.dedent(text)) for _, language, text in found]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)


@pytest.mark.timeout(600)
def test_every_command_prints_what_the_guide_shows(tmp_path: Path) -> None:
    """One shell runs all examples in their order, in a repository like ours, with the database of the demo."""
    shutil.copytree(POLICIES, tmp_path / "policies")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", "policies")
    git(tmp_path, "commit", "--quiet", "--message=The bundle that serves")
    prepare_demo(Settings(data_dir=tmp_path / ".kinguard"))
    shutil.copytree(AUTHZEN, tmp_path / "tests" / "authzen", ignore=shutil.ignore_patterns("*.py", "vectors"))
    listed = blocks()
    commands = [text for language, text in listed if language == "sh"]
    shown = {i: text for i, (language, text) in enumerate(listed) if language == "text"}
    expected = [shown.get(i + 1, "") for i, (language, _) in enumerate(listed) if language == "sh"]
    mark = "---- end of example ----"
    script = "\n".join(["set -eu", *(f"{command}\necho '{mark}'" for command in commands)])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-c", script],
        cwd=tmp_path,
        env={**ENVIRONMENT, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for command, printed, wanted in zip(commands, done.stdout.split(f"{mark}\n")[:-1], expected, strict=True):
        assert not wanted or printed == wanted, command
    assert sum(map(bool, expected)) >= 6


def test_the_suite_that_the_guide_shows_holds() -> None:
    [text] = [text for language, text in blocks() if language == "yaml" and text.startswith("version:")]
    assert yaml.safe_load(text)["version"] == 1
    policy = load_policy(AUTHZEN / "todo")
    assert [
        judge(case, case.ask(policy))
        for case in fact_cases(policy, text, "guide.yaml")
        if judge(case, case.ask(policy))
    ] == []


def test_the_hooks_and_the_action_are_called_as_the_guide_shows() -> None:
    hooks, steps = (
        yaml.safe_load(text) for language, text in blocks() if language == "yaml" and not text.startswith("version:")
    )
    known = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
    assert {hook["id"] for repository in hooks["repos"] for hook in repository["hooks"]} <= known
    inputs = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    assert steps[-1]["with"].keys() <= inputs.keys()


def test_every_command_page_and_doubt_is_listed() -> None:
    group = typer.main.get_command(app)
    listed = set(re.findall(r"`([a-z-]+)[ `]", "".join(re.findall(r"^\| (`.*?) \|", GUIDE, re.MULTILINE))))
    assert set(group.commands) | set(Doubt) <= listed  # type: ignore[attr-defined]
    pages = {route.path for route in SITE}
    assert {page for page in re.findall(r"`(/review/\w+)`", GUIDE) if page not in pages} == set()
