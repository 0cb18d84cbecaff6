"""What `docs/policy_guide.md` shows is true of the bundle."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from authz_service.workbench.cast_suites import cast_cases, read_suite
from policy_tests.suites import HOME
from policy_tests.test_suites import wrong
from policy_tests.world.load import load_world

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.engine import Policy

POLICIES = HOME.parent / "policies"
GUIDE = (HOME.parent / "docs" / "policy_guide.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", GUIDE, re.DOTALL)


def shown(language: str, start: str) -> str:
    """The one block of a language that begins so."""
    found: list[str] = [text for named, text in BLOCKS if named == language and text.startswith(start)]
    assert len(found) == 1
    return found[0]


def test_the_fact_shown_stands_in_the_facts() -> None:
    facts = yaml.safe_load((POLICIES / "facts.yaml").read_text(encoding="utf-8"))["facts"]
    for name, fact in yaml.safe_load(shown("yaml", "subject.window")).items():
        assert facts[name] == fact


def test_the_rule_shown_stands_in_the_policy() -> None:
    assert shown("polar", "#") in (POLICIES / "limits" / "practice.polar").read_text(encoding="utf-8")


def test_the_invariant_shown_is_one() -> None:
    invariants = yaml.safe_load((POLICIES / "invariants.yaml").read_text(encoding="utf-8"))["invariants"]
    for invariant in yaml.safe_load(shown("yaml", "- id")):
        assert invariant in invariants


def test_the_suite_shown_holds(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "guarantor.yaml"
    path.write_text(shown("yaml", "says"), encoding="utf-8")
    suite = read_suite(path)
    assert len(suite.vary) == 1
    assert wrong(policy, cast_cases(policy, load_world(), path.stem, suite)) == []


def test_every_file_the_guide_names_exists() -> None:
    paths = re.findall(r"`((?:policies|policy_tests|authz_service|docs)/[\w./]*)`", GUIDE)
    assert [path for path in paths if not (HOME.parent / path).exists()] == []
