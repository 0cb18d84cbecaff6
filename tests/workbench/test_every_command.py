"""Every command of the workbench answers on our bundle and on the three of the interop scenarios."""

from __future__ import annotations

import functools
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from authz_service.cli import bundles
from authz_service.cli.policy import app
from authz_service.engine import load_policy
from tests.workbench.conftest import AUTHZEN, POLICIES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

# Linting our bundle has its own test; of its thousand mutants a sample is tried elsewhere.
ELSEWHERE = {("lint", "ours"), ("mutants", "ours")}
load_once = functools.lru_cache(load_policy)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle, its suites, a denied question and a slip; and a piece of what each command says of them."""

    folder: Path
    suites: Path
    question: str
    slip: tuple[str, str, str]
    what: str
    who: tuple[str, str, str]
    says: dict[str, str]


def question(subject: str, facts: str, action: str, resource: str, item: str) -> str:
    return (
        f'{{"subject": {{"type": "{subject}", "facts": {facts}}}, "action": "{action}", '
        f'"resource": {{"type": "{resource}", "facts": {item}}}}}'
    )


BUNDLES = {
    "ours": Bundle(
        POLICIES,
        ROOT / "policy_tests" / "facts",
        question("account", '{"kind": "payer"}', "view", "service_plan", "{}"),
        ("representatives/community.polar", "payer_may(action, resource)", "carer_may(action, resource)"),
        "subject.kind=guarantor",
        ("view", "payment", "resource.payer=other"),
        {
            "check": "26 permits, 51 forbids, 82 facts, 148 questions, 64 invariants proven",
            "test": "cells: all as listed",
            "prove": "proven  clinical_records_reach_no_representative: ",
            "matrix": "account by subject.kind",
            "explain": "denied: a forbid holds\n",
            "why-not": "service_plan",
            "what": "never",
            "who": "staff",
            "diff": "NEWLY ALLOWED: account: view, update profile",
            "coverage": "forbid payer.no_service_plan: holds in 4 questions",
        },
    ),
    "todo": Bundle(
        AUTHZEN / "todo",
        AUTHZEN / "todo" / "suites",
        question(
            "user",
            '{"role.admin": false, "role.editor": true, "role.viewer": false, "role.evil_genius": false}',
            "can_delete_todo",
            "todo",
            '{"owner": "other"}',
        ),
        ("main.polar", 'action in ["can_update_todo", "can_delete_todo"]', 'action in ["can_update_todo"]'),
        "subject.role.viewer=true",
        ("can_delete_todo", "todo", "resource.owner=other"),
        {
            "check": "6 permits, 1 forbids, 5 facts, 5 questions, 3 invariants proven",
            "test": "1 suite, 1 scene, 48 cells: all as listed",
            "prove": "proven  viewers_change_nothing: ",
            "matrix": "can_update_todo todo       no      if      no          yes",
            "explain": "denied: no permit holds",
            "why-not": "resource.owner were me (other now; controlled by: item)",
            "what": "can_create_todo",
            "who": "always: admin",
            "diff": "NEWLY DENIED: user: can_delete_todo todo",
            "mutants": "60 mutants: ",
            "coverage": "main.polar:33: forbid viewer.reads_only: holds in 3 questions, 48 situations",
            "lint": "0 warnings, 1 note",
        },
    ),
    "gateway": Bundle(
        AUTHZEN / "gateway",
        AUTHZEN / "gateway" / "suites",
        question(
            "identity",
            '{"role.admin": true, "role.editor": false, "role.viewer": false, "role.evil_genius": false}',
            "PUT",
            "route",
            '{"template": "/todos/{todoId}"}',
        ),
        ("main.polar", 'writes("DELETE", path: Path) if path.template = "/todos/{todoId}";', ""),
        "resource.template=/todos",
        ("PUT", "route", "resource.template=/todos/{todoId}"),
        {
            "check": "3 permits, 1 forbids, 5 facts, 4 questions, 2 invariants proven",
            "test": "1 suite, 1 scene, 51 cells: all as listed",
            "prove": "proven  people_are_read_only: ",
            "matrix": "identity by subject.role",
            "explain": "denied: no permit holds",
            "why-not": "subject.role.editor were true",
            "what": "GET",
            "who": "always: editor, evil_genius",
            "diff": "NEWLY DENIED: identity: DELETE route",
            "mutants": "68 mutants: ",
            "coverage": "never decides: nothing is permitted there",
            "lint": "[unread-parameter]",
        },
    ),
    "records": Bundle(
        AUTHZEN / "records",
        AUTHZEN / "records" / "suites",
        question("user", '{"role": "manager"}', "delete", "record", '{"owner": "other", "department": "own"}'),
        (
            "main.polar",
            '"edit", record: Record, "manager.edits_department"',
            '"view", record: Record, "manager.edits_department"',
        ),
        "subject.role=manager",
        ("edit", "record", "resource.owner=other"),
        {
            "check": "4 permits, 1 forbids, 3 facts, 3 questions, 2 invariants proven",
            "test": "1 suite, 1 scene, 27 cells: all as listed",
            "prove": "proven  owners_alone_delete: ",
            "matrix": "user by subject.role",
            "explain": "delete.owner_only",
            "why-not": "resource.owner were me",
            "what": "view",
            "who": "manager",
            "diff": "NEWLY DENIED: user: edit record",
            "mutants": "33 mutants: ",
            "coverage": "permit manager.edits_department: holds in 1 question, 2 situations; decides",
            "lint": "0 warnings, 2 notes",
        },
    ),
}
EXPECTED_STATUS = {("diff", name): 1 for name in BUNDLES} | {("lint", "gateway"): 1}


@pytest.fixture(autouse=True)
def _loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle is loaded by the first command that asks for it, not by each."""
    monkeypatch.setattr(bundles, "load_policy", load_once)


