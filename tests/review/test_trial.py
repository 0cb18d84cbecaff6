"""A copy is tried whole, in a process that has limits and is gone afterwards, whatever its text does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.engine import load_policy
from authz_service.review.trial import Limits, run_trial
from tests.engine.bundles import FILES, edited, line_with, write_files

if TYPE_CHECKING:
    from collections.abc import Mapping

ALLOW = """\
allow(s, a, r) if permit(s, a, r, _) and not forbidden(s, a, r);
forbidden(s, a, r) if forbid(s, a, r, _);
forbid(u: User, _action, _: Thing, "first") if u.f0;
"""
FLAGS = 40
MANY_FLAGS = "".join(
    f"  subject.f{i}:\n    of: [user]\n    values: [false, true]\n    says: flag {i}\n    controlled_by: person\n"
    for i in range(FLAGS)
)
HEAD = "version: 1\nsubjects:\n  user: {class: User}\nresources:\n  thing: {class: Thing, actions: [view]}\nfacts:\n"
SUITE = """\
version: 1
says: A payer views what is addressed to them.
people:
  payer: {type: account, facts: {kind: payer, pending: false, client.age: adult, toggle.invoices: true,
          toggle.service_plan: true}}
items:
  own: {type: invoice, facts: {addressee: me, state: open}}
cells:
  - {subject: payer, action: view, resource: own}
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("kept"), FILES)


def tried(files: Mapping[str, str], kept: Path, tmp_path: Path, **more: Any) -> dict[str, Any]:
    found = run_trial(files, kept, tmp_path / "store", **more)
    assert children() == []
    return found


