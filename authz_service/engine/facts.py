"""`facts.yaml`, version 1: the types, actions and facts a bundle's rules may name, and the situations that cannot occur.

Where the file states no `of`, the fact belongs to every type of its side; without `says` its own name stands for it, without `controlled_by` the
platform. `from` is checked for its shape here; what it names is known to the part that derives facts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import yaml

from authz_service.engine.diagram import Value
from authz_service.engine.document import Document, Entry, line_of
from authz_service.engine.errors import Problem, suggest

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_FACT = re.compile(r"(subject|resource)\.([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)(?:\(([a-z_]+)\))?\Z")
# Words of the Polar language, and classes it has already.
_POLAR_WORDS = frozenset(
    [
        "and",
        "or",
        "not",
        "in",
        "if",
        "iff",
        "cut",
        "debug",
        "print",
        "new",
        "matches",
        "mod",
        "rem",
        "forall",
        "type",
        "self",
        "true",
        "false",
        "nil",
        "on",
        "relations",
        "resource",
        "actor",
    ]
)
_POLAR_CLASSES = frozenset(["Boolean", "Integer", "Float", "List", "Dictionary", "String", "Actor", "Resource"])

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
    """One variable of the policy: `subject.kind`, or one instance of a fact with a parameter, `subject.toggle.messages`."""

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
    """What `facts.yaml` declares. Facts keep the file's order; a fact with a parameter stands there once for each of its values."""

    file: str
    subjects: dict[str, TypeName] = field(default_factory=dict)
    resources: dict[str, TypeName] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)
    impossible: list[Impossible] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def actions(self) -> tuple[str, ...]:
        """Every action of every resource type, once."""
        return tuple(dict.fromkeys(action for resource in self.resources.values() for action in resource.actions))

    def slots(self, side: Side, type_name: str) -> tuple[Fact, ...]:
        """The facts of one type, in order."""
        return tuple(fact for fact in self.facts.values() if fact.side is side and type_name in fact.of)


def read_facts(text: str, file: str = "facts.yaml") -> Facts:
    """Read the text of a `facts.yaml`; what is wrong stands in `problems`."""
    reader = _Reader(Document(file), Facts(file))
    reader.read(text)
    reader.facts.problems = reader.document.problems
    return reader.facts


def read_matches(
    document: Document, node: yaml.Node, facts: Mapping[str, Fact], what: str
) -> dict[str, frozenset[Value]]:
    """A condition on facts: fact -> a value, a list of values, or `{not: value or list}`."""
    found: dict[str, frozenset[Value]] = {}
    for entry in document.entries(node, what):
        fact = facts.get(entry.key)
        if fact is None:
            message = f"{what} names {entry.key}, which is no declared fact{suggest(entry.key, facts)}"
            document.problems.append(Problem(document.file, entry.line, message))
            continue
        node, negated = entry.node, False
        if isinstance(node, yaml.MappingNode):
            inner = document.fields(node, f"the condition on {entry.key}", ("not",))
            if "not" not in inner:
                continue
            node, negated = inner["not"].node, True
        items = document.items(node, entry.key) if isinstance(node, yaml.SequenceNode) else [node]
        named = {value for item in items if (value := _known_value(document, item, fact)) is not None}
        accepted = frozenset(fact.values) - named if negated else frozenset(named)
        if not items:
            document.refuse(node, f"the list of values of {entry.key} must not be empty")
        elif not accepted and len(named) == len(items):
            document.refuse(node, f"no value of {entry.key} is left by this condition")
        found[entry.key] = accepted
    return found


def _known_value(document: Document, node: yaml.Node, fact: Fact) -> Value | None:
    value = document.value(node, f"a value of {fact.name}")
    if value is None or any(type(value) is type(known) and value == known for known in fact.values):
        return value
    document.refuse(node, f"{show(value)} is no value of {fact.name}{suggest(show(value), map(show, fact.values))}")
    return None


def show(value: Value) -> str:
    """A value as it is written in YAML."""
    return str(value).lower() if isinstance(value, bool) else value


