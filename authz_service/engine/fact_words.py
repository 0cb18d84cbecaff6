"""The facts that rules name and the values they compare them with, checked on the words of each clause."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from authz_service.engine.errors import Problem, suggest
from authz_service.engine.facts import Facts, Side, TypeName, show
from authz_service.engine.tokens import EFFECTS, Clause, Kind, Token, closing, split_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from authz_service.engine.facts import Fact

_COMPARISONS = ("=", "==", "!=", "<", ">", "<=", ">=", ":=")
_WORDS = frozenset({"and", "or", "not", "in", "if", "matches", "mod", "rem", "cut", "forall", "iff", "true", "false"})

_Owner: TypeAlias = tuple[Side, TypeName | None]
"""Whose facts a variable has: the side, and the type where it is known."""


def check_fact_words(clauses: Iterable[Clause], facts: Facts) -> list[Problem]:
    """Every chain such as `rep.client.age` must lead to a declared fact, and be compared with its values."""
    checker = _Checker(facts)
    for clause in clauses:
        checker.check_paths(clause.file, (*clause.head, *clause.body), checker.owners(clause))
    return checker.problems


def named_facts(clauses: Iterable[Clause], facts: Facts) -> Iterator[tuple[tuple[Token, ...], Fact]]:
    """Each chain of words that names a fact (without what it is read from), and the first fact that it may be."""
    checker = _Checker(facts)
    for clause in clauses:
        tokens, known = (*clause.head, *clause.body), checker.owners(clause)
        for start, token in enumerate(tokens):
            if token.is_sign(".") and start and tokens[start - 1].kind is Kind.NAME and not _is_chained(tokens, start):
                words, found = checker.chain(tokens, start, known)
                if found:
                    yield tuple(tokens[start + 1 : start + 2 * len(words)]), found[0]
            elif token.is_sign("{") and start and tokens[start - 1].text in checker.types:
                yield from checker.pattern(tokens, start)


def _is_chained(tokens: Sequence[Token], dot: int) -> bool:
    """Whether a dot stands inside a chain that another one began."""
    return dot > 1 and tokens[dot - 2].is_sign(".")


class _Checker:
    def __init__(self, facts: Facts) -> None:
        self.problems: list[Problem] = []
        self.types = {declared.cls: declared for declared in (*facts.subjects.values(), *facts.resources.values())}
        self.subjects = {declared.cls for declared in facts.subjects.values()}
        self.found: dict[object, list[Fact] | None] = {}
        self.by_path: dict[str, list[Fact]] = {}
        for fact in facts.facts.values():
            self.by_path.setdefault(fact.base.partition(".")[2], []).append(fact)

    def refuse(self, file: str, line: int, message: str) -> None:
        self.problems.append(Problem(file, line, message))

    def owners(self, clause: Clause) -> dict[str, _Owner]:
        """What the variables of a head are known to be."""
        known: dict[str, _Owner] = {}
        if clause.predicate in EFFECTS and len(clause.parameters) == 4:
            for place, side in ((0, Side.SUBJECT), (2, Side.RESOURCE)):
                if variable := clause.parameters[place].variable:
                    known[variable] = (side, None)
        for parameter in clause.parameters:
            if parameter.variable and (declared := self.types.get(parameter.cls or "")):
                side = Side.SUBJECT if declared.cls in self.subjects else Side.RESOURCE
                known[parameter.variable] = (side, declared)
        return known

    def check_paths(self, file: str, tokens: Sequence[Token], known: Mapping[str, _Owner]) -> None:
        i = 0
        while i < len(tokens):
            if tokens[i].is_sign(".") and i + 1 < len(tokens) and tokens[i + 1].kind is Kind.NAME:
                i = self.check_path(file, tokens, i, known)
            elif tokens[i].is_sign("{") and i and tokens[i - 1].text in self.types:
                self.check_pattern(file, tokens, i)
                i += 1
            else:
                i += 1

    def check_path(self, file: str, tokens: Sequence[Token], dot: int, known: Mapping[str, _Owner]) -> int:
        """Check one chain such as `rep.client.age` and what it is compared with; return the place behind it."""
        words, facts = self.chain(tokens, dot, known)
        path, i = ".".join(word.text for word in words), dot + 2 * len(words)
        if facts is None:
            self.refuse_path(file, words, path, self.owner(tokens[dot - 1], known))
            return i
        end = i
        if i < len(tokens) and tokens[i].is_sign("("):
            end = closing(tokens, i) + 1
            self.check_parameter(file, tokens[i + 1 : end - 1], path, facts)
        if facts:
            self.check_compared(file, tokens, dot - 1, end, facts)
        return end

    def chain(
        self, tokens: Sequence[Token], dot: int, known: Mapping[str, _Owner]
    ) -> tuple[list[Token], list[Fact] | None]:
        """The words of the chain that a dot begins, and the facts that it may read."""
        words = []
        i = dot
        while i + 1 < len(tokens) and tokens[i].is_sign(".") and tokens[i + 1].kind is Kind.NAME:
            words.append(tokens[i + 1])
            i += 2
        return words, self.facts_at(".".join(word.text for word in words), self.owner(tokens[dot - 1], known))

    @staticmethod
    def owner(root: Token, known: Mapping[str, _Owner]) -> _Owner | None:
        """Whose facts a chain reads that begins with this word; None where that is open."""
        return known.get(root.text) if root.kind is Kind.NAME and root.text not in _WORDS else None

    def facts_at(self, path: str, owner: _Owner | None) -> list[Fact] | None:
        """The facts a chain may read: none for a group, None when the chain leads nowhere."""
        key = (path, owner and owner[0], owner and owner[1] and owner[1].name)
        if key not in self.found:
            self.found[key] = self.find_facts(path, owner)
        return self.found[key]

    def find_facts(self, path: str, owner: _Owner | None) -> list[Fact] | None:
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
    def is_owned(fact: Fact, owner: _Owner) -> bool:
        side, declared = owner
        return fact.side is side and (declared is None or declared.name in fact.of)

    def refuse_path(self, file: str, words: Sequence[Token], path: str, owner: _Owner | None) -> None:
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
        owner = self.pattern_owner(tokens, start)
        for part in self.pattern_parts(tokens, start):
            facts = self.facts_at(part[0].text, owner)
            if facts is None:
                self.refuse_path(file, part[:1], part[0].text, owner)
            elif facts and len(part) == 3:
                self.check_value(file, part[2], facts)

    def pattern(self, tokens: Sequence[Token], start: int) -> Iterator[tuple[tuple[Token, ...], Fact]]:
        """The facts that `Class{fact: value}` names."""
        for part in self.pattern_parts(tokens, start):
            if facts := self.facts_at(part[0].text, self.pattern_owner(tokens, start)):
                yield (part[0],), facts[0]

    def pattern_owner(self, tokens: Sequence[Token], start: int) -> _Owner:
        declared = self.types[tokens[start - 1].text]
        return (Side.SUBJECT if declared.cls in self.subjects else Side.RESOURCE), declared

    @staticmethod
    def pattern_parts(tokens: Sequence[Token], start: int) -> Iterator[Sequence[Token]]:
        for part in split_arguments(tokens[start + 1 : closing(tokens, start)]):
            if len(part) >= 3 and part[0].kind is Kind.NAME:
                yield part

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
