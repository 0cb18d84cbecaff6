"""Claims about what a stranger meets first: make, the README, the docs, the locks."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    if name
]
DOCS = [path for path in TRACKED if path.suffix == ".md"]


def test_make_alone_lists_every_target() -> None:
    """`make` with no target names each public target with its purpose."""
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "check", "bench", "help"):
        assert re.search(rf"^  make {target} +\S", shown, re.MULTILINE), target


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt"])
def test_locks_pin_hashes_and_carry_no_address(lock: str) -> None:
    """Every requirement is pinned with hashes, and no line names where it came from."""
    text = (ROOT / "requirements" / lock).read_text()
    assert "://" not in text
    requirements = re.findall(r"^([a-z0-9][\w.-]*)(\[\S+\])?(.*)$", text, re.MULTILINE)
    assert len(requirements) > 30
    for name, _extra, rest in requirements:
        assert rest.startswith("=="), name
    assert text.count("==") <= text.count("--hash=sha256:")


def test_the_run_lock_is_part_of_the_dev_lock() -> None:
    """What serves is what was tested: each pin of the run lock stands in the dev lock."""
    pins = [
        set(re.findall(r"^\S+==\S+", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("run.txt", "dev.txt")
    ]
    assert pins[0] <= pins[1]


def test_no_file_names_a_machine_or_a_registry() -> None:
    """The project speaks of itself alone: no path of one machine, no host of a registry."""
    forbidden = re.compile(rb"/(?:work|root|farm)/(?!\*)|/opt/(?:wheels|pypi)|pypi\.org|registry\.npmjs|deb\.debian")
    hits = [
        str(path.relative_to(ROOT))
        for path in TRACKED
        if path != Path(__file__) and path.is_file() and forbidden.search(path.read_bytes())
    ]
    assert hits == []


@pytest.mark.parametrize("doc", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_doc_leads_somewhere(doc: Path) -> None:
    """A relative link or picture in a Markdown file names a file that exists."""
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", doc.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (doc.parent / target).exists(), target


@pytest.mark.parametrize("doc", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_a_doc_names_exists(doc: Path) -> None:
    """A path of the tree in code marks names something in the tree."""
    tops = "policies|authz_service|gateway|models|policy_tests|deploy|tests|docs|benchmarks|requirements"
    for path in re.findall(rf"`((?:{tops})/[\w./-]*)`", doc.read_text()):
        assert (ROOT / path).exists() or (doc.parent / path).exists(), path


@pytest.mark.parametrize("present", [[], ["3.10"], ["3.13"]])
def test_setup_without_a_fitting_python_says_what_installs_it(present: list[str], tmp_path: Path) -> None:
    """With no Python, or only an unfit one, setup prints one line that names the way out, and fails."""
    for name in ("dirname", "grep"):
        (tmp_path / name).symlink_to(Path("/usr/bin") / name)
    for version in present:
        major, minor = version.split(".")
        fake = tmp_path / f"python{version}"
        fake.write_text(f"#!/bin/sh\nexit {0 if (int(major), int(minor)) in {(3, 11), (3, 12)} else 1}\n")
        fake.chmod(0o755)
        (tmp_path / "python3").symlink_to(fake)
    clone = tmp_path / "a clone"
    (clone / "deploy").mkdir(parents=True)
    (clone / "deploy" / "setup.sh").write_bytes((ROOT / "deploy" / "setup.sh").read_bytes())
    done = subprocess.run(
        ["/bin/sh", str(clone / "deploy" / "setup.sh"), "run"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Python 3.11 or 3.12" in done.stderr
    assert "apt-get install" in done.stderr
