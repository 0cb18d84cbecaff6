"""A new password is long enough, not among the first guesses and not one's own name; nothing else is asked of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account.password_rules import LENGTH_MAX, LENGTH_MIN, faults, name_words

WORDS = name_words("Pam Whitfield", "pam@mail.example", "Northgate Family Practice")
# Also what the page's script says, in tests/pages/test_getting_in.py.
CASES = [
    ("ferry boats at seven", []),
    ("trombone", []),
    ("ÄÖÜ ß trommeln", []),
    ("八つの文字があればよい", []),
    ("short", ["short"]),
    ("seven77", ["short"]),
    ("x" * 129, ["long"]),
    ("password", ["common"]),
    ("P@ssw0rd!!", ["common"]),
    ("123Sunshine123", ["common"]),
    ("qwertyuiop", ["common"]),
    ("zxcvbnm,./", ["common"]),
    ("mnopqrstuv", ["rows"]),
    ("aaaaaaaaaaaa", ["rows"]),
    ("tulip-tulip-tulip-", ["rows"]),
    ("whitfield", ["names"]),
    ("Northgate-Whitfield-1", ["names"]),
    ("Whitfield plays the tuba", []),
]


@pytest.mark.parametrize(("password", "codes"), CASES)
def test_a_password_is_taken_or_told_why_not(password: str, codes: list[str]) -> None:
    assert [fault.code for fault in faults(password, WORDS)] == codes


@given(st.text(st.characters(categories=["Ll", "Lu", "Nd", "Zs"]), min_size=LENGTH_MIN, max_size=LENGTH_MAX))
def test_no_password_is_refused_for_what_it_is_made_of(password: str) -> None:
    """No rule of composition: in front of a password that is taken, any character may stand."""
    if not faults("trombone and " + password) and len(password) + 14 <= LENGTH_MAX:
        assert not faults("7trombone and " + password)


def test_every_sentence_says_the_way_out() -> None:
    told = [fault.sentence for password, _ in CASES for fault in faults(password, WORDS)]
    assert all(sentence.endswith(".") and "%" not in sentence for sentence in told)
