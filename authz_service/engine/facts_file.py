"""Reads `facts.yaml`, version 1.

Where the file states no `of`, the fact belongs to every type of its side; without `says` its own name stands for it,
without `controlled_by` the platform. `from` is checked for its shape here; what it names is known to the part that
derives facts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import yaml

from authz_service.engine.document import Document, Entry, line_of
from authz_service.engine.errors import Problem, suggest
from authz_service.engine.facts import Fact, Facts, Impossible, Level, Side, TypeName, show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authz_service.engine.diagram import Value

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

# The sources of facts, and the keys that belong to each; `match` also has the values of its fact.
_SOURCES: dict[str, frozenset[str]] = {
    "store": frozenset({"property"}),
    "code": frozenset({"property"}),
    "member": frozenset({"of"}),
    "match": frozenset(),
    "property": frozenset({"values", "above", "map_null"}),
}


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


def read_source(document: Document, name: str, values: Sequence[Value], part: Entry) -> Mapping[str, object]:
    """The shape of `from` (a closed set): property, match, member, store or code, with what belongs to each."""
    what = f"from of {name}"
    entries = {entry.key: entry for entry in document.entries(part.node, what)}
    kind = next((kind for kind in _SOURCES if kind in entries), None)
    if kind is None:
        if isinstance(part.node, yaml.MappingNode):
            known = suggest(next(iter(entries), ""), _SOURCES)
            document.problems.append(Problem(document.file, part.line, f"{what} names none of the sources{known}"))
        return {}
    document.text(entries[kind].node, f"{kind} of {name}")
    allowed = _SOURCES[kind] | (set(map(show, values)) if kind == "match" else set())
    for entry in entries.values():
        if entry.key != kind and entry.key not in allowed:
            message = f"unknown key {entry.key} in {what}{suggest(entry.key, allowed)}"
            document.problems.append(Problem(document.file, entry.line, message))
        elif entry.key != kind and kind in ("match", "member"):
            _check_bound(document, entry)
    named = document.entries(entries["values"].node, f"values in {what}") if "values" in entries else []
    if "map_null" in entries:
        null = document.value(entries["map_null"].node, f"map_null of {name}")
        named += [Entry(show(null), entries["map_null"].line, part.node)] if null is not None else []
    for entry in named:
        if entry.key not in map(show, values):
            message = f"{entry.key} is no value of {name}{suggest(entry.key, map(show, values))}"
            document.problems.append(Problem(document.file, entry.line, message))
    if kind == "member" and "of" not in entries:
        document.refuse(part.node, f"{what} lacks the key of: whose membership is asked for, such as subject.id")
    plain = document.plain(part.node)
    return plain if isinstance(plain, dict) else {}


def _check_bound(document: Document, entry: Entry) -> None:
    """What a property is compared with: `subject.id`, something looked up (`store.name`), or null."""
    bound = document.plain(entry.node)
    if bound is not None and bound != "subject.id" and not (isinstance(bound, str) and bound.startswith("store.")):
        document.refuse(entry.node, f"{entry.key} is compared with {bound}; write subject.id, store.NAME or null")


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
        if version := parts.get("version"):
            self.document.check_version(version.node)
        for entry in self.entries(parts, "subjects"):
            self.read_type(entry, self.facts.subjects, ("class",))
        for entry in self.entries(parts, "resources"):
            self.read_type(entry, self.facts.resources, ("class", "actions"))
        for entry in self.entries(parts, "facts"):
            self.read_fact(entry)
        self.refuse_nested_bases()
        named = {name for fact in self.facts.facts.values() for name in fact.of}
        types = (*self.facts.subjects.values(), *self.facts.resources.values())
        self.facts.words += [(declared.name, declared.line) for declared in types if declared.name not in named]
        if impossible := parts.get("impossible"):
            for item in self.document.items(impossible.node, "impossible"):
                self.read_impossible(item)

    def entries(self, parts: Mapping[str, Entry], key: str) -> list[Entry]:
        return self.document.entries(parts[key].node, key) if key in parts else []

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
            self.facts.words += actions.items()
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
            self.facts.words.append((cls, line_of(parts["class"].node)))
            into[entry.key] = TypeName(entry.key, cls, actions, entry.line)

    def read_fact(self, entry: Entry) -> None:
        match = _FACT.match(entry.key)
        if not match:
            forms = "subject.name, resource.name or subject.name(parameter)"
            self.refuse(entry.line, f"{entry.key} is no name of a fact: write {forms}")
            return
        side, path, parameter = Side(match[1]), match[2], match[3]
        if words := [word for word in path.split(".") if word in _POLAR_WORDS]:
            self.refuse(entry.line, f"{words[0]} is a word of the Polar language and cannot name a fact")
            return
        required = ("values", "parameter") if parameter else ("values",)
        optional = ("of", "says", "controlled_by", "legal", "from")
        parts = self.document.fields(entry.node, f"the fact {entry.key}", required, optional)
        base = f"{side}.{path}"
        values = self.read_values(entry.key, parts.get("values"))
        fact = Fact(
            name=base,
            base=base,
            parameter=None,
            of=self.read_of(side, parts.get("of")),
            values=values,
            says=self.read_text(entry.key, parts.get("says")) or "",
            controlled_by=self.read_level(parts.get("controlled_by")),
            legal=self.read_text(entry.key, parts.get("legal")),
            source=read_source(self.document, entry.key, values, parts["from"]) if "from" in parts else None,
            side=side,
            file=self.document.file,
            line=entry.line,
        )
        names = [base]
        if parameter:
            names = [f"{base}.{name}" for name in self.read_parameters(entry.key, parts.get("parameter"))]
        if values:
            self.add(fact, names)

    def add(self, fact: Fact, names: Sequence[str]) -> None:
        """Add a fact, or the instances of one with a parameter."""
        if fact.base in self.bases:
            self.refuse(fact.line, f"{fact.base} is declared already on line {self.bases[fact.base]}")
            return
        self.bases[fact.base] = fact.line
        self.facts.words += [(word, fact.line) for word in fact.base.split(".")[1:]]
        for name in names:
            if name in self.facts.facts:
                self.refuse(fact.line, f"{name} is declared already on line {self.facts.facts[name].line}")
                continue
            parameter = name.removeprefix(f"{fact.base}.") if name != fact.base else None
            self.facts.facts[name] = replace(fact, name=name, parameter=parameter, says=fact.says or name)

    def read_text(self, name: str, part: Entry | None) -> str | None:
        return None if part is None else self.document.text(part.node, f"{part.key} of {name}")

    def read_parameters(self, name: str, part: Entry | None) -> list[str]:
        if part is None:
            return []
        found = self.document.texts(part.node, f"the parameter of {name}")
        self.facts.words += [(parameter, line_of(node)) for parameter, node in found]
        return [parameter for parameter, _ in found]

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
                self.facts.words.append((show(value), line_of(item)))
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
