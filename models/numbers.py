"""Whole numbers as requests write them."""

from __future__ import annotations

_DIGITS_MAX = 9  # An int of several thousand digits is refused by Python itself, with another error.


def whole(text: str) -> int | None:
    """The number of a text that is nothing but a few digits; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else None