def children() -> list[str]:
    """The processes of trials that are there."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if "authz_service.review.trial" in command and int(parent) == os.getpid():
            found.append(folder.name)
    return found


def messages(found: Mapping[str, Any]) -> str:
    return "\n".join(problem["message"] for problem in found["problems"])


def test_a_copy_that_is_not_changed_is_the_same_bundle(kept: Path, tmp_path: Path) -> None:
    found = tried(FILES, kept, tmp_path)
    assert found["problems"] == []
    assert found["digest"] == found["against"] == load_policy(kept).digest
    assert found["difference"]["same"] is True
    assert found["invariants"]
    assert {invariant["fate"] for invariant in found["invariants"]} == {"proven"}


def test_every_problem_of_a_copy_comes_with_its_file_and_line(kept: Path, tmp_path: Path) -> None:
    files = edited("limits.polar", "rep.pending", "rep.pendng")
    (problem, *_) = tried(files, kept, tmp_path)["problems"]
    assert problem["file"] == "limits.polar"
    assert problem["line"] == line_with(files["limits.polar"], "rep.pendng")
    assert "pendng" in problem["message"]


def test_what_a_change_allows_is_told_with_its_rules(kept: Path, tmp_path: Path) -> None:
    files = edited("representatives.polar", 'invoice.addressee = "me";', 'invoice.addressee in ["me", "other"];')
    found = tried(files, kept, tmp_path)
    assert found["problems"] == []
    assert found["difference"]["newly_denied"] == []
    (group,) = found["difference"]["newly_allowed"]
    assert group["where"] == ["subject.kind = payer and resource.addressee = other"]
    assert group["after"] == ["payer.own"]
    assert all(0 < each["situations"] < each["space"] for each in group["questions"])


def test_a_broken_invariant_is_told_as_a_story(kept: Path, tmp_path: Path) -> None:
    broken = FILES["invariants.yaml"] + (
        "  - id: nobody_pays\n    says: Nobody ever pays.\n"
        "    never: {subject: account, action: pay, resource: invoice}\n"
    )
    found = tried(FILES | {"invariants.yaml": broken}, kept, tmp_path)
    (invariant,) = [each for each in found["invariants"] if each["fate"] == "broken"]
    assert invariant["id"] == "nobody_pays"
    assert "account asks for pay" in invariant["story"][0]
    assert found["difference"]["same"] is True


def test_a_question_is_put_to_the_copy_and_to_what_is_kept(kept: Path, tmp_path: Path) -> None:
    facts = {
        "subject.kind": "payer",
        "subject.pending": False,
        "subject.client.age": "adult",
        "subject.toggle.invoices": True,
        "subject.toggle.service_plan": True,
        "resource.addressee": "me",
        "resource.state": "open",
    }
    ask = {"subject_type": "account", "action": "view", "resource_type": "invoice", "facts": facts}
    files = FILES | {
        "limits.polar": FILES["limits.polar"] + '\nforbid(_: Representative, "view", _: Invoice, "none");\n'
    }
    answer = tried(files, kept, tmp_path, ask=ask)["answer"]
    assert (answer["before"], answer["decision"]) == (True, False)
    assert [rule["id"] for rule in answer["rules"]] == ["none"]


def test_suites_beside_the_copy_are_run(kept: Path, tmp_path: Path) -> None:
    (suite,) = tried(FILES | {"suites/payer.yaml": SUITE}, kept, tmp_path)["suites"]
    assert suite["file"] == "suites/payer.yaml"
    assert suite["cases"] > 0
    (wrong,) = tried(FILES | {"suites/payer.yaml": SUITE.replace("action: view", "action: fly")}, kept, tmp_path)[
        "problems"
    ]
    assert (wrong["file"], wrong["line"]) == ("suites/payer.yaml", line_with(SUITE, "- {subject: payer"))


EXPONENTIAL = {
    "facts.yaml": HEAD + MANY_FLAGS,
    "main.polar": ALLOW
    + 'permit(u: User, "view", _: Thing, "parity") if odd(['
    + ", ".join(f"u.f{i}" for i in range(FLAGS))
    + "]);\nodd([true, *rest]) if not odd(rest);\nodd([false, *rest]) if odd(rest);\n",
}
ENDLESS = {
    "facts.yaml": HEAD + MANY_FLAGS,
    "main.polar": ALLOW + 'permit(u: User, "view", _: Thing, "endless") if u.f0 and loop(1);\nloop(x) if loop(x);\n',
}
DEEP = {
    "facts.yaml": HEAD + MANY_FLAGS,
    "main.polar": ALLOW + f'permit(u: User, "view", _: Thing, "deep") if {"not (" * 20_000}u.f0{")" * 20_000};\n',
}
DEEP_YAML = FILES | {"facts.yaml": "version: " + "[" * 60_000 + "]" * 60_000}
BOMB = FILES | {
    "facts.yaml": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
}
WIDE = {
    "facts.yaml": HEAD
    + "  subject.wide:\n    of: [user]\n    values: ["
    + ", ".join(f"v{i}" for i in range(60_000))
    + "]\n    says: many\n    controlled_by: person\n"
    + MANY_FLAGS,
    "main.polar": ALLOW + 'permit(u: User, "view", _: Thing, "wide") if u.wide = "v1";\n',
}
BUNDLES = {
    "exponential": EXPONENTIAL,
    "endless": ENDLESS,
    "deep": DEEP,
    "deep yaml": DEEP_YAML,
    "bomb": BOMB,
    "wide": WIDE,
}


@pytest.mark.parametrize("name", BUNDLES)
def test_a_text_that_would_burn_the_machine_is_refused_within_its_limits(name: str, kept: Path, tmp_path: Path) -> None:
    found = tried(BUNDLES[name], kept, tmp_path, limits=Limits(seconds=4))
    assert found["problems"], found
    assert all(len(problem["message"]) < 1000 for problem in found["problems"])
    assert "Traceback" not in messages(found)


def test_a_trial_that_takes_too_long_is_stopped(kept: Path, tmp_path: Path) -> None:
    assert "took longer than 0.05 seconds" in messages(tried(FILES, kept, tmp_path, limits=Limits(seconds=0.05)))


def test_a_trial_that_needs_too_much_memory_is_stopped(kept: Path, tmp_path: Path) -> None:
    found = tried(FILES | {"large.polar": "#" * 80_000_000}, kept, tmp_path, limits=Limits(memory=128 * 1024 * 1024))
    assert "more memory" in messages(found)


def test_a_trial_writes_no_file(kept: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    tried(FILES, kept, tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_without_the_end_of_its_process_a_trial_would_go_on(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: what ends the process is taken out, and the look for it finds it."""
    left: list[str] = []

    def look_before(pid: int, number: int) -> None:
        left.extend(children())
        os.kill(pid, number)

    monkeypatch.setattr(os, "killpg", look_before)
    run_trial(EXPONENTIAL, kept, tmp_path / "store", limits=Limits(seconds=1))
    assert len(left) == 1