@dataclass(slots=True)
class _Reader:
    document: Document
    facts: Facts
    bases: dict[str, int] = field(default_factory=dict)

    def read(self, text: str) -> None:
        root = self.document.compose(text)
        if root is None:
            return
        required = ("version", "subjects", "resources", "facts")
        parts = self.document.fields(root, "facts.yaml", required, ("impossible",))
        if (version := parts.get("version")) and self.document.plain(version.node) != 1:
            self.document.refuse(version.node, "version must be 1")
        if subjects := parts.get("subjects"):
            for entry in self.document.entries(subjects.node, "subjects"):
                self.read_type(entry, self.facts.subjects, ("class",))
        if resources := parts.get("resources"):
            for entry in self.document.entries(resources.node, "resources"):
                self.read_type(entry, self.facts.resources, ("class", "actions"))
        if facts := parts.get("facts"):
            for entry in self.document.entries(facts.node, "facts"):
                self.read_fact(entry)
            self.refuse_nested_bases()
        if impossible := parts.get("impossible"):
            for item in self.document.items(impossible.node, "impossible"):
                self.read_impossible(item)

    def refuse(self, line: int, message: str) -> None:
        self.document.problems.append(Problem(self.document.file, line, message))

    def read_type(self, entry: Entry, into: dict[str, TypeName], keys: tuple[str, ...]) -> None:
        what = f"the type {entry.key}"
        parts = self.document.fields(entry.node, what, keys)
        cls = self.document.text(parts["class"].node, f"the class of {entry.key}") if "class" in parts else None
        actions: dict[str, int] = {}
        if "actions" in parts:
            pairs = self.document.texts(parts["actions"].node, f"the actions of {entry.key}")
            actions = {name: line_of(node) for name, node in pairs}
        if cls is None:
            return
        taken = {known.cls: known for known in (*self.facts.subjects.values(), *self.facts.resources.values())}
        if not _NAME.match(cls) or cls in _POLAR_CLASSES or cls in _POLAR_WORDS:
            self.document.refuse(
                parts["class"].node, f"{cls} cannot be a class of Polar; use a name such as ServicePlan"
            )
        elif cls in taken:
            self.document.refuse(parts["class"].node, f"the class {cls} belongs to the type {taken[cls].name} already")
        else:
            into[entry.key] = TypeName(entry.key, cls, actions, entry.line)

    def read_fact(self, entry: Entry) -> None:
        match = _FACT.match(entry.key)
        if not match:
            self.refuse(
                entry.line,
                f"{entry.key} is no name of a fact: write subject.name, resource.name or subject.name(parameter)",
            )
            return
        side, path, parameter = Side(match[1]), match[2], match[3]
        if words := [word for word in path.split(".") if word in _POLAR_WORDS]:
            self.refuse(entry.line, f"{words[0]} is a word of the Polar language and cannot name a fact")
            return
        what = f"the fact {entry.key}"
        required = ("values", "parameter") if parameter else ("values",)
        parts = self.document.fields(entry.node, what, required, ("of", "says", "controlled_by", "legal", "from"))
        values = self.read_values(entry.key, parts.get("values"))
        parameters = (
            [name for name, _ in self.document.texts(parts["parameter"].node, f"the parameter of {entry.key}")]
            if "parameter" in parts
            else []
        )
        of = self.read_of(side, parts.get("of"))
        said = {
            key: self.document.text(parts[key].node, f"{key} of {entry.key}")
            for key in ("says", "legal")
            if key in parts
        }
        level = self.read_level(parts.get("controlled_by"))
        if not values:
            return
        source = self.read_source(entry.key, values, parts["from"]) if "from" in parts else None
        base = f"{side}.{path}"
        if base in self.bases:
            self.refuse(entry.line, f"{base} is declared already on line {self.bases[base]}")
            return
        self.bases[base] = entry.line
        for name in parameters if parameter else [None]:
            full = base if name is None else f"{base}.{name}"
            if full in self.facts.facts:
                self.refuse(entry.line, f"{full} is declared already on line {self.facts.facts[full].line}")
                continue
            self.facts.facts[full] = Fact(
                name=full,
                base=base,
                parameter=name,
                of=of,
                values=values,
                says=said.get("says") or full,
                controlled_by=level,
                legal=said.get("legal"),
                source=source,
                side=side,
                file=self.document.file,
                line=entry.line,
            )

    def read_values(self, name: str, part: Entry | None) -> tuple[Value, ...]:
        if part is None:
            return ()
        values: list[Value] = []
        for item in self.document.items(part.node, f"the values of {name}"):
            value = self.document.value(item, f"a value of {name}")
            if value is None:
                continue
            if any(type(value) is type(known) and value == known for known in values):
                self.document.refuse(item, f"{show(value)} stands twice in the values of {name}")
            elif values and isinstance(value, bool) is not isinstance(values[0], bool):
                self.document.refuse(item, f"the values of {name} must be texts, or true and false, not both")
            else:
                values.append(value)
        if not values and isinstance(part.node, yaml.SequenceNode) and not part.node.value:
            self.document.refuse(part.node, f"the values of {name} must not be empty")
        return tuple(values)

    def read_of(self, side: Side, part: Entry | None) -> tuple[str, ...]:
        known = self.facts.subjects if side is Side.SUBJECT else self.facts.resources
        if part is None:
            return tuple(known)
        found = []
        for name, node in self.document.texts(part.node, "of"):
            if name in known:
                found.append(name)
            else:
                self.document.refuse(node, f"{name} is no declared {side} type{suggest(name, known)}")
        return tuple(found)

    def read_level(self, part: Entry | None) -> Level:
        if part is None:
            return Level.PLATFORM
        name = self.document.text(part.node, "controlled_by")
        if name is not None and name not in set(Level):
            self.document.refuse(part.node, f"controlled_by {name} is unknown{suggest(name, list(Level))}")
            name = None
        return Level(name or Level.PLATFORM)

    def read_source(self, name: str, values: Sequence[Value], part: Entry) -> Mapping[str, object]:
        """The shape of `from` (a closed set): property, match, member, store or code, with what belongs to each."""
        what = f"from of {name}"
        entries = {entry.key: entry for entry in self.document.entries(part.node, what)}
        kinds = {
            "store": {"property"},
            "code": {"property"},
            "member": {"of"},
            "match": None,
            "property": {"values", "above", "map_null"},
        }
        kind = next((kind for kind in kinds if kind in entries), None)
        if kind is None:
            if isinstance(part.node, yaml.MappingNode):
                self.refuse(
                    part.line, f"{what} must be one of {', '.join(kinds)}{suggest(next(iter(entries), ''), kinds)}"
                )
            return {}
        self.document.text(entries[kind].node, f"{kind} of {name}")
        allowed = kinds[kind]
        for entry in entries.values():
            if entry.key == kind:
                continue
            if allowed is None:
                self.refuse_foreign_value(name, values, entry.key, entry.line)
            elif entry.key not in allowed:
                self.refuse(entry.line, f"unknown key {entry.key} in {what}{suggest(entry.key, allowed)}")
            elif entry.key == "values":
                for mapped in self.document.entries(entry.node, f"values in {what}"):
                    self.refuse_foreign_value(name, values, mapped.key, mapped.line)
            elif entry.key == "map_null":
                value = self.document.value(entry.node, f"map_null of {name}")
                if value is not None:
                    self.refuse_foreign_value(name, values, show(value), entry.line)
        if kind == "member" and "of" not in entries:
            self.refuse(part.line, f"{what} lacks the key of: whose membership is asked for, such as subject.id")
        plain = self.document.plain(part.node)
        return plain if isinstance(plain, dict) else {}

    def refuse_foreign_value(self, name: str, values: Sequence[Value], value: str, line: int) -> None:
        if value not in map(show, values):
            self.refuse(line, f"{value} is no value of {name}{suggest(value, map(show, values))}")

    def refuse_nested_bases(self) -> None:
        """A fact cannot be both a value and the namespace of another."""
        for base, line in self.bases.items():
            for other in self.bases:
                if other.startswith(base + "."):
                    self.refuse(line, f"{base} is a fact and so cannot contain the fact {other}; rename one of them")

    def read_impossible(self, node: yaml.Node) -> None:
        matches = read_matches(self.document, node, self.facts.facts, "impossible")
        named = [self.facts.facts[name] for name in matches]
        for side in Side:
            together = [set(fact.of) for fact in named if fact.side is side]
            if together and not set.intersection(*together):
                self.document.refuse(node, f"no {side} has all of these facts, so the situation never comes up")
        if matches:
            self.facts.impossible.append(Impossible(matches, self.document.file, line_of(node)))
