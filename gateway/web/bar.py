"""The bar of sections at the foot of a phone, and which section is open."""

from __future__ import annotations

_PLACES = 5  # that fit side by side; with more sections, the last place opens the rest


def bar_of(sections: int) -> int:
    """How many of the sections stand in the bar."""
    return sections if sections <= _PLACES else _PLACES - 1


def current_of(path: str, href: str, *beside: str) -> str | None:
    """The aria-current of a section's link: `page` on its own page, `true` below it and below what belongs to it."""
    if path == href:
        return "page"
    return "true" if any(f"{path}/".startswith(f"{folder}/") for folder in (href, *beside)) else None
