"""Two versions' files line by line."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from gateway.web.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_AROUND = 3  # lines of context
LINES_MAX = 20_000  # of a file; a longer one is only said to differ


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines that are the same, or that took each other's place; `left` and `right` are the first lines' numbers."""

    same: bool
    left: int
    before: tuple[str, ...]
    right: int
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that differs. Between two `hunks` lines that are the same are left out."""

    name: str
    label: str
    tone: str
    says: str
    hunks: tuple[tuple[Piece, ...], ...]

    @property
    def anchor(self) -> str:
        """The id of its place on the page."""
        return "file-" + self.name.replace("/", "-").replace(".", "-")


def changed_files(old: Mapping[str, str], new: Mapping[str, str]) -> list[FileChange]:
    """The files that differ, in order of name."""
    return [
        _change(name, old.get(name), new.get(name)) for name in sorted({*old, *new}) if old.get(name) != new.get(name)
    ]


def _change(name: str, old: str | None, new: str | None) -> FileChange:
    if old is None:
        label, tone = _("Added"), "good"
    elif new is None:
        label, tone = _("Taken out"), "bad"
    else:
        label, tone = _("Changed"), "info"
    before, after = (old or "").splitlines(), (new or "").splitlines()
    if max(len(before), len(after)) > LINES_MAX:
        return FileChange(name, label, tone, _("It is too long to be shown line by line."), ())
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    hunks = tuple(tuple(_pieces(group, before, after)) for group in matcher.get_grouped_opcodes(_AROUND))
    changed = [piece for hunk in hunks for piece in hunk if not piece.same]
    gone, come = sum(len(piece.before) for piece in changed), sum(len(piece.after) for piece in changed)
    says = [
        ngettext("%(num)s line added", "%(num)s lines added", come) if come else "",
        ngettext("%(num)s line taken out", "%(num)s lines taken out", gone) if gone else "",
    ]
    told = ", ".join(text for text in says if text) or _("Only how its lines end differs.")
    return FileChange(name, label, tone, told, hunks)


def _pieces(
    group: Sequence[tuple[str, int, int, int, int]], before: Sequence[str], after: Sequence[str]
) -> Iterator[Piece]:
    for tag, left, left_end, right, right_end in group:
        lines = tuple(before[left:left_end]), tuple(after[right:right_end])
        yield Piece(tag == "equal", left + 1, lines[0], right + 1, lines[1])
