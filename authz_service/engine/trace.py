"""Runs one rule over every situation: each comparison that can go both ways splits the space, until it is used up.

A run starts with every value of every fact possible. Polar sees a value only through comparisons, so a comparison with
a literal splits the possible values in two and the run goes on in one half; when it ends, what is still possible
is one leaf, and all its situations have that answer. Flipping the last split and running again walks all leaves. Action
and resource type are split in the same way, as pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from authz_service.engine.errors import suggest
from authz_service.engine.facts import Fact, Facts, Side, show
from authz_service.engine.objects import Function, Group, PolicyTextError, TracedText

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authz_service.engine.diagram import Value

LEAVES_MAX = 100_000

Pair: TypeAlias = tuple[str, str]
"""An action and a resource type."""


class TooManyLeavesError(Exception):
    """A rule splits the space into more leaves than a readable rule would."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part of the space with one answer: its pairs, its narrowed facts, and whether the type was tested."""

    pairs: frozenset[Pair]
    narrowed: Mapping[str, tuple[Value, ...]]
    holds: bool
    typed: bool
    error: PolicyTextError | None = None


class Paths:
    """Where each dotted path of each type leads: to a fact, the instances of one with a parameter, or a group."""

    def __init__(self, facts: Facts) -> None:
        self.actions = facts.actions
        self._paths: dict[tuple[str, str], dict[str, Fact | dict[str, Fact] | None]] = {}
        for side, types in ((Side.SUBJECT, facts.subjects), (Side.RESOURCE, facts.resources)):
            for type_name in types:
                paths = self._paths[side, type_name] = {}
                for fact in facts.slots(side, type_name):
                    self._add(paths, fact)

    @staticmethod
    def _add(paths: dict[str, Fact | dict[str, Fact] | None], fact: Fact) -> None:
        path = fact.base.partition(".")[2]
        parts = path.split(".")
        for i in range(1, len(parts)):
            paths.setdefault(".".join(parts[:i]), None)
        if fact.parameter is None:
            paths[path] = fact
        else:
            instances = paths.setdefault(path, {})
            if isinstance(instances, dict):
                instances[fact.parameter] = fact

    def types_with(self, side: str, path: str) -> frozenset[str]:
        """The types that have this path."""
        return frozenset(name for (of, name), paths in self._paths.items() if of == side and path in paths)

    def find(self, side: str, type_name: str, path: str) -> Fact | dict[str, Fact] | None:
        """What stands at a path.

        Raises:
            PolicyTextError: nothing does.
        """
        paths = self._paths[side, type_name]
        if path not in paths:
            raise PolicyTextError(
                f"{side}.{path} is no declared fact of {type_name}{suggest(path, paths)}",
                path.rpartition(".")[2],
                literal=False,
            )
        return paths[path]


class _Run:
    """One run of a rule: answers its questions by the prefix, then always with the first possibility."""

    def __init__(
        self, paths: Paths, pairs: frozenset[Pair], known: Mapping[str, tuple[Value, ...]], prefix: list[bool]
    ) -> None:
        self.paths = paths
        self.pairs = pairs
        self.known = known
        self.narrowed: dict[str, tuple[Value, ...]] = {}
        self.prefix = prefix
        self.trail: list[bool] = []
        self.typed = False
        self.texts: dict[str, TracedText] = {}
        self.action = TracedText("action", self.action_is, self.determine_action)

    def choose(self) -> bool:
        """The way to go where both are possible."""
        at = len(self.trail)
        way = self.prefix[at] if at < len(self.prefix) else True
        self.trail.append(way)
        return way

    def possible(self, fact: Fact) -> tuple[Value, ...]:
        return self.narrowed.get(fact.name) or self.known.get(fact.name) or fact.values

    def read(self, side: str, type_name: str | None, path: str) -> object:
        if type_name is None:
            type_name = self.some_type_with(path)
        found = self.paths.find(side, type_name, path)
        if found is None:
            return Group(self, side, type_name, path)
        if isinstance(found, dict):
            return Function(f"{side}.{path}", found, self.read_fact)
        return self.read_fact(found)

    def some_type_with(self, path: str) -> str:
        """Settle that the resource's type has this path; where it has not, the reading fails on that type."""
        having = self.paths.types_with(Side.RESOURCE, path)
        kept = frozenset(pair for pair in self.pairs if pair[1] in having)
        if kept and (len(kept) == len(self.pairs) or self.choose()):
            self.pairs = kept
        else:
            self.pairs -= kept
        return min(self.pairs)[1]

    def read_fact(self, fact: Fact) -> object:
        if fact.is_flag:
            while len(possible := self.possible(fact)) > 1:
                self.split(fact, possible[0])
            return possible[0]
        text = self.texts.get(fact.name)
        if text is None:
            text = self.texts[fact.name] = TracedText(
                fact.name, lambda other: self.value_is(fact, other), lambda: self.determine(fact)
            )
        return text

    def split(self, fact: Fact, value: Value) -> bool:
        """Go on with this value alone, or with all others."""
        possible = self.possible(fact)
        if value not in possible:
            return False
        if len(possible) == 1:
            return True
        way = self.choose()
        self.narrowed[fact.name] = (value,) if way else tuple(other for other in possible if other != value)
        return way

    def value_is(self, fact: Fact, literal: object) -> bool:
        if not isinstance(literal, str) or literal not in fact.values:
            word = show(literal) if isinstance(literal, str | bool) else str(literal)
            known = suggest(word, map(show, fact.values))
            raise PolicyTextError(f"{word} is no value of {fact.name}{known}", word, literal=True)
        return self.split(fact, literal)

    def determine(self, fact: Fact) -> str:
        while len(possible := self.possible(fact)) > 1:
            self.split(fact, possible[0])
        return str(possible[0])

    def action_is(self, literal: object) -> bool:
        if literal not in self.paths.actions:
            raise PolicyTextError(
                f"{literal} is no action of any type{suggest(str(literal), self.paths.actions)}",
                str(literal),
                literal=True,
            )
        return self.split_pairs(0, str(literal))

    def determine_action(self) -> str:
        while len(actions := sorted({action for action, _ in self.pairs})) > 1:
            self.split_pairs(0, actions[0])
        return actions[0]

    def ask_type(self, type_name: str) -> bool:
        answer = self.split_pairs(1, type_name)
        self.typed = self.typed or answer
        return answer

    def split_pairs(self, part: int, value: str) -> bool:
        having = frozenset(pair for pair in self.pairs if pair[part] == value)
        if not having or len(having) == len(self.pairs):
            return bool(having)
        way = self.choose()
        self.pairs = having if way else self.pairs - having
        return way


def trace(
    ask: Callable[[_Run], bool],
    paths: Paths,
    pairs: frozenset[Pair],
    known: Mapping[str, tuple[Value, ...]],
) -> list[Leaf]:
    """Every leaf of one rule over these pairs; facts in `known` keep to the values given there.

    Raises:
        TooManyLeavesError: there are more than `LEAVES_MAX`.
    """
    leaves: list[Leaf] = []
    prefix: list[bool] = []
    while True:
        run = _Run(paths, pairs, known, prefix)
        error = None
        try:
            holds = ask(run)
        except PolicyTextError as caught:
            holds, error = False, caught
        leaves.append(Leaf(run.pairs, run.narrowed, holds, run.typed, error))
        if len(leaves) > LEAVES_MAX:
            raise TooManyLeavesError
        prefix = run.trail
        while prefix and not prefix[-1]:
            prefix.pop()
        if not prefix:
            return leaves
        prefix[-1] = False
