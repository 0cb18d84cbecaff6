"""Small changes of rules, as a slip or an attack would make them: the mutants that suites and invariants must notice.

A mutant drops a clause, drops or negates one condition or one alternative, or swaps one constant for its neighbour in
its domain. It is made of tokens, so the text of a mutant has no comments; its lines stay where they were.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from authz_service.engine.tokens import EFFECTS, Kind, PolarText, Token, closing, read_polar, split_arguments
from authz_service.workbench.polar_writing import shown, write, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from authz_service.engine.facts import Facts
    from authz_service.engine.tokens import Clause

_Tokens = tuple[Token, ...]
# What joins permits and forbids; a load refuses any change of its meaning.
_FRAME = ("allow", "forbidden")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: in which clause, by its file and place there, what was done, and the clause anew (None: gone)."""

    file: str
    line: int
    clause: int
    what: str
    tokens: _Tokens | None


def mutants(facts: Facts, sources: Mapping[str, str]) -> list[Mutant]:
    """Every mutant of the rules (file -> text), in the order of the files."""
    words = _Words(facts)
    found = []
    for file, text in sources.items():
        for at, clause in enumerate(read_polar(text, file).clauses):
            if clause.predicate in _FRAME:
                continue
            found.append(Mutant(file, clause.line, at, f"dropped {written(clause.head)}", None))
            for head, line, what in _heads(clause, words):
                found.append(Mutant(file, line, at, what, _whole(head, clause.body)))
            if clause.body:
                condition = clause.body[1:]
                for body, line, what in _variants(condition, words):
                    start = (*clause.body[:1], *body) if body else ()
                    found.append(Mutant(file, line, at, what, _whole(clause.head, start)))
    return found


def mutated(text: PolarText, mutant: Mutant) -> str:
    """The text of a file with one mutant in it."""
    out: list[str] = []
    line = 1
    for at, clause in enumerate(text.clauses):
        tokens = (*clause.head, *clause.body)
        if at == mutant.clause:
            if mutant.tokens is None:
                continue
            tokens = mutant.tokens
        line = write(out, tokens, line)
        out.append(";")
    return "".join(out) + "\n"


def _whole(head: Sequence[Token], body: Sequence[Token]) -> _Tokens:
    """A clause whose variables that stand alone begin with `_`, as Polar asks."""
    tokens = [*head, *body]
    places: dict[str, list[int]] = {}
    for i, token in enumerate(tokens):
        if token.kind is Kind.NAME and _is_variable(tokens, i):
            places.setdefault(token.text, []).append(i)
    for name, at in places.items():
        if len(at) == 1 and not name.startswith("_"):
            tokens[at[0]] = replace(tokens[at[0]], text=f"_{name}")
    return tuple(tokens)


def _is_variable(tokens: Sequence[Token], i: int) -> bool:
    before = tokens[i - 1] if i else None
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    if tokens[i].is_word("and", "or", "not", "if", "in", "true", "false", "cut", "nil", "matches", "forall"):
        return False
    if before is not None and (before.is_sign(".", ":") or before.is_word("matches")):
        return False
    return not (after is not None and after.is_sign("("))


def _heads(clause: Clause, words: _Words) -> Iterator[tuple[_Tokens, int, str]]:
    """The head with one literal swapped; the id of a rule stays."""
    last = max((i for i, token in enumerate(clause.head) if token.kind is Kind.TEXT), default=-1)
    cls = next((parameter.cls for parameter in reversed(clause.parameters) if parameter.cls in words.actions), None)
    for i, token in enumerate(clause.head):
        if token.kind is not Kind.TEXT or (clause.predicate in EFFECTS and i == last):
            continue
        for other in words.swaps(token, None, cls):
            head = (*clause.head[:i], other, *clause.head[i + 1 :])
            yield head, token.line, f"swapped {shown(token)} for {shown(other)}"


def _variants(tokens: _Tokens, words: _Words) -> Iterator[tuple[_Tokens, int, str]]:
    """A condition with one part of it changed; empty when nothing of it is left."""
    for word in ("or", "and"):
        parts = _split(tokens, word)
        if len(parts) > 1:
            yield from _joined_variants(parts, Token(Kind.NAME, word, tokens[0].line), words)
            return
    yield (), tokens[0].line, f"dropped {written(tokens)}"
    yield from _single_variants(tokens, words)


def _joined_variants(parts: list[_Tokens], joint: Token, words: _Words) -> Iterator[tuple[_Tokens, int, str]]:
    """One of the parts dropped, or changed."""
    for i, part in enumerate(parts):
        yield _join(parts[:i] + parts[i + 1 :], joint), part[0].line, f"dropped {written(part)}"
        for variant, line, what in _variants(part, words):
            if variant:
                yield _join([*parts[:i], variant, *parts[i + 1 :]], joint), line, what


