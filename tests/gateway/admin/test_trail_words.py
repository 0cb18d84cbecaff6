"""The trail page has words for whatever a record can say."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from authz_service.engine import load_policy
from gateway.admin.trail_actions import ASKED, DONE, TYPES
from models.trail_events import EVENTS
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Said without a family: questions that enforce nothing. The rest are put together from parts where they are recorded.
OTHERS = {"what_if", "coming_changes", "past", "hand_over"}
PUT_TOGETHER = {"grant.end", "staff.assign", "staff.unassign", "policy.deploy", "policy.rollback"}
PUT_TOGETHER |= {f"search.{sought}" for sought in ("action", "resource", "subject")}


def texts_of_the_service() -> Iterator[str]:
    folder = ROOT / "authz_service"
    parts = [path for name in ("api", "commands", "deploying") for path in (folder / name).rglob("*.py")]
    for path in [folder / "seed.py", *parts]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def recorded_by_the_service() -> set[str]:
    families = {name.partition(".")[0] for name in DONE if "." in name}
    named = re.compile(rf"({'|'.join(families)})(\.[a-z_]+)+")
    return {text for text in texts_of_the_service() if named.fullmatch(text) and not text.endswith(".pem")}


def test_every_change_and_event_has_words_and_none_has_words_that_never_happens() -> None:
    assert DONE.keys() - OTHERS == recorded_by_the_service() | EVENTS.keys() | PUT_TOGETHER


def test_every_question_that_the_policy_knows_has_words(tmp_path: Path) -> None:
    known = load_policy(ROOT / "policies", tmp_path).resource_types
    assert known.keys() <= TYPES.keys()
    assert {action for actions in known.values() for action in actions} == ASKED.keys()
