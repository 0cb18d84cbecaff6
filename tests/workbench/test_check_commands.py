"""`kinguard policy check --format sarif` and `prove`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from authz_service.cli.policy import app
from authz_service.workbench.rules import rule_uses
from authz_service.workbench.sarif import as_sarif
from tests.engine.bundles import edited, write_files
from tests.workbench.conftest import AUTHZEN

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.engine import Policy


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def results(said: str) -> list[dict[str, Any]]:
    body = json.loads(said)
    assert body["version"] == "2.1.0"
    return list(body["runs"][0]["results"])


def test_a_refused_bundle_is_all_errors_with_their_places(tmp_path: Path) -> None:
    bundle = write_files(tmp_path, edited("limits.polar", "rep.pending", "rep.pendng"))
    status, said, _ = run("check", "--bundle", bundle, "--format", "sarif")
    found = results(said)
    assert status == 1
    assert {result["level"] for result in found} == {"error"}
    place = found[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == f"{bundle.as_posix()}/limits.polar"
    assert place["region"]["startLine"] == 5


@pytest.mark.parametrize(("name", "idle"), [("todo", 0), ("records", 1)])
def test_a_good_bundle_has_notes_on_its_idle_rules_alone(name: str, idle: int) -> None:
    status, said, _ = run("check", "--bundle", AUTHZEN / name, "--format", "sarif")
    assert status == 0
    assert [result["level"] for result in results(said)] == ["note"] * idle


def test_the_second_walls_of_our_own_bundle_are_notes(ours: Policy) -> None:
    found = results(as_sarif("policies", (), rule_uses(ours)))
    assert len(found) == 6
    assert all(result["message"]["text"].endswith("nothing is permitted where it holds") for result in found)
    assert "policies/limits/platform.polar" in str(found[0])


def test_a_broken_invariant_is_told_as_a_story(tmp_path: Path) -> None:
    """Also where the load would refuse the bundle: who, what, the facts that matter, and the rule."""
    bundle = write_files(tmp_path, edited("limits.polar", 'rep.kind != "self" or\n    ', ""))
    limits = (bundle / "representatives.polar").read_text()
    plans = (
        'permit(rep: Representative, "view", plan: ServicePlan, "near.plan") if near(rep.kind) and plan.state = "open";'
    )
    (bundle / "representatives.polar").write_text(f"{limits}\n# Those near see open plans.\n{plans}\n")
    status, said, _ = run("prove", "--bundle", bundle)
    story = """\
broken  no_plan_for_others: Nobody but the client views a service plan. (invariants.yaml:3)
        an account asks for view on a service_plan, and is allowed, and never may be:
          - how this person is related to the client: guardian (subject.kind)
          - this person has not signed in yet: false (subject.pending)
          - the client's age class: adult (subject.client.age)
          - the practice switched this on for this person: true (subject.toggle.service_plan)
          - the state of the item: open (resource.state)
          all other facts may be anything
          permitted by near.plan (representatives.polar:24): Those near see open plans.
"""
    assert (status, said.startswith(story)) == (1, True), said
    assert said.count("proven  ") == 2


ALWAYS = """\
version: 1
invariants:
  - id: admins_write
    says: Administrators change every todo.
    always: {subject: user, action: can_update_todo, resource: todo, when: {subject.role.admin: true}}
  - id: viewers_read
    says: A viewer deletes nothing.
    never: {subject: user, action: can_delete_todo, resource: todo, when: {subject.role.viewer: true}}
"""


def test_an_invariant_of_ones_own_is_proven_or_broken(tmp_path: Path) -> None:
    """`--invariants` takes another file; facts that do not matter are left out of the story."""
    (tmp_path / "own.yaml").write_text(ALWAYS)
    status, said, _ = run("prove", "--bundle", AUTHZEN / "todo", "--invariants", tmp_path / "own.yaml")
    assert status == 1
    assert "is denied, and always must be allowed:\n" in said
    assert "proven  viewers_read: A viewer deletes nothing. (1 question, 16 situations)\n" in said


@pytest.mark.parametrize("text", [ALWAYS.replace("role.admin", "role.admn"), "", "version: 2\ninvariants: []\n"])
def test_a_slip_in_ones_own_invariants_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    status, said, error = run("prove", "--bundle", AUTHZEN / "todo", "--invariants", tmp_path / "own.yaml")
    assert (status, said) == (1, "")
    assert error.startswith(f"{tmp_path / 'own.yaml'}:")
    assert run("prove", "--bundle", AUTHZEN / "todo", "--invariants", tmp_path / "none.yaml")[0] == 1


@pytest.mark.parametrize("bundle", [AUTHZEN / "gateway", AUTHZEN / "records"], ids=lambda path: path.name)
def test_every_invariant_of_a_bundle_is_listed_as_proven(bundle: Path) -> None:
    status, said, _ = run("prove", "--bundle", bundle)
    assert (status, said.count("proven  "), said.count("\n")) == (0, 2, 2)


def test_help_lists_every_command() -> None:
    _, said, _ = run("--help")
    named = "eval test check prove lint fmt coverage mutants explain why-not what who matrix diff replay schema"
    assert [name for name in named.split() if f"\n  {name} " not in said] == []
