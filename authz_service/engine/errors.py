"""What can be wrong with a bundle, and how it is said."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_WORD_MAX = 100


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A reason to refuse a bundle: file (relative to the bundle), line (from 1; 0 for the whole file), one sentence."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class BundleError(Exception):
    """The bundle is refused; `problems` holds every reason found, ordered by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shorten(word: str) -> str:
    """A foreign word as an error may repeat it: whole, or its beginning."""
    return word if len(word) <= _WORD_MAX else f"{word[:_WORD_MAX]}..."


def suggest(name: str, known: Iterable[str]) -> str:
    """` (did you mean ...?)` when a known name is close, else what is known when that is short, else nothing."""
    if len(name) > _WORD_MAX:
        return ""
    candidates = list(dict.fromkeys(known))
    close = difflib.get_close_matches(name, candidates, n=1, cutoff=0.6)
    if close:
        return f" (did you mean {close[0]}?)"
    if candidates and len(candidates) <= 12:
        return f" (known: {', '.join(candidates)})"
    return ""
