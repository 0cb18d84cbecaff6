"""Reads the shape of Polar text: clauses with their heads, literals, names and lines. It interprets nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EFFECTS = ("permit", "forbid")
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f]+)
      | (?P<newline>\n)
      | (?P<comment>\#[^\n]*)
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*)
      | (?P<sign>:=|==|!=|<=|>=|\?=|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_OPEN = {"(": ")", "[": "]", "{": "}"}


class Kind(Enum):
    """What a token is."""

    TEXT = "text"
    NUMBER = "number"
    NAME = "name"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    """One word of Polar text; `text` of a literal is its value without quotes."""

    kind: Kind
    text: str
    line: int

    def is_sign(self, *signs: str) -> bool:
        """Whether the token is one of these signs."""
        return self.kind is Kind.SIGN and self.text in signs

    def is_word(self, *words: str) -> bool:
        """Whether the token is one of these names or keywords."""
        return self.kind is Kind.NAME and self.text in words


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a head: a variable with or without a class, or a literal."""

    line: int
    variable: str | None
    literal: str | None
    cls: str | None


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule as written: `predicate(parameters) if body;`."""

    predicate: str
    parameters: tuple[Parameter, ...]
    head: tuple[Token, ...]
    body: tuple[Token, ...]
    file: str
    line: int
    says: str
    calls: frozenset[str] = field(init=False, repr=False, compare=False)  # the predicates that the body may call

    def __post_init__(self) -> None:
        pairs = zip(self.body, self.body[1:], strict=False)
        calls = (
            name.text for name, after in pairs if name.kind is Kind.NAME and after.is_sign("(") and name.text != "in"
        )
        object.__setattr__(self, "calls", frozenset(calls))

    def passed(self, variable: str) -> set[tuple[str, int]]:
        """The predicates, each with a parameter's place, to which the body hands this variable as it is."""
        found = set()
        for i in range(len(self.body) - 1):
            if self.body[i].kind is Kind.NAME and self.body[i + 1].is_sign("("):
                arguments = split_arguments(self.body[i + 2 : closing(self.body, i + 1)])
                found |= {
                    (self.body[i].text, at)
                    for at, argument in enumerate(arguments)
                    if len(argument) == 1 and argument[0].is_word(variable)
                }
        return found


@dataclass(slots=True)
class PolarText:
    """The tokens and clauses of one file."""

    file: str
    tokens: list[Token] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)


def read_polar(text: str, file: str) -> PolarText:
    """Split a file into tokens and clauses; text that is not Polar is left for Polar itself to refuse."""
    found = PolarText(file)
    comments: dict[int, str] = {}
    for name, word, line in scan(text):
        if name == "comment":
            comments[line] = word.lstrip("#").strip()
        elif name not in ("space", "newline"):
            found.tokens.append(Token(Kind(name), _unquote(word) if name == "text" else word, line))
    coded = {token.line for token in found.tokens}
    for statement in _statements(found.tokens):
        clause = _clause(statement, file, comments, coded)
        if clause:
            found.clauses.append(clause)
    return found


def scan(text: str) -> Iterator[tuple[str, str, int]]:
    """Every piece of a text: what it is (a `Kind`, comment, space or newline), its characters, and its line."""
    line = 1
    for match in _TOKEN.finditer(text):
        word = match.group()
        yield str(match.lastgroup), word, line
        line += word.count("\n")


def closing(tokens: Sequence[Token], start: int) -> int:
    """The place of the bracket that closes the one at `start`, or the end."""
    depth = 0
    for i in range(start, len(tokens)):
        if tokens[i].is_sign("(", "[", "{"):
            depth += 1
        elif tokens[i].is_sign(")", "]", "}"):
            depth -= 1
            if depth == 0:
                return i
    return len(tokens)


def split_arguments(tokens: Sequence[Token]) -> list[Sequence[Token]]:
    """The parts between the commas of one bracket level."""
    parts, start, i = [], 0, 0
    while i < len(tokens):
        if tokens[i].kind is Kind.SIGN and tokens[i].text in _OPEN:
            i = closing(tokens, i)
        elif tokens[i].is_sign(","):
            parts.append(tokens[start:i])
            start = i + 1
        i += 1
    return [*parts, tokens[start:]] if tokens else []


def _unquote(word: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), word[1:-1], flags=re.DOTALL)


def _statements(tokens: list[Token]) -> list[list[Token]]:
    statements, start, i = [], 0, 0
    while i < len(tokens):
        block = i == start and tokens[i].is_word("actor", "resource") and i + 2 < len(tokens)
        if block and tokens[i + 2].is_sign("{"):
            start = i = closing(tokens, i + 2) + 1
            continue
        if tokens[i].is_sign(";"):
            statements.append(tokens[start:i])
            start = i + 1
        i += 1
    return statements


def _clause(tokens: list[Token], file: str, comments: dict[int, str], coded: set[int]) -> Clause | None:
    if len(tokens) < 3 or tokens[0].kind is not Kind.NAME or not tokens[1].is_sign("("):
        return None
    end = closing(tokens, 1)
    line = tokens[0].line
    above: list[str] = []
    while (before := line - 1 - len(above)) in comments and before not in coded:
        above.append(comments[before])
    return Clause(
        predicate=tokens[0].text,
        parameters=tuple(_parameter(part, tokens[0].line) for part in split_arguments(tokens[2:end])),
        head=tuple(tokens[: end + 1]),
        body=tuple(tokens[end + 1 :]),
        file=file,
        line=line,
        says=" ".join(reversed(above)),
    )


def _parameter(tokens: Sequence[Token], line: int) -> Parameter:
    first = tokens[0] if tokens else Token(Kind.SIGN, "", line)
    variable = first.text if first.kind is Kind.NAME else None
    literal = first.text if first.kind is Kind.TEXT and len(tokens) == 1 else None
    typed = len(tokens) > 2 and tokens[1].is_sign(":") and tokens[2].kind is Kind.NAME
    return Parameter(first.line, variable, literal, tokens[2].text if typed else None)
