"""Whose name a typed signature is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.portal.papers.full_names import is_full_name

NAMES = st.lists(st.text("abcdeñéß", min_size=2, max_size=6), min_size=2, max_size=4).map(" ".join)


@pytest.mark.parametrize(
    ("typed", "known", "expected"),
    [
        ("Dana Novak", "Dana Novak", True),
        ("  dana   NOVAK ", "Dana Novak", True),
        ("Dana", "Dana Novak", False),
        ("Novak", "Dana Novak", False),
        ("Novak Dana", "Dana Novak", False),
        ("D. Novak", "Dana Novak", False),
        ("Dana N.", "Dana Novak", False),
        ("Dana Marie Novak", "Dana Novak", True),
        ("Dana Novak", "Dana Marie Novak", True),
        ("Dana M. Novak", "Dana Marie Novak", True),
        ("Dana Marie Novak", "Dana M. Novak", True),
        ("Dana Lou Novak", "Dana Marie Novak", False),
        ("Sofia Ruiz Gomez", "Sofía Ruiz", True),
        ("Jose Nunez", "José Núñez", True),
        ("Siobhan O\u2019Brien", "Siobhan O'Brien", True),
        ("Anne Marie Smith-Jones", "Anne-Marie Smith Jones", True),
        ("Jo Strasse", "Jo Straße", True),
        ("Cher", "Cher", True),
        ("Cher Bono", "Cher", True),
        ("Sam Ortega", "Dana Novak", False),
        ("", "Dana Novak", False),
        ("-", "Dana Novak", False),
        ("Dana Novak", "", False),
        ("李 小龍", "李 小龍", True),
    ],
)
def test_a_full_name_is_known_as_people_write_it(typed: str, known: str, *, expected: bool) -> None:
    assert is_full_name(typed, [known]) is expected


def test_either_name_by_which_the_signer_is_known_will_do() -> None:
    assert is_full_name("Dana Novak", ["Dana Ortega", "Dana Novak"])
    assert not is_full_name("Dana Novak", [])


@given(NAMES, st.sampled_from(["  ", " "]))
def test_case_and_spaces_never_matter(name: str, between: str) -> None:
    assert is_full_name(name.upper().replace(" ", between), [name])


@given(NAMES)
def test_the_first_name_alone_is_never_enough(name: str) -> None:
    first, *_middle, last = name.split()
    assert first.casefold() == last.casefold() or not is_full_name(first, [name])
