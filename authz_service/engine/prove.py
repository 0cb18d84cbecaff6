"""`invariants.yaml`: what must hold in every situation, proven on the diagrams.

```yaml
version: 1
invariants:
  - id: no_plan_for_emergency_contacts
    says: No emergency contact ever views a service plan, whatever the switches.
    never: {subject: account, action: [view, print], resource: service_plan, when: {subject.kind: emergency_contact}}
```

`never` (or `always`) names questions: `subject`, `action` and `resource` are a name, a list of names or `any`. `when`
narrows the situations (fact -> value, list of values or `{not: ...}`), `unless` takes some out again. A type that lacks
a fact of `when` is left out where the invariant says `any`, and an error where it names the type; an `unless` on a fact
that a type lacks takes nothing out there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from authz_service.engine.build import matches_diagram
from authz_service.engine.document import Document, Entry, line_of
from authz_service.engine.errors import Problem, suggest
from authz_service.engine.facts import Facts, Matches, Side, show
from authz_service.engine.facts_file import read_matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from authz_service.engine.build import Decision, QuestionKey
    from authz_service.engine.diagram import Diagram, Diagrams

_ANY = "any"
_KEYS = ("subject", "action", "resource")


@dataclass(frozen=True, slots=True)
class Invariant:
    """One statement over a set of questions; `never` it is allowed, or else always."""

    id: str
    says: str
    never: bool
    subjects: tuple[str, ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    when: Matches
    unless: Matches
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Proof:
    """How an invariant fared: in how many questions and situations it was looked at, and where it fails.

    A counterexample is told in words, and given as its question and the fewest facts (level -> value index) it needs.
    """

    invariant: Invariant
    questions: int
    situations: int
    counterexample: str | None
    question: QuestionKey | None = None
    path: Mapping[int, int] | None = None


def read_invariants(text: str, facts: Facts, file: str = "invariants.yaml") -> tuple[list[Invariant], list[Problem]]:
    """Read the text of an `invariants.yaml`."""
    reader = _Reader(Document(file), facts)
    root = reader.document.compose(text)
    if root is not None:
        reader.read(root)
    return reader.invariants, reader.document.problems


def prove(
    invariants: Iterable[Invariant], facts: Facts, diagrams: Diagrams, decisions: Mapping[QuestionKey, Decision]
) -> list[Proof]:
    """Look at every situation of every invariant's questions."""
    proofs = []
    for invariant in invariants:
        questions = situations = 0
        worst: tuple[QuestionKey, dict[int, int]] | None = None
        for key, decision in decisions.items():
            names = _fact_names(facts, key)
            meant = meant_by(invariant, diagrams, key, names, decision.impossible)
            if meant is None:
                continue
            questions += 1
            situations += diagrams.count(meant, (diagrams.levels[name] for name in names))
            wrong = decision.decision if invariant.never else diagrams.negate(decision.decision)
            path = diagrams.shortest(diagrams.both(meant, wrong))
            if path is not None and (worst is None or len(path) < len(worst[1])):
                worst = key, path
        if worst is None:
            proofs.append(Proof(invariant, questions, situations, None))
        else:
            told = _describe(diagrams, *worst, allowed=invariant.never)
            proofs.append(Proof(invariant, questions, situations, told, *worst))
    return proofs


def meant_by(
    invariant: Invariant, diagrams: Diagrams, key: QuestionKey, names: Collection[str], impossible: Diagram
) -> Diagram | None:
    """The situations that an invariant means of a question with these facts; None when it does not mean the question.

    Adds nodes.
    """
    if not _concerns(invariant, key) or any(name not in names for name in invariant.when):
        return None
    meant = diagrams.without(matches_diagram(diagrams, invariant.when), impossible)
    if invariant.unless and all(name in names for name in invariant.unless):
        meant = diagrams.without(meant, matches_diagram(diagrams, invariant.unless))
    return meant


def failures(proofs: Iterable[Proof]) -> list[Problem]:
    """The invariants that do not hold, or that speak of no situation at all."""
    found = []
    for proof in proofs:
        invariant = proof.invariant
        if proof.counterexample is not None:
            message = f"the invariant {invariant.id} does not hold ({invariant.says}): {proof.counterexample}"
            found.append(Problem(invariant.file, invariant.line, message))
        elif proof.situations == 0:
            message = f"the invariant {invariant.id} speaks of no situation that can occur, so it says nothing"
            found.append(Problem(invariant.file, invariant.line, message))
    return found


def _fact_names(facts: Facts, key: QuestionKey) -> set[str]:
    return {fact.name for fact in (*facts.slots(Side.SUBJECT, key[0]), *facts.slots(Side.RESOURCE, key[2]))}


