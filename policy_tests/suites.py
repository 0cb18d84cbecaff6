"""The suites of our own bundle, and the one cast that they speak of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from authz_service.workbench import cast_scenes, cast_suites
from authz_service.workbench.cast_suites import Board, read_suite
from policy_tests.world.load import load_world

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz_service.engine import Policy
    from authz_service.workbench.cast_scenes import Scene
    from models.vocabulary import SubjectType

HOME = Path(__file__).parent
SUITES = {
    str(path.relative_to(HOME).with_suffix("")): read_suite(path)
    for folder in (HOME, *(HOME / name for name in ("representatives", "limits", "staff")))
    for path in sorted(folder.glob("*.yaml"))
}


def board(policy: Policy, subjects: Iterable[str], only: tuple[str, ...] | None = None) -> Board:
    """All cells of some of the cast."""
    return Board(policy, load_world(), subjects, only)


def base_scene() -> Scene:
    """The cast at noon of the frozen day."""
    return cast_scenes.base_scene(load_world())


def subject_type(subject: str) -> SubjectType:
    """Whether a name of the cast is an account's or a staff member's."""
    return cast_suites.subject_type(load_world(), subject)
