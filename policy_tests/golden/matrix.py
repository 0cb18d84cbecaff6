"""Renders the matrix from the rows of the cast."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from typing import TYPE_CHECKING

from policy_tests.suites import HOME, base_scene, board, subject_type
from policy_tests.world.load import load_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.engine import Policy
    from models.world import World

FILE = HOME / "golden" / "access_matrix.txt"
_HEADING = """\
What everyone of the cast may do with everything, on the frozen day. What is not listed was asked and denied.
Written by `make golden`; a test compares. A change of this file is a change of who may do what: read it line by line.
"""
_WIDTH = 120


def render(policy: Policy) -> str:
    """One block for each person: the actions allowed, and on what."""
    world, scene = load_world(), base_scene()
    blocks = [_HEADING]
    for who in (*world.accounts, *world.staff):
        asked = board(policy, [who])
        answers = asked.answers(scene)
        rows: dict[tuple[str, str], list[str]] = defaultdict(list)
        for thing in asked.rows[who]:
            allowed = [action for action in thing.actions if answers[who, action, thing.name].allowed]
            if allowed:
                rows[thing.label, " ".join(allowed)].append(thing.name)
        count = sum(decision.allowed for decision in answers.values())
        title = f"{who}: {', '.join(_about(world, who))}; {count} of {len(answers)}"
        blocks.append("\n".join([title, *(_row(*key, names) for key, names in rows.items()), ""]))
    return "\n".join(blocks)


def _row(label: str, actions: str, names: list[str]) -> str:
    short = [name.removeprefix(f"{label}@") for name in names]
    start = f"  {label:<16} {actions:<34} "
    return textwrap.fill(" ".join(short), _WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


def _about(world: World, who: str) -> Iterator[str]:
    yield subject_type(who)
    if who in world.staff:
        member = world.staff[who]
        yield from (*member.roles, f"of {member.practice}")
    for grant in world.grants.values():
        if grant.account == who:
            yield f"{grant.kind} on {grant.client}" + ("" if grant.status == "active" else f" ({grant.status})")
