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
from authz_service.engine.facts import Facts, Side, show
from authz_service.engine.tokens import Clause, Kind, PolarText, Token, closing, split_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from authz_service.engine.facts import Fact, TypeName

_MAIN = "main.polar"
EFFECTS = ("permit", "forbid")
_FORBIDDEN = {
    "print": "print writes to the service's output",
    "debug": "debug stops the service and waits for input",
    "new": "new builds Python objects; rules only read facts",
}
_BUILT_IN = frozenset({"Boolean", "Integer", "Float", "List", "Dictionary", "String"})
_COMPARISONS = ("=", "==", "!=", "<", ">", "<=", ">=", ":=")
_WORDS = frozenset({"and", "or", "not", "in", "if", "matches", "mod", "rem", "cut", "forall", "iff", "true", "false"})


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
        self.files, self.facts = files, facts
        self.text = Text([clause for file in files for clause in file.clauses])
        self.types = {declared.cls: declared for declared in (*facts.subjects.values(), *facts.resources.values())}
        self.subjects = {declared.cls for declared in facts.subjects.values()}
        self.by_path: dict[str, list[Fact]] = {}
        for fact in facts.facts.values():
            self.by_path.setdefault(fact.base.partition(".")[2], []).append(fact)

    def refuse(self, file: str, line: int, message: str) -> None:
        self.text.problems.append(Problem(file, line, message))

    def run(self) -> None:
        for file in self.files:
            self.check_words(file)
        for clause in self.text.clauses:
            self.check_heads(clause)
        self.check_actions()
        self.check_allow()
        for file in self.files:
            for tokens, known in self.scopes(file):
                self.check_paths(file.file, tokens, known)
        self.check_literals()

    def scopes(self, file: PolarText) -> Iterable[tuple[Sequence[Token], dict[str, tuple[Side, TypeName | None]]]]:
        """The clauses with what their variables are known to be."""
        for clause in file.clauses:
            known: dict[str, tuple[Side, TypeName | None]] = {}
            if clause.predicate in EFFECTS and len(clause.parameters) == 4:
                for place, side in ((0, Side.SUBJECT), (2, Side.RESOURCE)):
                    if variable := clause.parameters[place].variable:
                        known[variable] = (side, None)
            for parameter in clause.parameters:
                if parameter.variable and (declared := self.types.get(parameter.cls or "")):
                    side = Side.SUBJECT if declared.cls in self.subjects else Side.RESOURCE
                    known[parameter.variable] = (side, declared)
            yield (*clause.head, *clause.body), known

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
        if action not in self.facts.actions:
            known = suggest(action, declared.actions if declared else self.facts.actions)
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

    # Facts and the values they are compared with

    def check_paths(self, file: str, tokens: Sequence[Token], known: dict[str, tuple[Side, TypeName | None]]) -> None:
        i = 0
        while i < len(tokens):
            if tokens[i].is_sign(".") and i + 1 < len(tokens) and tokens[i + 1].kind is Kind.NAME:
                i = self.check_path(file, tokens, i, known)
            elif tokens[i].is_sign("{") and i and tokens[i - 1].text in self.types:
                self.check_pattern(file, tokens, i)
                i += 1
            else:
                i += 1

    def check_path(
        self, file: str, tokens: Sequence[Token], dot: int, known: dict[str, tuple[Side, TypeName | None]]
    ) -> int:
        """Check one chain such as `rep.client.age` and what it is compared with; return the place behind it."""
        root, i, words = tokens[dot - 1], dot, []
        while i + 1 < len(tokens) and tokens[i].is_sign(".") and tokens[i + 1].kind is Kind.NAME:
            words.append(tokens[i + 1])
            i += 2
        path = ".".join(word.text for word in words)
        if root.kind is Kind.NAME and root.text in _WORDS | {"in"}:
            root = Token(Kind.SIGN, "", root.line)
        facts = self.facts_at(path, known.get(root.text) if root.kind is Kind.NAME else None)
        if facts is None:
            self.refuse_path(file, words, path, known.get(root.text))
            return i
        end = i
        if i < len(tokens) and tokens[i].is_sign("("):
            end = closing(tokens, i) + 1
            self.check_parameter(file, tokens[i + 1 : end - 1], path, facts)
        if facts:
            self.check_compared(file, tokens, dot - 1, end, facts)
        return end

    def facts_at(self, path: str, owner: tuple[Side, TypeName | None] | None) -> list[Fact] | None:
        """The facts a chain may read: none for a group, None when the chain leads nowhere."""
        found: list[Fact] = []
        leads = False
        for known, facts in self.by_path.items():
            of = [fact for fact in facts if owner is None or self.is_owned(fact, owner)]
            if not of:
                continue
            if known == path or (owner is None and known.endswith("." + path)):
                found += of
                leads = True
            elif f"{known}.".startswith(f"{path}.") or (owner is None and f".{path}." in f".{known}."):
                leads = True
        return found if leads else None

    @staticmethod
    def is_owned(fact: Fact, owner: tuple[Side, TypeName | None]) -> bool:
        side, declared = owner
        return fact.side is side and (declared is None or declared.name in fact.of)

    def refuse_path(
        self, file: str, words: Sequence[Token], path: str, owner: tuple[Side, TypeName | None] | None
    ) -> None:
        side, declared = owner or (None, None)
        candidates = [
            known
            for known, facts in self.by_path.items()
            if owner is None or any(self.is_owned(fact, owner) for fact in facts)
        ]
        name = f"{side}.{path}" if side else path
        of = f" of {declared.name}" if declared else ""
        self.refuse(file, words[-1].line, f"{name} is no declared fact{of}{suggest(path, candidates)}")

    def check_parameter(self, file: str, tokens: Sequence[Token], path: str, facts: list[Fact]) -> None:
        arguments = split_arguments(tokens)
        known = [fact.parameter for fact in facts if fact.parameter is not None]
        if not known:
            line = tokens[0].line if tokens else 0
            self.refuse(file, line, f"{path} takes no parameter")
        elif len(arguments) == 1 and len(arguments[0]) == 1 and arguments[0][0].kind is Kind.TEXT:
            word = arguments[0][0]
            if word.text not in known:
                self.refuse(
                    file, word.line, f"{word.text} is no declared parameter of {path}{suggest(word.text, known)}"
                )

    def check_compared(self, file: str, tokens: Sequence[Token], root: int, end: int, facts: list[Fact]) -> None:
        after = tokens[end] if end < len(tokens) else None
        if after and after.is_sign(*_COMPARISONS) and end + 1 < len(tokens):
            self.check_value(file, tokens[end + 1], facts)
        elif after and after.is_word("in") and end + 1 < len(tokens) and tokens[end + 1].is_sign("["):
            close = closing(tokens, end + 1)
            for part in split_arguments(tokens[end + 2 : close]):
                if len(part) == 1:
                    self.check_value(file, part[0], facts)
        if root > 1 and tokens[root - 1].is_sign(*_COMPARISONS):
            self.check_value(file, tokens[root - 2], facts)

    def check_pattern(self, file: str, tokens: Sequence[Token], start: int) -> None:
        """Check `Class{fact: value}`."""
        declared = self.types[tokens[start - 1].text]
        side = Side.SUBJECT if declared.cls in self.subjects else Side.RESOURCE
        for part in split_arguments(tokens[start + 1 : closing(tokens, start)]):
            if len(part) < 3 or part[0].kind is not Kind.NAME:
                continue
            facts = self.facts_at(part[0].text, (side, declared))
            if facts is None:
                self.refuse_path(file, part[:1], part[0].text, (side, declared))
            elif facts and len(part) == 3:
                self.check_value(file, part[2], facts)

    def check_value(self, file: str, token: Token, facts: list[Fact]) -> None:
        values = list(dict.fromkeys(value for fact in facts for value in fact.values))
        if token.kind is Kind.TEXT:
            fits, word = token.text in [value for value in values if isinstance(value, str)], token.text
        elif token.is_word("true", "false"):
            fits, word = (token.text == "true") in [value for value in values if isinstance(value, bool)], token.text
        elif token.kind is Kind.NUMBER or token.is_word("nil"):
            fits, word = False, token.text
        else:
            return
        if not fits:
            quoted = f'"{word}"' if token.kind is Kind.TEXT else word
            hint = suggest(word, map(show, values))
            self.refuse(file, token.line, f"{quoted} is no value of {facts[0].base}{hint}")

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
