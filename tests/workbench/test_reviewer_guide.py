"""Following `docs/reviewer_guide.md` from nothing finds what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import yaml

from authz_service.engine import load_policy
from authz_service.workbench.cases import judge
from authz_service.workbench.fact_suites import fact_cases
from tests.workbench.conftest import AUTHZEN, POLICIES, ROOT

GUIDE = (ROOT / "docs" / "reviewer_guide.md").read_text(encoding="utf-8")


def blocks() -> list[tuple[str, str]]:
    """Language and text of every fenced block, in order; those in a list are indented."""
    found = re.findall(r"^( *)```(\w+)\n(.*?)^\1```$", GUIDE, re.MULTILINE | re.DOTALL)
    return [(language, textwrap.dedent(text)) for _, language, text in found]


def test_every_command_prints_what_the_guide_shows(tmp_path: Path) -> None:
    """One shell runs all examples in their order, beside copies of the bundles."""
    shutil.copytree(POLICIES, tmp_path / "policies")
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
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for command, printed, wanted in zip(commands, done.stdout.split(f"{mark}\n")[:-1], expected, strict=True):
        assert not wanted or printed == wanted, command
    assert sum(map(bool, expected)) >= 6


def test_the_suite_that_the_guide_shows_holds() -> None:
    [text] = [text for language, text in blocks() if language == "yaml"]
    assert yaml.safe_load(text)["version"] == 1
    policy = load_policy(AUTHZEN / "todo")
    assert [
        judge(case, case.ask(policy))
        for case in fact_cases(policy, text, "guide.yaml")
        if judge(case, case.ask(policy))
    ] == []