def _single_variants(tokens: _Tokens, words: _Words) -> Iterator[tuple[_Tokens, int, str]]:
    """What is neither joined by `and` nor by `or`: negated, or changed inside."""
    first = tokens[0]
    if first.is_word("not"):
        yield tokens[1:], first.line, f"negated {written(tokens)}"
        twice = (first, *_bracketed(tokens[1:]))
        for variant, line, what in _variants(tokens[1:], words):
            if variant and variant != twice:
                yield (first, *_bracketed(variant)), line, what
        return
    if not first.is_word("cut"):
        yield (Token(Kind.NAME, "not", first.line), *_bracketed(tokens)), first.line, f"negated {written(tokens)}"
    if first.is_sign("(") and closing(tokens, 0) == len(tokens) - 1:
        inside = ((variant, line, what) for variant, line, what in _variants(tokens[1:-1], words) if variant)
        yield from (((first, *variant, tokens[-1]), line, what) for variant, line, what in inside)
    else:
        yield from _atoms(tokens, words)


def _atoms(tokens: _Tokens, words: _Words) -> Iterator[tuple[_Tokens, int, str]]:
    """One comparison or call with a constant swapped, or with an item of a list left out."""
    path = _path(tokens)
    for i, token in enumerate(tokens):
        for other in words.swaps(token, path, None):
            swapped = (*tokens[:i], other, *tokens[i + 1 :])
            yield swapped, token.line, f"swapped {shown(token)} for {shown(other)} in {written(tokens)}"
        if token.is_sign("["):
            end = closing(tokens, i)
            items = split_arguments(tokens[i + 1 : end])
            comma = Token(Kind.SIGN, ",", token.line)
            for at, item in enumerate(items if len(items) > 1 else ()):
                kept = _join([tuple(other) for j, other in enumerate(items) if j != at], comma)
                yield (
                    (*tokens[: i + 1], *kept, *tokens[end:]),
                    token.line,
                    f"left {written(item)} out of {written(tokens)}",
                )


def _path(tokens: _Tokens) -> str | None:
    """The dotted path that an atom reads first, without the variable: `client.age`."""
    start = next((i for i, token in enumerate(tokens) if token.is_sign(".")), None)
    if start is None:
        return None
    parts = [tokens[start + 1].text]
    for at in range(start + 2, len(tokens) - 1, 2):
        if not tokens[at].is_sign("."):
            break
        parts.append(tokens[at + 1].text)
    return ".".join(parts)


def _split(tokens: _Tokens, word: str) -> list[_Tokens]:
    """The parts between a word outside all brackets."""
    parts: list[_Tokens] = []
    start = i = 0
    while i < len(tokens):
        if tokens[i].is_sign("(", "[", "{"):
            i = closing(tokens, i)
        elif tokens[i].is_word(word):
            parts.append(tokens[start:i])
            start = i + 1
        i += 1
    return [*parts, tokens[start:]]


def _join(parts: Sequence[_Tokens], joint: Token) -> _Tokens:
    joined: list[Token] = []
    for i, part in enumerate(parts):
        joined += [joint, *part] if i else part
    return tuple(joined)


def _bracketed(tokens: _Tokens) -> _Tokens:
    line = tokens[0].line
    return (Token(Kind.SIGN, "(", line), *tokens, Token(Kind.SIGN, ")", tokens[-1].line))


class _Words:
    """The domains of constants: which other word could stand where one stands."""

    def __init__(self, facts: Facts) -> None:
        self.by_path: dict[str, list[tuple[str, ...]]] = {}
        self.domains: list[tuple[str, ...]] = []
        parameters: dict[str, list[str]] = {}
        for fact in facts.facts.values():
            if not fact.is_flag:
                values = tuple(str(value) for value in fact.values)
                self.by_path.setdefault(fact.base.partition(".")[2], []).append(values)
                self.domains.append(values)
            if fact.parameter is not None:
                parameters.setdefault(fact.base, []).append(fact.parameter)
        for base, names in parameters.items():
            self.by_path.setdefault(base.partition(".")[2], []).append(tuple(names))
            self.domains.append(tuple(names))
        self.actions = {declared.cls: tuple(declared.actions) for declared in facts.resources.values()}
        self.domains.append(facts.actions)

    def swaps(self, token: Token, path: str | None, cls: str | None) -> Iterator[Token]:
        """The neighbours of a constant, before and after it in each domain that fits."""
        if token.is_word("true", "false"):
            yield replace(token, text="false" if token.text == "true" else "true")
        if token.kind is not Kind.TEXT:
            return
        domains = self.by_path.get(path or "", [])
        if cls is not None:
            domains = [self.actions[cls]]
        if not any(token.text in domain for domain in domains):
            domains = self.domains
        neighbours: dict[str, None] = {}
        for domain in domains:
            if token.text in domain:
                at = domain.index(token.text)
                neighbours |= dict.fromkeys((domain[(at + 1) % len(domain)], domain[at - 1]))
        for word in neighbours:
            if word != token.text:
                yield replace(token, text=word)