def arguments(command: str, bundle: Bundle, tmp_path: Path) -> list[object]:
    """How the command is called."""
    named = ["--bundle", bundle.folder]
    match command:
        case "explain" | "why-not":
            return [*named, bundle.question]
        case "what":
            return [*named, "--fix", bundle.what]
        case "who":
            action, resource, fixed = bundle.who
            return [*named, action, resource, "--fix", fixed]
        case "test" | "lint":
            return [*named, "--suites", bundle.suites]
        case "mutants":
            return [*named, "--suites", bundle.suites, "--processes", 1]
        case "fmt":
            return [*named, "--check"]
        case "diff":
            changed = shutil.copytree(
                bundle.folder, tmp_path / "changed", ignore=shutil.ignore_patterns("invariants.yaml")
            )
            file, old, new = bundle.slip
            text = (changed / file).read_text(encoding="utf-8")
            assert text.count(old) == 1
            (changed / file).write_text(text.replace(old, new), encoding="utf-8")
            return [bundle.folder, changed]
        case "eval":
            (tmp_path / "questions.jsonl").write_text(bundle.question + "\n", encoding="utf-8")
            return [*named, "--input", tmp_path / "questions.jsonl"]
    return named


COMMANDS = [*BUNDLES["todo"].says, "fmt", "eval"]
PAIRS = [(command, name) for name in BUNDLES for command in COMMANDS if (command, name) not in ELSEWHERE]


@pytest.mark.parametrize(("command", "name"), PAIRS)
def test_each_command_answers_on_each_bundle(command: str, name: str, tmp_path: Path) -> None:
    bundle = BUNDLES[name]
    given = [command, *map(str, arguments(command, bundle, tmp_path))]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == EXPECTED_STATUS.get((command, name), 0), result.output
    if command == "eval":
        assert json.loads(result.stdout) == {"decision": False}
        assert CliRunner().invoke(app, [*given, "--engine", "polar"]).stdout == result.stdout
    elif command == "fmt":
        assert result.stdout == ""
    else:
        assert bundle.says[command] in result.stdout, result.stdout
    if command == "mutants":
        assert result.stdout.rstrip().endswith(" 0 survived")
    assert result.stderr == "" or command == "mutants"
