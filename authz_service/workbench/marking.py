"""A bundle's texts word by word, for whoever reads them: what each word is, and which rule, fact or helper it names."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from authz_service.engine.fact_words import named_facts
from authz_service.engine.tokens import EFFECTS, Kind, read_polar, scan

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from authz_service.engine.facts import Facts
    from authz_service.engine.tokens import Clause, Token

_KEYWORDS = frozenset(
    ["and", "or", "not", "in", "if", "matches", "mod", "rem", "cut", "forall", "iff", "true", "false", "nil"]
)
# What YAML says in words; all other values are names, lists and conditions.
_PROSE = frozenset(["says", "legal"])
_YAML_KEY = re.compile(r"(?P<before>\s*(?:- +)*)(?P<key>[^\s#\"'\[\]{},:-][^\s#\"'\[\]{},:]*)(?P<colon>:)(?=\s|$)")
_YAML_WORD = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>\#.*)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')
      | (?P<key>[^\s"'\[\]{},:]+(?=:(?:\s|$)))
      | (?P<sign>[\[\]{},:]|-(?=\s|$))
      | (?P<word>[^\s\[\]{},:"']+|.)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters of a line, what they are (None: nothing in particular), and what they name.

    `kind` is comment, text, number, keyword, class, effect, call, fact, rule, key or sign. `file` and `line` are where
    a called helper stands.
    """

    text: str
    kind: str | None = None
    rule: str | None = None
    fact: str | None = None
    file: str | None = None
    line: int | None = None


Lines = tuple[tuple[Piece, ...], ...]


def mark_polar(text: str, file: str, facts: Facts, helpers: Mapping[str, Clause]) -> Lines:
    """Each line of a Polar file in pieces; `helpers` holds the first clause of each predicate of the bundle."""
    read = read_polar(text, file)
    known: dict[int, Piece] = {}
    for words, fact in named_facts(read.clauses, facts):
        known |= {id(word): Piece("", "fact", fact=fact.base) for word in words}
    classes = {declared.cls for declared in (*facts.subjects.values(), *facts.resources.values())}
    for clause in read.clauses:
        known |= dict(_heads(clause))
    tokens = iter(read.tokens)
    before: Token | None = None
    pieces: list[Piece] = []
    for kind, word, _line in scan(text):
        if kind in ("space", "newline", "comment"):
            pieces.append(Piece(word, "comment" if kind == "comment" else None))
            continue
        token = next(tokens)
        named = known.get(id(token))
        if named is None and token.kind is Kind.NAME and not (before and before.is_sign(".")):
            named = _name(token, classes, helpers)
        plain = {Kind.TEXT: "text", Kind.NUMBER: "number"}.get(token.kind)
        pieces.append(replace(named or Piece("", plain), text=word))
        before = token
    return _lines(_joined(pieces))


def _heads(clause: Clause) -> Iterator[tuple[int, Piece]]:
    """The id of a rule in its head, and the effect before it."""
    if clause.predicate in EFFECTS and len(clause.parameters) == 4 and (rule := clause.parameters[3].literal):
        literal = next(token for token in reversed(clause.head) if token.kind is Kind.TEXT)
        yield id(literal), Piece("", "rule", rule=rule)
        yield id(clause.head[0]), Piece("", "effect")


def _name(token: Token, classes: Collection[str], helpers: Mapping[str, Clause]) -> Piece | None:
    if token.text in _KEYWORDS:
        return Piece("", "keyword")
    if token.text in EFFECTS:
        return Piece("", "effect")
    if token.text in classes:
        return Piece("", "class")
    if helper := helpers.get(token.text):
        return Piece("", "call", file=helper.file, line=helper.line)
    return None


def mark_yaml(text: str, facts: Collection[str]) -> Lines:
    """Each line of a YAML file in pieces; `facts` are the names that lead to a fact."""
    return tuple(tuple(_joined(_yaml_line(line, facts))) for line in text.removesuffix("\n").split("\n"))


def _yaml_line(line: str, facts: Collection[str]) -> Iterator[Piece]:
    if not (match := _YAML_KEY.match(line)):
        yield from _yaml_words(line, facts)
        return
    yield from _yaml_words(match["before"], facts)
    yield _yaml_name(match["key"], facts)
    yield Piece(match["colon"], "sign")
    rest = line[match.end() :]
    value = rest.strip()
    if value and (match["key"] in _PROSE or value[0] not in "[{\"'#&*|>!"):
        # A plain value goes on to the end of the line, whatever signs stand in it, or to a comment.
        note = re.search(r"\s#.*", rest)
        end = note.start() if note else len(rest)
        yield Piece(rest[:end], "text" if match["key"] in _PROSE else None)
        rest = rest[end:]
    yield from _yaml_words(rest, facts)


def _yaml_words(text: str, facts: Collection[str]) -> Iterator[Piece]:
    for match in _YAML_WORD.finditer(text):
        kind = str(match.lastgroup)
        if kind == "key":
            yield _yaml_name(match.group(), facts)
        else:
            yield Piece(match.group(), kind if kind in ("comment", "text", "sign") else None)


def _yaml_name(word: str, facts: Collection[str]) -> Piece:
    base = word.partition("(")[0]
    named = next((name for name in _prefixes(base) if name in facts), None)
    return Piece(word, "key") if named is None else Piece(word, "fact", fact=named)


def _prefixes(name: str) -> Iterator[str]:
    """`subject.toggle.messages`, then `subject.toggle`, then `subject`."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces, with neighbours of one sort put together; the dots between a fact's words are part of it."""
    found: list[Piece] = []
    for piece in pieces:
        if found and replace(found[-1], text="") == replace(piece, text="") and piece.kind != "call":
            found[-1] = replace(piece, text=found[-1].text + piece.text)
        elif piece.text:
            found.append(piece)
    return found


def _lines(pieces: Sequence[Piece]) -> Lines:
    lines: list[list[Piece]] = [[]]
    for piece in pieces:
        first, *others = piece.text.split("\n")
        if first:
            lines[-1].append(replace(piece, text=first))
        lines += [[replace(piece, text=part)] if part else [] for part in others]
    if not lines[-1]:
        lines.pop()
    return tuple(map(tuple, lines))
