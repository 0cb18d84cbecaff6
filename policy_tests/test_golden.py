"""The golden access matrix is what the policy decides today."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import pytest

from policy_tests.golden import conditions
from policy_tests.golden.matrix import FILE, render

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.engine import Policy


def test_nobody_gained_or_lost_anything_unread(policy: Policy) -> None:
    """Every cell of the matrix is as it was last reviewed; `make golden` writes the new one."""
    reviewed, found = FILE.read_text(encoding="utf-8"), render(policy)
    if reviewed != found:
        difference = difflib.unified_diff(
            reviewed.splitlines(), found.splitlines(), "reviewed", "found", lineterm="", n=1
        )
        pytest.fail("\n".join(["the access matrix has changed; read it, then run `make golden`:", *difference]))


@pytest.mark.parametrize("file", conditions.TABLES, ids=lambda file: file.stem)
def test_no_condition_changed_unread(policy: Policy, file: Path) -> None:
    """Who may do what under which conditions is as it was last reviewed."""
    assert conditions.render(policy, *conditions.TABLES[file]) == file.read_text(encoding="utf-8")
