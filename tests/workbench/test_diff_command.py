"""`kinguard policy diff`: folders and revisions in, one comment and one exit status out."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from authz_service.cli.policy import app
from tests.engine.bundles import FILES, edited, write_files
from tests.workbench.conftest import AUTHZEN, POLICIES

if TYPE_CHECKING:
    from pathlib import Path

# label -> bundle, (file, old text, new text), what the comment holds
PLANTED = {
    "ours": (
        POLICIES,
        ("representatives/payer.polar", "payer_may(action, resource)", "carer_may(action, resource)"),
        ["account: view profile", "subject.kind = payer", "`payer.calendar_and_invoices`"],
    ),
    "todo": (
        AUTHZEN / "todo",
        ("main.polar", 'user.role("admin") = true or user.role("editor") = true', 'user.role("admin") = true'),
        ["### Newly denied", "user: can\\_create\\_todo todo", "`writer.creates`"],
    ),
    "gateway": (
        AUTHZEN / "gateway",
        ("main.polar", 'writes("DELETE", path: Path) if path.template = "/todos/{todoId}";', ""),
        ["### Newly denied", "identity: DELETE route", "| 12 | 25 % |"],
    ),
    "records": (
        AUTHZEN / "records",
        (
            "main.polar",
            'record.department = "own";\n\n# A manager sees',
            "record.department = record.department;\n\n# A manager sees",
        ),
        ["user: view record", "subject.role != manager and resource.owner = other and resource.department = other"],
    ),
}


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["diff", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def planted(folder: Path, bundle: Path, edit: tuple[str, str, str]) -> Path:
    shutil.copytree(bundle, folder)
    file, old, new = edit
    text = (folder / file).read_text()
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new))
    (folder / "invariants.yaml").unlink()
    return folder


@pytest.mark.parametrize("label", PLANTED)
def test_a_planted_change_stands_in_the_comment(tmp_path: Path, label: str) -> None:
    """The Markdown names the question, the condition and the rule, and the exit status is 1."""
    bundle, edit, pieces = PLANTED[label]
    status, comment, _ = run(bundle, planted(tmp_path / "new", bundle, edit), "--format", "markdown")
    assert status == 1
    assert [piece for piece in pieces if piece not in comment] == [], comment
    allowed, denied = comment.find("### Newly allowed"), comment.find("### Newly denied")
    assert allowed < denied or denied == -1


@pytest.mark.parametrize("bundle", [AUTHZEN / "todo", AUTHZEN / "records"], ids=lambda path: path.name)
def test_the_same_rules_in_other_words_do_not_differ(tmp_path: Path, bundle: Path) -> None:
    """Comments, layout and a second copy of the folder change nothing: exit status 0."""
    shutil.copytree(bundle, tmp_path / "copy")
    main = tmp_path / "copy" / "main.polar"
    main.write_text("# Another comment.\n" + main.read_text().replace("\n", "\n\n"))
    status, said, _ = run(bundle, tmp_path / "copy")
    assert (status, said.endswith("answer every question alike\n")) == (0, True)


def test_json_counts_exactly(tmp_path: Path) -> None:
    """What machines read: integers, never rounded, with the facts that tell the situations."""
    files = edited("limits.polar", 'forbid(rep: Representative, _action, _resource, "pending") if rep.pending;\n', "")
    files.pop("invariants.yaml")
    old, new = (write_files(tmp_path / name, part) for name, part in (("old", FILES), ("new", files)))
    status, text, _ = run(old, new, "--format", "json")
    found = json.loads(text)
    assert (status, found["same"], found["newly_denied"]) == (1, False, [])
    assert {row["action"] for row in found["newly_allowed"]} == {"view", "pay"}
    assert all(row["where"] == [{"subject.pending": [True]}] for row in found["newly_allowed"])
    assert all(row["before"] == ["pending"] for row in found["newly_allowed"])
    [plan] = [row for row in found["newly_allowed"] if row["resource"] == "service_plan"]
    assert (plan["situations"], plan["space"]) == (8, 288)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose first commit, tag `before`, has the bundle in `policies`; the second has another one."""
    write_files(tmp_path / "policies", FILES)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, "before")
    files = edited("limits.polar", 'or\n    rep.client.age = "child"', "")
    write_files(tmp_path / "policies", files)
    commit(tmp_path, "after")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Rex", "-c", "user.email=rex@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, tag: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", tag)
    git(folder, "tag", tag)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("before", "after", 1),
        ("before", "policies", 1),
        ("before:policies", "after:policies", 1),
        ("after", "policies", 0),
        ("HEAD", "after", 0),
    ],
)
def test_a_revision_is_read_from_git(repository: Path, old: str, new: str, expected: int) -> None:
    """`REV`, `REV:FOLDER` and a folder can stand on either side."""
    status, said, error = run(old, new)
    assert (status, error) == (expected, "")
    assert ("NEWLY ALLOWED: account: view service_plan" in said) is bool(expected)


@pytest.mark.parametrize(
    ("old", "piece"),
    [
        ("nowhere", "no such folder, and nowhere is no git revision here"),
        ("before:elsewhere", "before has no folder elsewhere"),
        ("before:policies/main.polar", "is a file"),
        ("--upload-pack=x", "No such option"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_status_2(repository: Path, old: str, piece: str) -> None:
    status, said, error = run(old, "policies")
    assert (status, said) == (2, "")
    assert piece in error
    assert piece == "No such option" or error.count("\n") == 1


def test_a_refused_bundle_is_status_2(tmp_path: Path) -> None:
    """A bundle that does not load is no difference but an error, with its problems."""
    old = write_files(tmp_path / "old", FILES)
    new = write_files(tmp_path / "new", edited("limits.polar", "rep.pending", "rep.pendng"))
    status, said, error = run(old, new)
    assert (status, said) == (2, "")
    assert "limits.polar:" in error
    assert f"{new}: refused" in error
