"""A bundle as its reader wants it: the files in an order to read them in, each rule with its text, and a search."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from authz_service.engine.bundle import FACTS, INVARIANTS, read_bundle
from authz_service.engine.facts import Level
from authz_service.engine.facts_file import read_facts
from authz_service.engine.tokens import EFFECTS, read_polar
from authz_service.workbench.marking import mark_polar, mark_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from authz_service.engine.facts import Fact, Facts
    from authz_service.engine.lint import Rule
    from authz_service.engine.policy import Policy
    from authz_service.engine.tokens import Clause
    from authz_service.workbench.marking import Lines

_MAIN = "main.polar"
# As docs/policy_guide.md puts them; a folder of another name stands after these.
_FOLDERS = ("", "representatives", "limits", "staff")
_FOR_EDITORS = re.compile(r"[\w-]+: \$\w+=")


class Sort(StrEnum):
    """What a file holds."""

    RULES = "rules"
    INVARIANTS = "invariants"
    FACTS = "facts"


@dataclass(frozen=True, slots=True)
class BundleFile:
    """One file: what it says it is for (its first comment), and its lines."""

    name: str
    sort: Sort
    says: str
    lines: Lines
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """Some lines of a file, from the comment above a clause to its end; lines count from 1."""

    file: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: rules, facts (without parameter), and lines (file, line, text), and whether that is all."""

    rules: tuple[Rule, ...]
    facts: tuple[Fact, ...]
    lines: tuple[tuple[str, int, str], ...]
    complete: bool


class Reading:
    """The texts of a policy, read once."""

    def __init__(self, policy: Policy, folder: Path) -> None:
        bundle = read_bundle(folder)
        self.policy = policy
        self.facts: Facts = read_facts(bundle.facts)
        self.clauses = [clause for file, text in bundle.polar.items() for clause in read_polar(text, file).clauses]
        self.helpers: dict[str, Clause] = {}
        for clause in self.clauses:
            if clause.predicate not in EFFECTS:
                self.helpers.setdefault(clause.predicate, clause)
        texts = {**bundle.polar, FACTS: bundle.facts}
        if bundle.invariants is not None:
            texts[INVARIANTS] = bundle.invariants
        self._texts = {file: text.removesuffix("\n").split("\n") for file, text in texts.items()}
        self.files = {name: self._file(name, texts[name]) for name in self._in_order(texts)}

    def _file(self, name: str, text: str) -> BundleFile:
        sort = {FACTS: Sort.FACTS, INVARIANTS: Sort.INVARIANTS}.get(name, Sort.RULES)
        if sort is Sort.RULES:
            lines = mark_polar(text, name, self.facts, self.helpers)
        else:
            lines = mark_yaml(text, {fact.base for fact in self.facts.facts.values()})
        rules = tuple(rule for rule in self.policy.rules.values() if rule.file == name)
        return BundleFile(name, sort, _first_comment(self._texts[name]), lines, rules)

    def _in_order(self, names: Iterable[str]) -> list[str]:
        """Reading order: the one `allow`, what all rules share, who gets what, what takes it away, and the tables."""
        words = [*Level, *(str(value) for fact in self.facts.facts.values() for value in fact.values)]
        places = {word: place for place, word in reversed(list(enumerate(words)))}

        def key(name: str) -> tuple[object, ...]:
            path = PurePosixPath(name)
            folder = "" if path.parent.name == "" else path.parts[0]
            tables = (INVARIANTS, FACTS).index(name) + 1 if name in (INVARIANTS, FACTS) else 0
            known = _FOLDERS.index(folder) if folder in _FOLDERS else len(_FOLDERS)
            return tables, name != _MAIN, known, folder, places.get(path.stem, len(words)), name

        return sorted(names, key=key)

    def passages(self, rule_id: str) -> list[Passage]:
        """Where a rule stands: each of its clauses with the comment above it."""
        return [self._passage(clause) for clause in self.clauses if _id_of(clause) == rule_id]

    def helpers_of(self, rule_id: str) -> list[Clause]:
        """The first clause of everything that a rule may call, nearest first."""
        called: dict[str, None] = {}
        waiting = [clause for clause in self.clauses if _id_of(clause) == rule_id]
        while waiting:
            clause = waiting.pop(0)
            for name in sorted(clause.calls - called.keys()):
                if name in self.helpers:
                    called[name] = None
                    waiting += [other for other in self.clauses if other.predicate == name]
        return [self.helpers[name] for name in called]

    def search(self, wanted: str, most: int) -> Found:
        """Rules, facts and lines that hold every word of the query, whatever its letters' case."""
        words = wanted.lower().split()

        def fits(*texts: str) -> bool:
            told = " ".join(texts).lower()
            return all(word in told for word in words)

        if not words:
            return Found((), (), (), complete=True)
        rules = [rule for rule in self.policy.rules.values() if fits(rule.id, rule.says, rule.effect)]
        bases = {fact.base: fact for fact in reversed(self.facts.facts.values())}
        facts = [fact for fact in reversed(bases.values()) if fits(fact.base, fact.says, fact.legal or "")]
        lines = [
            (name, number, text)
            for name in self.files
            for number, text in enumerate(self._texts[name], 1)
            if fits(text)
        ]
        complete = max(len(rules), len(facts), len(lines)) <= most
        return Found(tuple(rules[:most]), tuple(facts[:most]), tuple(lines[:most]), complete)

    def _passage(self, clause: Clause) -> Passage:
        texts, first = self._texts[clause.file], clause.line
        while first > 1 and texts[first - 2].lstrip().startswith("#"):
            first -= 1
        last = max(token.line for token in (*clause.head, *clause.body))
        return Passage(clause.file, first, last)


def _id_of(clause: Clause) -> str | None:
    if clause.predicate not in EFFECTS or len(clause.parameters) != len(("subject", "action", "resource", "id")):
        return None
    return clause.parameters[3].literal


def _first_comment(texts: list[str]) -> str:
    """The comment that a file begins with, unless it belongs to the rule below it."""
    found = []
    for text in texts:
        if not text.startswith("#"):
            break
        found.append(re.sub(r"^#+ ?", "", text))
    below = texts[len(found)] if len(found) < len(texts) else ""
    # What is written for an editor (`yaml-language-server: ...`) is not for a reader.
    return "" if below.startswith(EFFECTS) else " ".join(text for text in found if not _FOR_EDITORS.match(text))
