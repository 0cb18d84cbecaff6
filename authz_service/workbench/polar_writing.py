"""Tokens of Polar written as text again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authz_service.engine.tokens import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authz_service.engine.tokens import Token

_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\0", "\\0"))


def written(tokens: Sequence[Token]) -> str:
    """Tokens as they are read, on one line."""
    out: list[str] = []
    write(out, tokens, None)
    return "".join(out).strip()


def write(out: list[str], tokens: Sequence[Token], line: int | None) -> int:
    """Append tokens, on the lines where they stand when the line to begin with is given; returns the line reached."""
    for before, token in zip((None, *tokens), tokens, strict=False):
        if line is not None and token.line > line:
            out.append("\n" * (token.line - line))
            line = token.line
        elif before is not None and _spaced(before, token):
            out.append(" ")
        out.append(shown(token))
    return line or 0


def shown(token: Token) -> str:
    """One token; a literal with its quotes."""
    if token.kind is not Kind.TEXT:
        return token.text
    text = token.text
    for plain, escaped in _ESCAPES:
        text = text.replace(plain, escaped)
    return f'"{text}"'


def _spaced(before: Token, token: Token) -> bool:
    if before.is_sign("(", "[", "{", ".", "*") or token.is_sign(")", "]", "}", ".", ",", ":", ";"):
        return False
    return not (token.is_sign("(") and before.kind is Kind.NAME and not before.is_word("and", "or", "not", "if", "in"))
