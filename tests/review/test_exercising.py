"""Suites that are run in a process of their own find what they find here, and whatever goes wrong there is said."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from authz_service.engine import load_policy
from authz_service.review.exercising import UnexercisedError, exercise
from authz_service.workbench.exercise import exercises
from authz_service.workbench.suites import read_cases
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TODO = ROOT / "tests" / "authzen" / "todo"


def test_the_process_finds_what_is_found_in_this_one(tmp_path: Path) -> None:
    policy = load_policy(TODO, tmp_path)
    assert exercise(TODO, tmp_path, TODO / "suites") == exercises(policy, read_cases(policy, TODO / "suites"))


@pytest.mark.parametrize(
    ("texts", "suites", "says"),
    [
        (TODO, "none", "holds no suite"),
        (TODO, "broken", "editors.yaml"),
        (ROOT / "docs", "none", "cannot be read"),
    ],
)
def test_what_cannot_be_run_says_why(tmp_path: Path, texts: Path, suites: str, says: str) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "editors.yaml").write_text("version: 1\nsays: nothing\ncells: 3\n")
    with pytest.raises(UnexercisedError, match=says):
        exercise(texts, tmp_path, tmp_path / suites)


def test_a_run_is_bounded_in_time(tmp_path: Path) -> None:
    with pytest.raises(UnexercisedError, match=r"did not end within 0\.01 seconds"):
        exercise(TODO, tmp_path, TODO / "suites", seconds=0.01)


def test_a_process_that_dies_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(UnexercisedError, match="ended with 1"):
        exercise(TODO, tmp_path, TODO / "suites")
