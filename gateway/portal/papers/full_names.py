"""Whether a typed signature is the full name of who signs: as people write names, not as databases keep them."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SILENT = re.compile("['`.\u2018\u2019\u00b4]")  # apostrophes of every keyboard
_BETWEEN = re.compile(r"[\W_]+")


def is_full_name(typed: str, known: Iterable[str]) -> bool:
    """Whether `typed` is one of the names, whatever the case, accents, punctuation and middle names.

    First and last name must be there. A middle name may be left out, added, or given as an initial; a further last
    name may be added. Of a name that is one word, that word is all there is.
    """
    words = _words(typed)
    return any(_fits(words, _words(name)) for name in known)


def _fits(typed: Sequence[str], known: Sequence[str]) -> bool:
    if not typed or not known or not _spells(typed[0], known[0]):
        return False
    if len(known) == 1:
        return True
    lasts = [place for place, word in enumerate(typed) if place and _spells(word, known[-1])]
    if not lasts:
        return False
    given, kept = typed[1 : lasts[-1]], known[1:-1]
    return _within(given, kept) or _within(kept, given)


def _spells(typed: str, known: str) -> bool:
    """A first or last name as it is known; what is known as an initial may be written out."""
    return typed == known or (len(known) == 1 and typed.startswith(known))


def _within(some: Sequence[str], words: Sequence[str]) -> bool:
    """Whether these middle names are among those, in their order."""
    left = iter(words)
    return all(any(_same(one, word) for word in left) for one in some)


def _same(one: str, other: str) -> bool:
    """The same middle name, or one is the other's initial."""
    return one == other or (1 in (len(one), len(other)) and one[0] == other[0])


def _words(name: str) -> list[str]:
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    return _BETWEEN.sub(" ", _SILENT.sub("", plain.casefold())).split()
