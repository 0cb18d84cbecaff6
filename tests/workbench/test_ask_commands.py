"""`kinguard policy explain`, `why-not`, `what` and `who`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from authz_service.cli.policy import app
from authz_service.workbench.explanation import explain_question, nearest_text
from tests.workbench.conftest import AUTHZEN

if TYPE_CHECKING:
    from authz_service.engine import Policy

TODO = AUTHZEN / "todo"
RECORDS = AUTHZEN / "records"


def run(*arguments: object, standard_input: str = "") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*map(str, arguments)], input=standard_input)
    return result.exit_code, result.stdout, result.stderr


def question(subject: dict[str, Any], action: str, resource: dict[str, Any], types: tuple[str, str]) -> str:
    asked = {
        "subject": {"type": types[0], "facts": subject},
        "action": action,
        "resource": {"type": types[1], "facts": resource},
    }
    return json.dumps(asked)


def todo(action: str, owner: str, *roles: str) -> str:
    held = {f"role.{name}": name in roles for name in ("admin", "editor", "viewer", "evil_genius")}
    return question(held, action, {"owner": owner}, ("user", "todo"))


def test_a_denial_by_a_forbid_is_explained_in_full() -> None:
    """Rule with its place and sentence, deciding facts, and what would have to be otherwise."""
    status, said, _ = run("explain", "--bundle", TODO, todo("can_delete_todo", "other", "editor", "viewer"))
    assert status == 0
    assert (
        said
        == """\
denied: a forbid holds
  forbid viewer.reads_only (main.polar:33): Who only views changes nothing.
because
  subject.role.viewer = true: the person holds the role (controlled by: person)
it would be allowed if
  1. subject.role.viewer were false (true now; controlled by: person)
     and resource.owner were me (other now; controlled by: item)
  2. subject.role.admin were true (false now; controlled by: person)
     and subject.role.viewer were false (true now; controlled by: person)
"""
    )


def test_a_permit_is_explained_and_read_from_standard_input() -> None:
    asked = question({"role": "contractor"}, "edit", {"owner": "me", "department": "other"}, ("user", "record"))
    status, said, _ = run("explain", "--bundle", RECORDS, "-", "--format", "json", standard_input=asked)
    found = json.loads(said)
    assert (status, found["decision"], found["rules"]) == (0, True, ["owner.everything"])
    assert [fact["fact"] for fact in found["facts"]] == ["resource.owner"]
    assert [change["to"] for nearest in found["nearest"] for change in nearest["changes"]] == ["other"]


@pytest.mark.parametrize(
    ("bundle", "asked", "pieces"),
    [
        (TODO, todo("can_update_todo", "me"), ["were true (false now", "controlled by: person"]),
        (TODO, todo("can_read_todos", "me"), ["it is allowed"]),
        (
            RECORDS,
            question({"role": "employee"}, "delete", {"owner": "other", "department": "own"}, ("user", "record")),
            ["resource.owner were me (other now; controlled by: item)"],
        ),
        (TODO, question({}, "can_jump", {}, ("user", "todo")), ["can_jump is no action of todo"]),
        (TODO, question({"rank": 1}, "can_read_todos", {}, ("user", "todo")), ["subject.rank is no fact"]),
    ],
    ids=["role", "allowed", "item", "no action", "no fact"],
)
def test_why_not_names_the_nearest_allowed_situations(bundle: object, asked: str, pieces: list[str]) -> None:
    status, said, _ = run("why-not", "--bundle", bundle, asked)
    assert status == 0
    assert [piece for piece in pieces if piece not in said] == [], said


def test_what_nothing_allows_is_said_to_be_so(ours: Policy) -> None:
    """A payer and a clinical note: no situation is near, because there is none."""
    explained = explain_question(ours, "account", {"kind": "payer"}, "view", "clinical_note", {})
    assert nearest_text(explained) == "nothing would allow it: it is denied in every situation\n"


def test_what_and_who_answer_in_text_and_json() -> None:
    """The same content in both forms."""
    status, said, _ = run("what", "--bundle", TODO, "--fix", "subject.role.viewer=true")
    assert status == 0
    assert (
        said
        == """\
user
  always: can_read_user user, can_read_todos todo
  never: can_create_todo todo, can_update_todo todo, can_delete_todo todo
"""
    )
    status, said, _ = run("who", "can_update_todo", "todo", "--bundle", TODO, "--fix", "resource.owner=other")
    assert (status, said) == (0, "user by subject.role\n  always: evil_genius\n  never: admin, editor, viewer\n")
    status, said, _ = run("who", "edit", "record", "--bundle", RECORDS, "--format", "json")
    assert [(row["head"], row["allowed"], row["situations"]) for row in json.loads(said)] == [
        ("employee", "sometimes", 2),
        ("contractor", "sometimes", 2),
        ("manager", "sometimes", 3),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "--bundle", TODO, "no json"),
        ("why-not", "--bundle", TODO, "{}"),
        ("what", "--bundle", TODO, "--fix", "subject.role.admn=true"),
        ("who", "can_jump", "todo", "--bundle", TODO),
        ("who", "can_read_todos", "todo", "--bundle", TODO, "--by", "subject.rank"),
        ("what", "--bundle", TODO, "--subject", "usr"),
    ],
    ids=str,
)
def test_a_slip_is_one_line_and_status_1(arguments: tuple[object, ...]) -> None:
    status, said, error = run(*arguments)
    assert (status, said) == (1, "")
    assert error.startswith("kinguard: ")
    assert error.count("\n") == 1
