"""Counts and shares as they are read; both come from exact integers."""

from __future__ import annotations

from fractions import Fraction


def counted(count: int) -> str:
    """`1,234`: every digit."""
    return f"{count:,}"


def amount(count: int, what: str) -> str:
    """`1 suite`, `1,234 suites`."""
    return f"{counted(count)} {what}" + ("" if count == 1 else "s")


def share(part: int, whole: int) -> str:
    """`12.5 %`, with three digits; only all is 100 %, and only nothing is 0 %."""
    if not whole:
        return "0 %"
    percent = float(Fraction(100 * part, whole))
    written = f"{percent:.3g}"
    if part < whole and float(written) >= 100:
        return "over 99.9 %"
    return f"{written} %"
