"""The language of pages and mails, from message catalogues; English is the language of the code.

`_("Hello, %(name)s", name=...)` is translated where it runs; `N_("...")` only marks a text that a template translates
later. The catalogues are the files `gateway/locale/<language>/*.po`, one for each part of the site.
"""

from __future__ import annotations

import gettext as gnu
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

LANGUAGES = {"en": "English", "es": "Español"}
COOKIE = "kinguard_language"
_FOLDER = Path(__file__).resolve().parent.parent / "locale"
_spoken: ContextVar[str] = ContextVar("language", default="en")


def language() -> str:
    """The language spoken here and now, a key of LANGUAGES."""
    return _spoken.get()


def speak(name: str) -> None:
    """Speak a language from here on in this request; one that is not known is English."""
    _spoken.set(name if name in LANGUAGES else "en")


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Speak a language for a while, as in a mail to someone."""
    token = _spoken.set(name if name in LANGUAGES else "en")
    try:
        yield
    finally:
        _spoken.reset(token)


def _(text: str, **values: object) -> str:
    """The text in the language spoken, with %(name)s filled in."""
    found = catalogue().gettext(text)
    return found % values if values else found


def ngettext(one: str, many: str, number: int, **values: object) -> str:
    """The text for a number; %(num)s is the number."""
    return catalogue().ngettext(one, many, number) % {"num": number, **values}


def N_(text: str) -> str:  # noqa: N802 - the name that extraction tools know.
    """Mark a text for the catalogues."""
    return text


def preferred(request: Request) -> str:
    """The language that the browser's cookie, or else its settings, ask for."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    ranked = []
    for place, part in enumerate(request.headers.get("accept-language", "").split(",")[:20]):
        name, _sep, weight = part.partition(";q=")
        try:
            ranked.append((-float(weight or 1), place, name.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    return next((name for _weight, _place, name in sorted(ranked) if name in LANGUAGES), "en")


def catalogue() -> gnu.NullTranslations:
    """The messages in the language spoken here and now."""
    return _catalogue(_spoken.get())


@cache
def _catalogue(name: str) -> gnu.NullTranslations:
    compiled, whole = BytesIO(), Catalog(locale=name)
    for path in sorted((_FOLDER / name).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=name):
                if message.id:
                    whole[message.id] = message
    write_mo(compiled, whole)
    compiled.seek(0)
    return gnu.GNUTranslations(compiled)
