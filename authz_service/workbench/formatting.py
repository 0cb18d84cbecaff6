"""One layout for Polar: a condition of a permit or forbid on a line of its own, comments where they stand.

A helper that its author wrote on one line stays on one line while it fits. A rule with a comment inside is left as it
is. What a text says never changes: its tokens are compared before and after.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from authz_service.engine.tokens import EFFECTS, Kind, Token, closing, read_polar, scan
from authz_service.workbench.polar_writing import written
from authz_service.workbench.terms import WIDTH

if TYPE_CHECKING:
    from collections.abc import Sequence

_INDENT = "    "


class FormattingError(ValueError):
    """A text that cannot be laid out without changing what it says."""


def formatted(text: str) -> str:
    """The text in its layout; formatting that again changes nothing."""
    layout = _Layout(text)
    for name, word, _ in scan(text):
        layout.add(name, word)
    layout.end()
    result = "\n".join(layout.lines).strip("\n") + "\n" if layout.lines else ""
    before, after = ([(token.kind, token.text) for token in read_polar(part, "").tokens] for part in (text, result))
    if before != after:
        raise FormattingError("this text cannot be laid out without changing what it says")
    return result


@dataclass(slots=True)
class _Layout:
    text: str
    lines: list[str] = field(default_factory=list)
    newlines: int = 2
    verbatim: str = ""
    tokens: list[tuple[Token, str]] = field(default_factory=list)
    line: int = 1
    commented: bool = False

    def add(self, name: str, word: str) -> None:
        """Take the next piece."""
        inside = bool(self.tokens)
        if inside:
            self.verbatim += word
        if name == "newline":
            self.newlines += 0 if inside else 1
            self.line += 1
        elif name == "comment":
            if inside:
                self.commented = True
            else:
                self.comment(f"# {word.lstrip('#').strip()}".rstrip() if set(word) - set("# -=") else word.rstrip())
        elif name != "space":
            if not inside:
                self.verbatim = word
                self.commented = False
            self.tokens.append((Token(Kind(name), word, self.line), word))
            self.line += word.count("\n")
            if word == ";":
                self.statement()

    def comment(self, word: str) -> None:
        if self.newlines == 0 and self.lines:
            self.lines[-1] += f" {word}"
        else:
            self.space()
            self.lines.append(word)
        self.newlines = 0

    def statement(self) -> None:
        self.space()
        if self.commented:
            self.lines += [line.rstrip() for line in self.verbatim.split("\n")]
        else:
            self.lines += _laid_out([token for token, _ in self.tokens[:-1]])
        self.tokens, self.newlines = [], 0

    def end(self) -> None:
        """What is left is no whole statement, and stays."""
        if self.tokens:
            self.space()
            self.lines += [line.rstrip() for line in self.verbatim.split("\n")]

    def space(self) -> None:
        if self.newlines > 1 and self.lines:
            self.lines.append("")


def _laid_out(tokens: Sequence[Token]) -> list[str]:
    """The lines of one statement, without comments inside; a raw text keeps its quotes and escapes."""
    at = next((i for i, token in enumerate(tokens) if token.is_word("if")), None)
    whole = _written(tokens) + ";"
    if at is None:
        return [whole]
    head, body = tokens[:at], tokens[at + 1 :]
    on_one_line = bool(body) and tokens[0].line == tokens[-1].line and tokens[0].text not in EFFECTS
    if on_one_line and len(whole) <= WIDTH:
        return [whole]
    parts = [_written(part) for part in _conjuncts(body)]
    lines = [f"{_INDENT}{part}{' and' if i < len(parts) - 1 else ';'}" for i, part in enumerate(parts)]
    return [f"{_written(head)} if", *lines]


def _written(tokens: Sequence[Token]) -> str:
    # `written` quotes texts; here they are raw already, so they go in as signs would.
    return written([Token(Kind.NUMBER, token.text, 0) if token.kind is Kind.TEXT else token for token in tokens])


def _conjuncts(tokens: Sequence[Token]) -> list[Sequence[Token]]:
    """The parts between each `and` outside brackets; one part where an `or` stands outside brackets as well."""
    parts: list[Sequence[Token]] = []
    start = i = 0
    while i < len(tokens):
        if tokens[i].is_sign("(", "[", "{"):
            i = closing(tokens, i)
        elif tokens[i].is_word("or"):
            return [tokens]
        elif tokens[i].is_word("and"):
            parts.append(tokens[start:i])
            start = i + 1
        i += 1
    return [*parts, tokens[start:]]
