"""Whatever a page or a mail says can be said in every language, with the same blanks filled in."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from starlette.requests import Request

import gateway
from gateway.web.formats import clock_time, count, day, hours, long_day, money, zone_name
from gateway.web.language import LANGUAGES, _, language, ngettext, preferred, speaking

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(gateway.__file__).parent
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "count": (2, 3)}
METHODS = [
    ("**.py", "python"),
    ("templates/**.html", "jinja2.ext.babel_extract"),
    ("templates/**.txt", "jinja2.ext.babel_extract"),
]
OPTIONS = {name: {"silent": "false", "trimmed": "true"} for name, method in METHODS if "jinja2" in method}
BLANK = re.compile(r"%\((\w+)\)s")
OTHERS = sorted(set(LANGUAGES) - {"en"})
Message = str | tuple[str, ...]


@cache
def written() -> dict[Message, str]:
    """Every text marked for the catalogues, with where it first stands."""
    found: dict[Message, str] = {}
    for file, line, text, _comments, _context in extract_from_dir(str(FOLDER), METHODS, OPTIONS, KEYWORDS):
        parts = (text,) if isinstance(text, str) else tuple(part for part in text if part)
        found.setdefault(parts[0] if len(parts) == 1 else parts, f"{file}:{line}")
    return found


def translated(name: str) -> Iterator[tuple[Message, Message, str]]:
    """Every message of a language's catalogues, its translation, and the file it stands in."""
    for path in sorted((FOLDER / "locale" / name).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=name, abort_invalid=True):
                if message.id:
                    assert not message.fuzzy, (path.name, message.id)
                    key = message.id if isinstance(message.id, str) else tuple(message.id)
                    yield key, message.string if isinstance(message.string, str) else tuple(message.string), path.name


@pytest.mark.parametrize("name", OTHERS)
def test_every_text_is_translated(name: str) -> None:
    known = {key for key, said, _file in translated(name) if said and (isinstance(said, str) or all(said))}
    missing = [f"{place}: {text}" for text, place in written().items() if text not in known]
    assert missing == []


@pytest.mark.parametrize("name", OTHERS)
def test_no_translation_is_left_over_and_two_of_one_text_agree(name: str) -> None:
    texts, said_before = written(), {}
    for key, said, file in translated(name):
        assert key in texts, (file, key)
        assert said_before.setdefault(key, said) == said, (file, key)


@pytest.mark.parametrize("name", OTHERS)
def test_a_translation_fills_in_nothing_that_the_text_does_not_know(name: str) -> None:
    more = {"feature", "name", "practice"}  # Refusals offer these to every language.
    for key, said, file in translated(name):
        ids, texts = (key,) if isinstance(key, str) else key, (said,) if isinstance(said, str) else said
        known = {blank for text in ids for blank in BLANK.findall(text)}
        for text in texts:
            assert set(BLANK.findall(text)) <= known | (more if {"subject", "subject_inside"} & known else set()), (
                file,
                key,
            )
            if BLANK.search(text) or BLANK.search(ids[0]):
                text % dict.fromkeys(known | more, "x")


def asking(cookie: str = "", accepted: str = "") -> Request:
    headers = [(b"accept-language", accepted.encode()), (b"cookie", cookie.encode())]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "query_string": b""})


@pytest.mark.parametrize(
    ("cookie", "accepted", "expected"),
    [
        ("", "", "en"),
        ("", "es", "es"),
        ("", "es-MX,es;q=0.9,en;q=0.8", "es"),
        ("", "fr, es;q=0.4, en;q=0.3", "es"),
        ("", "en;q=0.4, es;q=0.3", "en"),
        ("", "fr, de", "en"),
        ("", "es;q=zero, en", "en"),
        ("kinguard_language=es", "en", "es"),
        ("kinguard_language=xx", "es", "es"),
    ],
)
def test_the_browser_chooses_the_language(cookie: str, accepted: str, expected: str) -> None:
    assert preferred(asking(cookie, accepted)) == expected


def test_a_language_is_spoken_for_a_while_only() -> None:
    with speaking("es"):
        assert (language(), _("Save")) == ("es", "Guardar")
        assert ngettext("client", "clients", 2) == "clientes"
    assert (language(), _("Save")) == ("en", "Save")
    with speaking("xx"):
        assert language() == "en"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "en",
            [
                "June 3, 2026",
                "Wednesday, June 3, 2026",
                "12:05\N{NO-BREAK SPACE}am",
                "10:00\N{EN DASH}10:50\N{NO-BREAK SPACE}am",
                "\N{MINUS SIGN}$1,234.50",
                "1,200 clients",
                "Pacific time",
                "Berlin time",
            ],
        ),
        (
            "es",
            [
                "3 de junio de 2026",
                "miércoles, 3 de junio de 2026",
                "12:05\N{NO-BREAK SPACE}a.\N{NO-BREAK SPACE}m.",
                "10:00\N{EN DASH}10:50\N{NO-BREAK SPACE}a.\N{NO-BREAK SPACE}m.",
                "\N{MINUS SIGN}$1,234.50",
                "1,200 clientes",
                "hora del Pacífico",
                "hora de Berlin",
            ],
        ),
    ],
)
def test_days_times_and_money_are_written_as_each_language_does(name: str, expected: list[str]) -> None:
    at = datetime(2026, 6, 3, tzinfo=UTC)
    with speaking(name):
        assert [
            day(date(2026, 6, 3)),
            long_day(date(2026, 6, 3)),
            clock_time(at.replace(minute=5)),
            hours(at.replace(hour=10), at.replace(hour=10, minute=50)),
            money(-123450),
            count(1200, "client", "clients"),
            zone_name("America/Los_Angeles"),
            zone_name("Europe/Berlin"),
        ] == expected
