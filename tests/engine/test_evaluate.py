"""`policy eval` answers one line for each line, whatever stands there, and both engines agree on every word."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.engine import Policy, load_policy
from authz_service.engine.evaluate import evaluate_line
from tests.engine.bundles import FILES, edited, write_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return load_policy(write_files(tmp_path_factory.mktemp("bundle"), FILES))


GOOD = {
    "subject": {
        "type": "account",
        "facts": {
            "kind": "self",
            "pending": False,
            "client.age": "adult",
            "toggle.invoices": True,
            "toggle.service_plan": True,
        },
    },
    "action": "view",
    "resource": {"type": "invoice", "facts": {"addressee": "me", "state": "open"}},
}
GOOD_LINE = json.dumps(GOOD)

# The line, and a piece of the error (None for a plain answer).
LINES = {
    "complete": (GOOD_LINE, None),
    "foreign members": (json.dumps(GOOD | {"context": {"x": 1}, "note": "passed over"}), None),
    "no JSON": ("{", "the line is not JSON"),
    "nothing": ("", "the line is not JSON"),
    "two values": ("{} {}", "the line is not JSON"),
    "a list": ("[]", 'the line must be an object with "subject", "action" and "resource"'),
    "a number": ("7", "the line must be an object"),
    "no subject": (json.dumps({key: GOOD[key] for key in ("action", "resource")}), '"subject" must be an object'),
    "no resource": (json.dumps({key: GOOD[key] for key in ("action", "subject")}), '"resource" must be an object'),
    "no action": (json.dumps(GOOD | {"action": None}), '"action" must be a text'),
    "action as an object": (json.dumps(GOOD | {"action": {"name": "view"}}), '"action" must be a text'),
    "no type": (json.dumps(GOOD | {"subject": {"facts": {}}}), 'the "type" of "subject" must be a text'),
    "facts as a list": (
        json.dumps(GOOD | {"resource": {"type": "invoice", "facts": []}}),
        'the "facts" of "resource" must be an object',
    ),
    "a fact twice": (GOOD_LINE.replace('"kind": "self"', '"kind": "self", "kind": "payer"'), '"kind" stands twice'),
    "unknown fact": (GOOD_LINE.replace('"kind"', '"knd"'), "subject.knd is no fact of this type"),
    "unknown value": (GOOD_LINE.replace('"self"', '"slef"'), '"slef" is no value of subject.kind'),
    "deep nesting": ("[" * 100_000, "the line is"),
    "look-alike letters": (GOOD_LINE.replace('"self"', '"\u0455elf"'), "is no value of subject.kind"),
    "trailing space": (GOOD_LINE.replace('"self"', '"self "'), "is no value of subject.kind"),
    "one for true": (GOOD_LINE.replace('"toggle.invoices": true', '"toggle.invoices": 1'), "1 is no value"),
    "no facts at all": (
        json.dumps(GOOD | {"subject": {"type": "account"}}),
        "the answer depends on missing facts: subject.pending, subject.toggle.invoices (also missing: subject.kind",
    ),
    "very long value": (GOOD_LINE.replace('"self"', '"' + "x" * 1_000_000 + '"'), "is no value of subject.kind"),
}


@pytest.mark.parametrize("label", LINES)
def test_every_line_has_an_answer_and_both_engines_use_the_same_words(policy: Policy, label: str) -> None:
    line, error = LINES[label]
    written = evaluate_line(policy, line.encode())
    assert written == evaluate_line(policy, line.encode(), "polar")
    answer = json.loads(written)
    assert len(written) < 1_000
    if error is None:
        assert answer == {"decision": True}
    else:
        assert answer["decision"] is False
        assert error in answer["error"]


def test_a_line_that_is_not_utf8_is_denied(policy: Policy) -> None:
    assert json.loads(evaluate_line(policy, b"\xff{}")) == {"decision": False, "error": "the line is not UTF-8"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["account", "view", "invoice"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["subject", "resource", "action", "type", "facts", "kind"]) | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_line_raises_or_is_allowed_by_accident(policy: Policy, value: object) -> None:
    answer = json.loads(evaluate_line(policy, json.dumps(value).encode()))
    assert answer["decision"] is False


def kinguard(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "authz_service.cli", "policy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("engine", ["diagram", "polar"])
def test_the_command_writes_one_line_for_each_line(tmp_path: Path, engine: str) -> None:
    bundle = write_files(tmp_path / "bundle", FILES)
    questions = tmp_path / "questions.jsonl"
    denied = GOOD_LINE.replace('"pending": false', '"pending": true')
    questions.write_text(f"{GOOD_LINE}\n{denied}\n\nnonsense\n{GOOD_LINE}", encoding="utf-8")
    done = kinguard("eval", "--bundle", str(bundle), "--input", str(questions), "--engine", engine)
    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["decision"] for answer in answers] == [True, False, False, False, True]
    assert ["error" in answer for answer in answers] == [False, False, True, True, False]


def test_a_refused_bundle_ends_the_command_with_every_problem_and_status_1(tmp_path: Path) -> None:
    bundle = write_files(tmp_path, edited("limits.polar", "rep.client.age", "rep.client.aeg"))
    done = kinguard("check", "--bundle", str(bundle))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "limits.polar:9: subject.client.aeg is no declared fact of account" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_and_prove_say_what_was_found(tmp_path: Path) -> None:
    bundle = write_files(tmp_path, FILES)
    checked = kinguard("check", "--bundle", str(bundle))
    assert checked.returncode == 0
    assert "4 permits, 3 forbids, 8 facts, 10 questions, 3 invariants proven" in checked.stdout
    proven = kinguard("prove", "--bundle", str(bundle))
    assert [line.split()[:2] for line in proven.stdout.splitlines()] == [
        ["proven", "no_plan_for_others:"],
        ["proven", "pending_reaches_nothing:"],
        ["proven", "billers_print:"],
    ]


def test_an_input_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    bundle = write_files(tmp_path / "bundle", FILES)
    done = kinguard("eval", "--bundle", str(bundle), "--input", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot be read" in done.stderr
