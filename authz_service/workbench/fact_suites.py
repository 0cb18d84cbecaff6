"""Suites for any bundle: a table of people and items given as facts. What a suite does not list must be denied.

```yaml
version: 1
says: An editor keeps their own todos.
usual: {subject.role.admin: false, subject.role.viewer: false}   # facts that are so where nothing else is said
people:
  morty: {type: user, facts: {role.editor: true}}
items:
  own: {type: todo, facts: {owner: me}}
  of_others: {type: todo, facts: {owner: other}, for: [morty]}      # asked about by these alone
cells:
  - {subject: morty, action: [can_update_todo, can_delete_todo], resource: own, because: editor.own}
  - {subject: morty, action: can_update_todo, resource: own, facts: {subject.role.viewer: true}, expect: denied,
     because: viewer.reads_only}
```

`subject`, `action` and `resource` are a name or a list. `expect` is `allowed` (left out) or `denied`. `because` names
for an allowed cell exactly the permits that hold, for a denied one forbids that hold, or `no rule permits`. A cell with
`facts` is asked besides the table, with these facts changed. A cell must have every fact on which its answer depends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import yaml

from authz_service.engine.document import Document
from authz_service.engine.errors import BundleError, suggest
from authz_service.engine.facts import Side, show
from authz_service.engine.policy import MISSING
from authz_service.facts.decision import Decision, Situation
from authz_service.workbench.cases import NO_RULE_PERMITS, Case

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from authz_service.engine.build import QuestionKey
    from authz_service.engine.diagram import Value
    from authz_service.engine.document import Entry
    from authz_service.engine.policy import Policy

_EXPECT = {"allowed": True, "denied": False}
_Facts = dict[str, "Value"]


@dataclass(frozen=True, slots=True)
class _Named:
    """A person or an item: its type, its facts by full name, and for whom it is there (None: for all)."""

    type: str
    facts: _Facts
    seekers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Listed:
    expected: bool
    because: frozenset[str] | None
    changes: _Facts = field(default_factory=dict)


def fact_cases(policy: Policy, text: str, file: str) -> list[Case]:
    """Every cell of a suite.

    Raises:
        BundleError: the text is no suite of this bundle; every mistake with its line.
    """
    reader = _Reader(Document(file), policy)
    root = reader.document.compose(text)
    if root is not None:
        reader.read(root)
    if reader.document.problems:
        raise BundleError(reader.document.problems)
    return list(reader.cases())


@dataclass(slots=True)
class _Reader:
    document: Document
    policy: Policy
    usual: _Facts = field(default_factory=dict)
    people: dict[str, _Named] = field(default_factory=dict)
    items: dict[str, _Named] = field(default_factory=dict)
    listed: dict[tuple[str, str, str], _Listed] = field(default_factory=dict)
    besides: list[tuple[tuple[str, str, str], _Listed]] = field(default_factory=list)

    def read(self, root: yaml.Node) -> None:
        required = ("version", "says", "people", "items", "cells")
        parts = self.document.fields(root, "this suite", required, ("usual",))
        if version := parts.get("version"):
            self.document.check_version(version.node)
        if says := parts.get("says"):
            self.document.text(says.node, "says")
        if usual := parts.get("usual"):
            self.usual = self.facts(usual, self.policy.facts, "")
        if people := parts.get("people"):
            for entry in self.document.entries(people.node, "people"):
                self.people[entry.key] = self.named(entry, Side.SUBJECT)
        if items := parts.get("items"):
            for entry in self.document.entries(items.node, "items"):
                self.items[entry.key] = self.named(entry, Side.RESOURCE)
        if cells := parts.get("cells"):
            for node in self.document.items(cells.node, "cells"):
                self.cell(node)

    def named(self, entry: Entry, side: Side) -> _Named:
        optional = ("facts", "for") if side is Side.RESOURCE else ("facts",)
        parts = self.document.fields(entry.node, entry.key, ("type",), optional)
        known = self.policy.subject_types if side is Side.SUBJECT else tuple(self.policy.resource_types)
        type_name = self.document.text(parts["type"].node, f"the type of {entry.key}") if "type" in parts else None
        if type_name is not None and type_name not in known:
            self.document.refuse(parts["type"].node, f"{type_name} is no {side} type{suggest(type_name, known)}")
        slots = self.policy.subject_slots if side is Side.SUBJECT else self.policy.resource_slots
        declared = [fact.name for fact in slots(type_name)] if type_name is not None and type_name in known else []
        facts = self.facts(parts["facts"], declared, f"{side}.") if "facts" in parts and type_name in known else {}
        seekers = self.names(parts["for"], self.people, "person") if "for" in parts else None
        return _Named(type_name or "", facts, seekers)

    def facts(self, part: Entry, names: Collection[str], prefix: str) -> _Facts:
        found: _Facts = {}
        for entry in self.document.entries(part.node, part.key):
            name = prefix + entry.key
            if name not in names:
                self.document.refuse(entry.node, f"{name} is no fact here{suggest(name, names)}")
                continue
            fact = self.policy.facts[name]
            value = self.document.value(entry.node, f"the value of {name}")
            if value is None:
                continue
            if not any(type(value) is type(other) and value == other for other in fact.values):
                known_values = suggest(show(value), map(show, fact.values))
                self.document.refuse(entry.node, f"{show(value)} is no value of {name}{known_values}")
            found[name] = value
        return found

    def names(self, part: Entry, known: Mapping[str, object], what: str) -> tuple[str, ...]:
        """A name or a list of names."""
        if isinstance(part.node, yaml.SequenceNode):
            given = self.document.texts(part.node, part.key)
        else:
            text = self.document.text(part.node, part.key)
            given = [] if text is None else [(text, part.node)]
        for name, node in given:
            if name not in known:
                self.document.refuse(node, f"{name} is no {what} of this suite{suggest(name, known)}")
        return tuple(name for name, _ in given if name in known)

    def cell(self, node: yaml.Node) -> None:
        required, optional = ("subject", "action", "resource"), ("facts", "expect", "because")
        parts = self.document.fields(node, "a cell", required, optional)
        if len(parts.keys() & set(required)) < len(required):
            return
        subjects = self.names(parts["subject"], self.people, "person")
        resources = self.names(parts["resource"], self.items, "item")
        actions = {action: None for name in resources for action in self.actions(name)}
        expected = True
        if "expect" in parts:
            word = self.document.text(parts["expect"].node, "expect") or ""
            if word not in _EXPECT:
                self.document.refuse(parts["expect"].node, f"expect is allowed or denied, and not {word}")
            expected = _EXPECT.get(word, True)
        rules = dict.fromkeys([*self.policy.rules, NO_RULE_PERMITS])
        because = frozenset(self.names(parts["because"], rules, "rule")) if "because" in parts else None
        changes = self.facts(parts["facts"], self.policy.facts, "") if "facts" in parts else {}
        for action in self.names(parts["action"], actions, "action"):
            for who in subjects:
                for what in resources:
                    self.list_cell(node, (who, action, what), _Listed(expected, because, changes))

    def list_cell(self, node: yaml.Node, cell: tuple[str, str, str], listed: _Listed) -> None:
        who, action, what = cell
        seekers = self.items[what].seekers
        if action not in self.actions(what):
            self.document.refuse(node, f"{action} is no action of {what}")
        elif seekers is not None and who not in seekers:
            self.document.refuse(node, f"{what} is not there for {who}")
        elif listed.changes:
            self.besides.append((cell, listed))
        elif cell in self.listed:
            self.document.refuse(node, f"{who}: {action} {what} stands twice in this suite")
        else:
            self.listed[cell] = listed

    def actions(self, item: str) -> tuple[str, ...]:
        return self.policy.resource_types.get(self.items[item].type, ())

    def cases(self) -> Iterator[Case]:
        for who in self.people:
            for what, item in self.items.items():
                if item.seekers is None or who in item.seekers:
                    for action in self.actions(what):
                        cell = (who, action, what)
                        yield self.case(cell, self.listed.get(cell, _Listed(expected=False, because=None)))
        for cell, listed in self.besides:
            yield self.case(cell, listed)

    def case(self, cell: tuple[str, str, str], listed: _Listed) -> Case:
        who, action, what = cell
        person, item = self.people[who], self.items[what]
        facts = {**self.usual, **person.facts, **item.facts, **listed.changes}
        changed = ", ".join(f"{name} = {show(value)}" for name, value in listed.changes.items())
        key = (person.type, action, item.type)
        name = f"{who}: {action} {what}" + (f" with {changed}" if changed else "")
        return Case(self.document.file, "", name, key, listed.expected, listed.because, partial(_ask, key, facts))


def _ask(key: QuestionKey, facts: Mapping[str, Value], policy: Policy) -> Decision:
    question = policy.question(*key)
    if question is None:
        return Decision(allowed=False, error="the bundle does not know this question")
    s = tuple(facts.get(fact.name, MISSING) for fact in question.subject_slots)
    r = tuple(facts.get(fact.name, MISSING) for fact in question.resource_slots)
    answer = question.answer(s, r)
    return Decision(answer.decision, None, answer.error, answer.missing, None, (Situation(question, None, s, r),))
