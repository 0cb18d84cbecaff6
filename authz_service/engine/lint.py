"""What the text of a bundle's rules must keep to, checked on its words before Polar runs: every finding has its line.

Tracing finds what a word means (and so a value outside its domain under any construct); these checks give a typo its
exact place, and reach text that no rule runs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from authz_service.engine.errors import Problem, suggest
from authz_service.engine.fact_words import check_fact_words
from authz_service.engine.tokens import EFFECTS, Clause, Kind, PolarText, Token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authz_service.engine.facts import Facts


_MAIN = "main.polar"
_FORBIDDEN = {
    "print": "print writes to the service's output",
    "debug": "debug stops the service and waits for input",
    "new": "new builds Python objects; rules only read facts",
}
_BUILT_IN = frozenset({"Boolean", "Integer", "Float", "List", "Dictionary", "String"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A permit or a forbid with its id, where it stands first, and the comment above it."""

    id: str
    effect: str
    file: str
    line: int
    says: str


@dataclass(slots=True)
class Text:
    """Every clause of a bundle, its rules by id, and what is wrong with the words."""

    clauses: list[Clause] = field(default_factory=list)
    rules: dict[str, Rule] = field(default_factory=dict)
    heads: dict[str, list[Clause]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def reach(self, rule_id: str) -> list[Clause]:
        """The clauses of a rule and of everything it may call, nearest first."""
        found = list(self.heads.get(rule_id, ()))
        called: set[str] = set()
        for clause in found:
            new = clause.calls - called
            called |= new
            found.extend(other for other in self.clauses if other.predicate in new and other.predicate not in EFFECTS)
        return found


def lint(files: Sequence[PolarText], facts: Facts) -> Text:
    """Check the words of all files together."""
    linter = _Linter(files, facts)
    linter.run()
    return linter.text


class _Linter:
    def __init__(self, files: Sequence[PolarText], facts: Facts) -> None:
        self.files, self.facts, self.actions = files, facts, facts.actions
        self.text = Text([clause for file in files for clause in file.clauses])
        self.types = {declared.cls: declared for declared in (*facts.subjects.values(), *facts.resources.values())}
        self.subjects = {declared.cls for declared in facts.subjects.values()}

    def refuse(self, file: str, line: int, message: str) -> None:
        self.text.problems.append(Problem(file, line, message))

    def run(self) -> None:
        for file in self.files:
            self.check_words(file)
        for clause in self.text.clauses:
            self.check_heads(clause)
        self.check_actions()
        self.check_allow()
        self.text.problems += check_fact_words(self.text.clauses, self.facts)
        self.check_literals()

    # Words and classes

    def check_words(self, file: PolarText) -> None:
        tokens = file.tokens
        for i, token in enumerate(tokens):
            after = tokens[i + 1] if i + 1 < len(tokens) else None
            before = tokens[i - 1] if i else None
            if token.kind is not Kind.NAME:
                continue
            if token.text.startswith("__"):
                self.refuse(file.file, token.line, f"{token.text} reaches into Python; rules only read declared facts")
            elif token.text in _FORBIDDEN and not (before and before.is_sign(".")):
                self.refuse(file.file, token.line, f"{_FORBIDDEN[token.text]}; take it out")
            elif before and (before.is_word("matches") or (before.is_sign(":") and self.is_class_place(tokens, i))):
                self.check_class(file.file, token)
            if after and after.is_sign(".") and i + 2 < len(tokens) and tokens[i + 2].is_sign("("):
                self.refuse(
                    file.file, token.line, f"{token.text}.(...) reads a name that no check can see; write the fact"
                )

    @staticmethod
    def is_class_place(tokens: Sequence[Token], i: int) -> bool:
        """Whether `x: Name` stands in a head (a dictionary's `key: value` does not start with a capital letter)."""
        return tokens[i].text[0].isupper()

    def check_class(self, file: str, token: Token) -> None:
        if token.text not in self.types and token.text not in _BUILT_IN:
            self.refuse(file, token.line, f"{token.text} is no declared class{suggest(token.text, self.types)}")

    # Heads

    def check_heads(self, clause: Clause) -> None:
        if clause.predicate not in EFFECTS:
            return
        parameters = clause.parameters
        if len(parameters) != 4 or parameters[3].literal is None:
            self.refuse(
                clause.file,
                clause.line,
                f'this {clause.predicate} has no id: write {clause.predicate}(subject, action, resource, "an.id")',
            )
            return
        self.add_rule(clause, parameters[3].literal)
        subject, _, resource = parameters[:3]
        for parameter, fits, side in (
            (subject, subject.cls in self.subjects, "subject"),
            (resource, resource.cls not in self.subjects, "resource"),
        ):
            if parameter.cls in self.types and not fits:
                self.refuse(clause.file, parameter.line, f"{parameter.cls} is not the class of a {side} type")
        if clause.predicate == "permit" and subject.cls is None:
            example = next(iter(self.facts.subjects.values())).cls if self.facts.subjects else "Representative"
            self.refuse(
                clause.file,
                subject.line,
                f"a permit must say whom it permits: type its subject, as in subject: {example}",
            )

    def check_actions(self) -> None:
        """Check the literals at every place to which a rule hands its action, in the heads of helpers too."""
        places = {(effect, 1) for effect in EFFECTS}
        known = 0
        while known < len(places):
            known = len(places)
            for clause in self.text.clauses:
                for at, parameter in enumerate(clause.parameters):
                    if (clause.predicate, at) in places and parameter.variable:
                        places |= clause.passed(parameter.variable)
        for clause in self.text.clauses:
            typed = next((p.cls for p in clause.parameters if p.cls in self.types and p.cls not in self.subjects), None)
            for at, parameter in enumerate(clause.parameters):
                if (clause.predicate, at) in places and parameter.literal is not None:
                    self.check_action(clause, parameter.literal, parameter.line, typed)

    def check_action(self, clause: Clause, action: str, line: int, cls: str | None) -> None:
        declared = self.types.get(cls or "")
        if action not in self.actions:
            known = suggest(action, declared.actions if declared else self.actions)
            self.refuse(clause.file, line, f"{action} is no action of any type{known}")
        elif declared and declared.actions and action not in declared.actions:
            known = suggest(action, declared.actions)
            self.refuse(clause.file, line, f"{action} is no action of {declared.name}{known}")

    def add_rule(self, clause: Clause, rule_id: str) -> None:
        rule = Rule(rule_id, clause.predicate, clause.file, clause.line, clause.says)
        first = self.text.rules.setdefault(rule_id, rule)
        clash = ""
        if first.file != rule.file:
            clash = f"the rule id {rule_id} is used in two files"
        elif first.effect != rule.effect:
            clash = f"the rule id {rule_id} names a permit and a forbid"
        if clash:
            # Which of the two is the slip only the author knows.
            self.refuse(rule.file, rule.line, f"{clash}, also in {first.file}:{first.line}")
            self.refuse(first.file, first.line, f"{clash}, also in {rule.file}:{rule.line}")
        self.text.heads.setdefault(rule_id, []).append(clause)

    def check_allow(self) -> None:
        clauses = [clause for clause in self.text.clauses if clause.predicate == "allow"]
        clauses.sort(key=lambda clause: clause.file != _MAIN)
        if not clauses:
            file = next((file.file for file in self.files if file.file == _MAIN), self.files[0].file)
            rule = "allow(s, a, r) if permit(s, a, r, _) and not forbidden(s, a, r)"
            self.refuse(file, 0, f"no allow: write {rule} in {_MAIN}")
        for clause in clauses[1:]:
            first = f"{clauses[0].file}:{clauses[0].line}"
            self.refuse(clause.file, clause.line, f"a second allow; the only one stands in {first}, add a permit")

    # Words that stand alone

    def check_literals(self) -> None:
        """Refuse a text that is close to a known word, but is none and stands nowhere else, even if it never runs."""
        known = set(self.facts.actions) | set(self.text.rules)
        for fact in self.facts.facts.values():
            known |= {value for value in fact.values if isinstance(value, str)}
            if fact.parameter is not None:
                known.add(fact.parameter)
        counts = Counter(token.text for file in self.files for token in file.tokens if token.kind is Kind.TEXT)
        noted = {(problem.file, problem.line) for problem in self.text.problems}
        for file in self.files:
            for token in file.tokens:
                if token.kind is not Kind.TEXT or token.text in known or counts[token.text] > 1:
                    continue
                if (file.file, token.line) in noted:
                    continue
                if token.text in ("true", "false"):
                    self.refuse(
                        file.file, token.line, f'"{token.text}" is a text; a flag is {token.text} without quotes'
                    )
                elif close := get_close_matches(token.text, known, n=1, cutoff=0.75):
                    self.refuse(
                        file.file,
                        token.line,
                        f'"{token.text}" is no value, action, parameter or rule id, and stands nowhere else '
                        f"(did you mean {close[0]}?)",
                    )
