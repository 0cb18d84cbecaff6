"""What suites reach of a policy: the rules that decided their cells, and their share of the space of situations.

A cell stands for every situation that is answered along the same path of the decision diagram: those that agree with
it in all facts that were asked for on the way. The paths partition the space, so shares are counted exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from authz_service.engine.diagram import Node, branches
from authz_service.workbench.cases import holding, known
from authz_service.workbench.questions import levels_of, questions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.diagram import Diagram
    from authz_service.engine.policy import Policy, Question
    from authz_service.facts.decision import Situation


@dataclass(frozen=True, slots=True)
class Coverage:
    """`alone` are the rules that decided some cell by themselves, of all `rules`.

    `situations` of the `space`, and `paths` of `all_paths`, were reached.
    """

    rules: tuple[str, ...]
    alone: frozenset[str]
    paths: int
    all_paths: int
    situations: int
    space: int

    @property
    def idle(self) -> tuple[str, ...]:
        """The rules that decided no cell by themselves."""
        return tuple(rule for rule in self.rules if rule not in self.alone)


@dataclass(slots=True)
class Reached:
    """Collects the situations of cells."""

    _seen: set[Situation] = field(default_factory=set)

    def add(self, situations: Iterable[Situation]) -> None:
        """Count these as reached."""
        self._seen.update(situations)

    def coverage(self, policy: Policy) -> Coverage:
        """What was reached of this policy."""
        alone: set[str] = set()
        cubes: dict[QuestionKey, dict[tuple[tuple[int, tuple[int, ...]], ...], None]] = {}
        for situation in self._seen:
            permits, forbids = holding([situation], "permit"), holding([situation], "forbid")
            if permits and len(forbids or permits) == 1:
                alone |= forbids or permits
            question = situation.question
            key = (question.subject_type, question.action, question.resource_type)
            cube = path_of(question, known(situation))
            if cube is not None:
                cubes.setdefault(key, {})[tuple(cube.items())] = None
        paths = all_paths = situations = space = 0
        for question in questions(policy):
            diagrams = question.diagrams.scratch()
            levels = levels_of(question)
            possible = diagrams.negate(question.impossible_diagram)
            space += diagrams.count(possible, levels)
            all_paths += _count_paths(question.diagram)
            for path in cubes.get((question.subject_type, question.action, question.resource_type), ()):
                paths += 1
                situations += diagrams.count(diagrams.both(diagrams.cube(dict(path)), possible), levels)
        return Coverage(tuple(policy.rules), frozenset(alone), paths, all_paths, situations, space)


def path_of(question: Question, given: Mapping[int, int]) -> dict[int, tuple[int, ...]] | None:
    """The path that a situation takes: level -> the values that go the same way; None when a fact is missing on it."""
    path: dict[int, tuple[int, ...]] = {}
    at = question.diagram
    while isinstance(at, Node):
        index = given.get(at.level)
        if index is None:
            return None
        child = at.children[index]
        path[at.level] = branches(at)[child]
        at = child
    return path


def _count_paths(d: Diagram) -> int:
    memo: dict[Diagram, int] = {}

    def walk(at: Diagram) -> int:
        if isinstance(at, bool):
            return 1
        if at not in memo:
            memo[at] = sum(walk(child) for child in branches(at))
        return memo[at]

    return walk(d)
