"""The bar of sections at the foot of a phone."""

from __future__ import annotations

_PLACES = 5  # that fit side by side; with more sections, the last place opens the rest


def bar_of(sections: int) -> int:
    """How many of the sections stand in the bar."""
    return sections if sections <= _PLACES else _PLACES - 1
