"""The types, actions and facts that rules may name, and the situations that cannot occur (`facts.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from authz_service.engine.diagram import Value

if TYPE_CHECKING:
    from authz_service.engine.errors import Problem

Matches = Mapping[str, frozenset[Value]]


class Level(StrEnum):
    """Who controls a fact."""

    PLATFORM = "platform"
    PRACTICE = "practice"
    CLIENT = "client"
    GRANT = "grant"
    ITEM = "item"
    PERSON = "person"


class Side(StrEnum):
    """Whom a fact describes."""

    SUBJECT = "subject"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class Fact:
    """A variable of the policy: `subject.kind`, or an instance of one with a parameter, `subject.toggle.messages`."""

    name: str
    base: str
    parameter: str | None
    of: tuple[str, ...]
    values: tuple[Value, ...]
    says: str
    controlled_by: Level
    legal: str | None
    source: Mapping[str, object] | None
    side: Side
    file: str
    line: int

    @property
    def key(self) -> str:
        """The name inside its side, as in the JSON of `policy eval`: `toggle.messages`."""
        return self.name.partition(".")[2]

    @property
    def is_flag(self) -> bool:
        """Whether the values are true and false."""
        return isinstance(self.values[0], bool)


@dataclass(frozen=True, slots=True)
class Impossible:
    """A situation that cannot occur: every named fact has one of the given values."""

    matches: Matches
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class TypeName:
    """A wire type, its Polar class and, for a resource, its actions (each with its line)."""

    name: str
    cls: str
    actions: Mapping[str, int]
    line: int


@dataclass(slots=True)
class Facts:
    """What `facts.yaml` declares, in the file's order; a fact with a parameter is one fact for each of its values.

    `words` holds every word that a rule may use, each with the line that declares it.
    """

    file: str
    subjects: dict[str, TypeName] = field(default_factory=dict)
    resources: dict[str, TypeName] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)
    impossible: list[Impossible] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    words: list[tuple[str, int]] = field(default_factory=list)
    _slots: dict[tuple[Side, str], tuple[Fact, ...]] = field(default_factory=dict)

    @property
    def actions(self) -> tuple[str, ...]:
        """Every action of every resource type, once."""
        return tuple(dict.fromkeys(action for resource in self.resources.values() for action in resource.actions))

    def slots(self, side: Side, type_name: str) -> tuple[Fact, ...]:
        """The facts of one type, in order; to be asked when the file has been read."""
        found = self._slots.get((side, type_name))
        if found is None:
            found = tuple(fact for fact in self.facts.values() if fact.side is side and type_name in fact.of)
            self._slots[side, type_name] = found
        return found


def show(value: Value) -> str:
    """A value as it is written in YAML."""
    return str(value).lower() if isinstance(value, bool) else value
