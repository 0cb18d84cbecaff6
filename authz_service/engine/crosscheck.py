"""Asks plain Polar the same questions as the diagrams: `allow`, in one situation of each path of each diagram."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from authz_service.engine.errors import Problem
from authz_service.engine.facts import Side, show
from authz_service.engine.polar import PolarError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authz_service.engine.build import Decision, QuestionKey
    from authz_service.engine.diagram import Diagram, Diagrams, Value
    from authz_service.engine.facts import Facts
    from authz_service.engine.reference import Reference

SECONDS_MAX = 0.5


def crosscheck(
    facts: Facts,
    diagrams: Diagrams,
    decisions: Mapping[QuestionKey, Decision],
    reference: Reference,
    allow_line: Problem,
) -> list[Problem]:
    """The first difference found, if any, placed at the `allow`; looks for `SECONDS_MAX`, at each question in turn."""
    deadline = time.perf_counter() + SECONDS_MAX
    # Questions with the same diagram differ at most in what Polar is asked; the first of them goes first.
    waiting = [(key, _situations(facts, diagrams, key, decision.decision)) for key, decision in decisions.items()]
    while waiting and time.perf_counter() < deadline:
        remaining = []
        for key, situations in waiting:
            asked = next(situations, None)
            if asked is None:
                continue
            remaining.append((key, situations))
            subject, resource, expected = asked
            try:
                answer = reference.allows(key, subject, resource)
            except PolarError as error:
                return [Problem(error.file or allow_line.file, error.line or allow_line.line, error.message)]
            if answer is not expected:
                return [Problem(allow_line.file, allow_line.line, _difference(key, subject, resource, allowed=answer))]
        waiting = remaining
    return []


def _situations(
    facts: Facts, diagrams: Diagrams, key: QuestionKey, diagram: Diagram
) -> Iterator[tuple[dict[str, Value], dict[str, Value], bool]]:
    slots = [
        (fact, diagrams.levels[fact.name])
        for side in Side
        for fact in facts.slots(side, key[0] if side is Side.SUBJECT else key[2])
    ]
    for expected in (True, False):
        for path in diagrams.paths(diagram, answer=expected):
            values: dict[Side, dict[str, Value]] = {Side.SUBJECT: {}, Side.RESOURCE: {}}
            for fact, level in slots:
                index = path[level][0] if level in path else 0
                values[fact.side][fact.key] = fact.values[index]
            yield values[Side.SUBJECT], values[Side.RESOURCE], expected


def _difference(key: QuestionKey, subject: Mapping[str, Value], resource: Mapping[str, Value], *, allowed: bool) -> str:
    asked = ", ".join(
        f"{side}.{name} = {show(value)}"
        for side, facts in ((Side.SUBJECT, subject), (Side.RESOURCE, resource))
        for name, value in facts.items()
    )
    answer = "allows" if allowed else "denies"
    who, action, what = key
    return (
        f"allow must mean: some permit and no forbid; it {answer} {action} on {what} by {who}, "
        f"against the rules, when {asked or 'no fact is declared'}"
    )