def _concerns(invariant: Invariant, key: QuestionKey) -> bool:
    chosen = (invariant.subjects, invariant.actions, invariant.resources)
    return all(part in names for part, names in zip(key, chosen, strict=True))


def _describe(diagrams: Diagrams, key: QuestionKey, path: Mapping[int, int], *, allowed: bool) -> str:
    subject, action, resource = key
    facts = ", ".join(
        f"{diagrams.names[level]} = {show(diagrams.values[level][index])}" for level, index in sorted(path.items())
    )
    answer = "is allowed" if allowed else "is denied"
    return f"{action} {resource} by {subject} {answer} when {facts or 'nothing in particular holds'}"


@dataclass(slots=True)
class _Reader:
    document: Document
    facts: Facts
    invariants: list[Invariant] = field(default_factory=list)

    def read(self, root: yaml.Node) -> None:
        parts = self.document.fields(root, self.document.file, ("version", "invariants"))
        if version := parts.get("version"):
            self.document.check_version(version.node)
        if "invariants" not in parts:
            return
        ids: dict[str, int] = {}
        for item in self.document.items(parts["invariants"].node, "invariants"):
            name = self.read_invariant(item)
            if name in ids:
                self.document.refuse(item, f"the invariant {name} stands on line {ids[name]} already")
            if name is not None:
                ids.setdefault(name, line_of(item))

    def read_invariant(self, node: yaml.Node) -> str | None:
        parts = self.document.fields(node, "an invariant", ("id", "says"), ("never", "always"))
        name = self.document.text(parts["id"].node, "the id of an invariant") if "id" in parts else None
        says = self.document.text(parts["says"].node, "says") if "says" in parts else None
        if not isinstance(node, yaml.MappingNode):
            return None
        if ("never" in parts) is ("always" in parts):
            self.document.refuse(node, "an invariant says either never or always")
            return name
        never = "never" in parts
        statement = parts["never" if never else "always"]
        fields = self.document.fields(statement.node, statement.key, _KEYS, ("when", "unless"))
        subjects = self.read_names(fields.get("subject"), tuple(self.facts.subjects), "subject type")
        actions = self.read_names(fields.get("action"), self.facts.actions, "action")
        resources = self.read_names(fields.get("resource"), tuple(self.facts.resources), "resource type")
        conditions: dict[str, Matches] = {}
        for key in ("when", "unless"):
            conditions[key] = {}
            if key in fields:
                conditions[key] = read_matches(self.document, fields[key].node, self.facts.facts, key)
                self.refuse_lacking(fields[key], fields, conditions[key])
        if name is None or says is None or not (subjects and actions and resources):
            return name
        self.refuse_foreign_actions(fields, actions, resources)
        place = (self.document.file, line_of(node))
        self.invariants.append(
            Invariant(name, says, never, subjects, actions, resources, conditions["when"], conditions["unless"], *place)
        )
        return name

    def read_names(self, entry: Entry | None, known: tuple[str, ...], what: str) -> tuple[str, ...]:
        if entry is None:
            return ()
        if isinstance(entry.node, yaml.SequenceNode):
            given = self.document.texts(entry.node, entry.key)
        else:
            text = self.document.text(entry.node, entry.key)
            if text == _ANY:
                return known
            given = [(text, entry.node)] if text is not None else []
        found = []
        for name, node in given:
            if name in known:
                found.append(name)
            else:
                self.document.refuse(node, f"{name} is no {what}{suggest(name, known)}")
        return tuple(found)

    def refuse_lacking(self, part: Entry, fields: Mapping[str, Entry], matches: Matches) -> None:
        """Refuse a condition on a fact that a type named by the invariant does not have."""
        lines = {entry.key: entry.line for entry in self.document.entries(part.node, part.key)}
        for side in Side:
            entry = fields.get(side)
            if entry is None:
                continue
            nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
            named = {str(node.value) for node in nodes if isinstance(node, yaml.ScalarNode)}
            for name in matches:
                fact = self.facts.facts[name]
                lacking = sorted(
                    type_name
                    for type_name in named & (set(self.facts.subjects) | set(self.facts.resources))
                    if fact.side is side and type_name not in fact.of
                )
                if lacking:
                    message = f"{name} is no fact of {', '.join(lacking)}, which this invariant names"
                    self.document.problems.append(Problem(self.document.file, lines[name], message))

    def refuse_foreign_actions(
        self, fields: Mapping[str, Entry], actions: tuple[str, ...], resources: tuple[str, ...]
    ) -> None:
        """Refuse an action that none of the named resource types has."""
        known = {action for name in resources for action in self.facts.resources[name].actions}
        for action in actions:
            if action not in known and len(actions) < len(self.facts.actions):
                message = f"{action} is no action of {', '.join(resources)}{suggest(action, known)}"
                self.document.problems.append(Problem(self.document.file, fields["action"].line, message))
