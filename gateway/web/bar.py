"""The sections of the practice's and of the reviewer's pages: which is open, and which stand in a phone's bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gateway.web.language import _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PLACES = 5  # that fit side by side; with more sections, the last place opens the rest


def bar_of(sections: int) -> int:
    """How many of the sections stand in the bar."""
    return sections if sections <= _PLACES else _PLACES - 1


def current_of(path: str, href: str, *beside: str) -> str | None:
    """The aria-current of a section's link: `page` on its own page, `true` below it and below what belongs to it."""
    if path == href:
        return "page"
    return "true" if any(f"{path}/".startswith(f"{folder}/") for folder in (href, *beside)) else None


class Section(Protocol):
    """A link of the navigation."""

    @property
    def current(self) -> str | None:
        """The value of aria-current; None elsewhere."""


def navigation(
    sections: Sequence[Section], *, home: str, brand: str, practice_name: str, label: str
) -> Mapping[str, Any]:
    """What the frame of a page shows of its sections; `label` names their list."""
    bar = bar_of(len(sections))
    return {
        "home": home,
        "home_label": _("Go to the start page"),
        "brand": brand,
        "practice_name": practice_name,
        "sections": sections,
        "bar": bar,
        "more_current": any(section.current for section in sections[bar:]),
        "sections_label": label,
    }
