"""Two people who change one thing at once: what they set, what you set, and a choice wherever the two differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.admin.switches import Problem
from gateway.web.language import _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.datastructures import FormData


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit of named texts: as the reader read them, as the reader wrote them, and as they are stored now.

    `chosen` says of a field that was shown as a conflict whose value is to be kept: "theirs" or "yours".
    """

    seen: Mapping[str, str]
    entered: Mapping[str, str]
    stored: Mapping[str, str]
    chosen: Mapping[str, str]

    def changes(self) -> dict[str, str]:
        """What is to be written: what the reader changed, without what they gave up."""
        return {
            name: value
            for name, value in self.entered.items()
            if value != self.seen[name] and value != self.stored[name] and self.chosen.get(name) != "theirs"
        }

    def conflicts(self) -> tuple[str, ...]:
        """The fields that somebody else set to something else meanwhile, and nobody has chosen of yet."""
        return tuple(name for name in self.changes() if self._moved(name) and name not in self.chosen)

    def taken_over(self) -> tuple[str, ...]:
        """The fields that somebody else changed and the reader did not: theirs stay."""
        return tuple(name for name in self.stored if self._moved(name) and name not in self.changes())

    def shown(self) -> dict[str, str]:
        """What the form shows: as written where the reader changed it, elsewhere as stored."""
        return {**self.stored, **self.changes()}

    def to_see(self) -> dict[str, str]:
        """What the form notes as read: what is stored, but of a field still to be chosen what was read at first."""
        open_ones = self.conflicts()
        return {name: self.seen[name] if name in open_ones else value for name, value in self.stored.items()}

    def _moved(self, name: str) -> bool:
        return self.seen[name] != self.stored[name]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that two people set at once, in words; `stored` is theirs as it is kept."""

    field: str
    stored: str
    theirs: str
    yours: str


def conflicts_of(edit: Edit, in_words: Callable[[str, str], str]) -> list[Conflict]:
    """What is still to be chosen; `in_words` tells a field's value."""
    return [
        Conflict(name, edit.stored[name], in_words(name, edit.stored[name]), in_words(name, edit.entered[name]))
        for name in edit.conflicts()
    ]


def to_choose(conflicts: Sequence[Conflict], labels: Mapping[str, str]) -> list[Problem]:
    """The lines of the error summary that lead to the choices."""
    return [
        Problem(f"keep-{one.field}", _("%(field)s: choose which one counts.", field=_(labels[one.field])))
        for one in conflicts
    ]


def read_edit(form: FormData, entered: Mapping[str, str], stored: Mapping[str, str]) -> Edit:
    """The edit that a form brings, with `seen-<field>` beside each field.

    Where there was a conflict stand `keep-<field>` and `theirs-<field>`: a choice counts only of what was shown.
    """

    def text(name: str) -> str | None:
        value = form.get(name)
        return value if isinstance(value, str) else None

    seen = {name: text(f"seen-{name}") for name in entered}
    return Edit(
        seen={name: stored[name] if value is None else value for name, value in seen.items()},
        entered=entered,
        stored=stored,
        chosen={
            name: kept
            for name in entered
            if (kept := text(f"keep-{name}")) in ("theirs", "yours") and text(f"theirs-{name}") == stored[name]
        },
    )
