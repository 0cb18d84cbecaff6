"""YAML read with line numbers: every mistake becomes a problem that names its line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from authz_service.engine.errors import Problem, suggest

if TYPE_CHECKING:
    from collections.abc import Collection

    from authz_service.engine.diagram import Value

_TAG = "tag:yaml.org,2002:"
_DEPTH_MAX = 50  # of one thing within another; libyaml follows any depth, and ends the process with its stack
_SIZE_MAX = 100_000  # things that a text unfolds to; aliases of aliases double with every line
# libyaml is ten times as fast; the wheels carry it, a source build may not.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping."""

    key: str
    line: int
    node: yaml.Node


@dataclass(slots=True)
class Document:
    """Reads one YAML file of a bundle and collects its problems."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def compose(self, text: str) -> yaml.Node | None:
        """The root node, or None (with a problem) when the text is not one YAML document."""
        try:
            if swollen := _swollen(text):
                self.problems.append(Problem(self.file, *swollen))
                return None
            root = yaml.compose(text, Loader=_Loader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            what = getattr(error, "problem", None) or str(error).splitlines()[0]
            self.problems.append(Problem(self.file, mark.line + 1 if mark else 0, f"not valid YAML: {what}"))
            return None
        if root is None:
            self.problems.append(Problem(self.file, 0, "the file is empty"))
        return root

    def refuse(self, node: yaml.Node, message: str) -> None:
        """Note a problem at a node."""
        self.problems.append(Problem(self.file, line_of(node), message))

    def entries(self, node: yaml.Node, what: str) -> list[Entry]:
        """The entries of a mapping with text keys, each key once."""
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node, f"{what} must be a mapping (key: value)")
            return []
        found: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.refuse(key_node, f"a key of {what} must be a plain word")
                continue
            key = str(key_node.value)
            if key in found:
                self.refuse(key_node, f"{key} stands twice in {what}; the first is on line {found[key].line}")
                continue
            found[key] = Entry(key, line_of(key_node), value_node)
        return list(found.values())

    def fields(
        self, node: yaml.Node, what: str, required: Collection[str], optional: Collection[str] = ()
    ) -> dict[str, Entry]:
        """The entries of a mapping with a fixed set of keys."""
        known = [*required, *optional]
        found = {}
        entries = self.entries(node, what)
        for entry in entries:
            if entry.key in known:
                found[entry.key] = entry
            else:
                message = f"unknown key {entry.key} in {what}{suggest(entry.key, known)}"
                self.problems.append(Problem(self.file, entry.line, message))
        if isinstance(node, yaml.MappingNode):
            for key in required:
                if key not in found:
                    self.refuse(node, f"{what} lacks the key {key}")
        return found

    def text(self, node: yaml.Node, what: str) -> str | None:
        """A text; a number, a date or nothing is none."""
        if isinstance(node, yaml.ScalarNode) and node.tag == _TAG + "str":
            return str(node.value)
        self.refuse(node, f"{what} must be a text{_quoted(node)}")
        return None

    def items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """The items of a list."""
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self.refuse(node, f"{what} must be a list")
        return []

    def texts(self, node: yaml.Node, what: str) -> list[tuple[str, yaml.Node]]:
        """A list of different texts, not empty, each with its node."""
        items = self.items(node, what)
        found: dict[str, yaml.Node] = {}
        for item in items:
            text = self.text(item, f"an item of {what}")
            if text is None:
                continue
            if text in found:
                self.refuse(item, f"{text} stands twice in {what}")
            found.setdefault(text, item)
        if isinstance(node, yaml.SequenceNode) and not items:
            self.refuse(node, f"{what} must not be empty")
        return list(found.items())

    def value(self, node: yaml.Node, what: str) -> Value | None:
        """A fact value: a text, or `true` or `false`."""
        if isinstance(node, yaml.ScalarNode):
            if node.tag == _TAG + "str":
                return str(node.value)
            if node.tag == _TAG + "bool" and node.value.lower() in ("true", "false"):
                return bool(node.value.lower() == "true")
        self.refuse(node, f"{what} must be a text, true or false{_quoted(node)}")
        return None

    def check_version(self, node: yaml.Node) -> None:
        """Refuse any version but the number 1."""
        if node.tag != _TAG + "int" or self.plain(node) != 1:
            self.refuse(node, "version must be 1")

    def plain(self, node: yaml.Node) -> object:
        """The Python value of a node: texts, numbers, flags, None, lists and dicts."""
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return {entry.key: self.plain(entry.node) for entry in self.entries(node, "this mapping")}
        match node.tag.removeprefix(_TAG):
            case "str":
                return str(node.value)
            case "bool":
                return str(node.value).lower() in ("true", "yes", "on")
            case "null":
                return None
            case "int" | "float" as kind:
                try:
                    return int(node.value, 0) if kind == "int" else float(node.value)
                except ValueError:  # YAML knows more ways to write a number, such as 0777 and 1:30.
                    pass
        self.refuse(node, f"{node.value[:100]} is neither a text, a number, a flag nor null")
        return None


def _swollen(text: str) -> tuple[int, str] | None:
    """Where a text nests deeper, or unfolds to more, than anything that is meant to be read; None when it does not."""
    around: list[tuple[str | None, int]] = []  # the anchor of each thing that is open, and what stood before it
    sizes: dict[str, int] = {}
    size = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in around):
                return line, f"{event.anchor} contains itself"
            size += sizes.get(event.anchor or "", 0)
        elif isinstance(event, yaml.CollectionStartEvent):
            around.append((event.anchor, size))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = around.pop()
            size += 1
            sizes |= {} if anchor is None else {anchor: size - before}
        elif isinstance(event, yaml.ScalarEvent):
            size += 1
            sizes |= {} if event.anchor is None else {event.anchor: 1}
        if len(around) > _DEPTH_MAX:
            return line, f"more than {_DEPTH_MAX} things stand within one another"
        if size > _SIZE_MAX:
            return line, f"the text unfolds to more than {_SIZE_MAX} things"
    return None


def line_of(node: yaml.Node) -> int:
    """The line a node starts on, from 1."""
    return int(node.start_mark.line) + 1


def _quoted(node: yaml.Node) -> str:
    """The way out for a scalar that YAML reads as something else than a text."""
    if isinstance(node, yaml.ScalarNode) and node.value:
        return f"; YAML takes {node.value} for something else, write it in quotes"
    return ""
