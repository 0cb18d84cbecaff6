"""Which new passwords are taken: NIST SP 800-63B asks for length and a blocklist, and against rules of composition.

`gateway/static/password.js` says the same while the person types; `gateway/static/common_passwords.json` is the list
that both read. It is our own compilation of words that lead published lists of leaked passwords.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.web.language import N_, _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.tables.identity import Person

LENGTH_MIN = 8
LENGTH_MAX = 128
FRESH_MIN = 5  # characters that neither repeat nor follow the one before
WORD_MIN = 4  # shorter parts of names are parts of too many other words
_COMMON = Path(__file__).resolve().parent.parent / "static" / "common_passwords.json"
_LOOKALIKES = str.maketrans("@4031$57!", "aaoelssti")
_KEY_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")

SENTENCES = {
    "short": N_("Use at least %(least)s characters; a few words in a row are easy to remember."),
    "long": N_("Use at most %(most)s characters."),
    "common": N_("This password is among the first that are guessed. Use other words."),
    "rows": N_("This is mostly a row of keys or a repetition. Mix in other words."),
    "names": N_(
        "Your name, user name or practice may be part of it, but %(least)s characters must remain without them."
    ),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a new password."""

    code: str

    @property
    def sentence(self) -> str:
        """In words, with the way out."""
        return sentence(self.code)


def sentence(code: str) -> str:
    """A fault in words."""
    return _(SENTENCES[code], least=LENGTH_MIN, most=LENGTH_MAX)


def faults(password: str, words: Iterable[str] = ()) -> list[Fault]:
    """What is wrong with a new password for somebody of these names; nothing when it is taken."""
    text = unicodedata.normalize("NFC", password)
    if len(text) < LENGTH_MIN:
        return [Fault("short")]
    if len(text) > LENGTH_MAX:
        return [Fault("long")]
    plain = text.lower()
    found = []
    if _is_common(plain):
        found.append(Fault("common"))
    elif _is_row(plain):
        found.append(Fault("rows"))
    if _beside(plain, words) < LENGTH_MIN:
        found.append(Fault("names"))
    return found


def name_words(*texts: str | None) -> tuple[str, ...]:
    """The parts of names that a password should not lean on, each once, the longest first."""
    parts = {part for text in texts if text for part in re.split(r"[^\w]+|_", text.lower()) if len(part) >= WORD_MIN}
    return tuple(sorted(parts, key=lambda part: (-len(part), part)))


def words_of(person: Person, *more: str | None) -> tuple[str, ...]:
    """The words of a person's name and address, and of other names."""
    return name_words(person.name, person.email, *more)


@cache
def _common() -> frozenset[str]:
    return frozenset(json.loads(_COMMON.read_text(encoding="utf-8"))["words"])


def _is_common(plain: str) -> bool:
    alike = plain.translate(_LOOKALIKES)
    tries = {plain, _stem(plain), alike, _stem(alike), _stem(plain).translate(_LOOKALIKES)}
    return not _common().isdisjoint(tries)


def _stem(text: str) -> str:
    """Without what is not a letter at both ends: the digits and marks that are added to please a rule."""
    return re.sub(r"^[^a-z]+|[^a-z]+$", "", text)


def _is_row(plain: str) -> bool:
    repeated = re.fullmatch(r"(.{1,7}?)\1+", plain, re.DOTALL)
    fresh = 1 + sum(not _follows(before, here) for before, here in pairwise(plain))
    return repeated is not None or fresh < FRESH_MIN


def _follows(before: str, here: str) -> bool:
    if abs(ord(here) - ord(before)) <= 1:
        return True
    return any(before + here in row or here + before in row for row in _KEY_ROWS)


def _beside(plain: str, words: Iterable[str]) -> int:
    for word in words:
        plain = plain.replace(word, "")
    return len(plain)
