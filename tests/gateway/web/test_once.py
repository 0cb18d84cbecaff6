"""What a request says in figures or keys is taken as it is meant, or not at all."""

from __future__ import annotations

import pytest

from gateway.web.once import is_key, new_key
from models.numbers import whole


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("999999999", 999999999), ("1" * 10, None), ("9" * 5000, None)]
    + [(text, None) for text in ("", "-1", "1.5", " 1", "٣", "²", "1e3", "x")],
)
def test_a_few_digits_are_a_number_and_nothing_else_is(text: str, number: int | None) -> None:
    """Python itself fails on thousands of digits, and calls other scripts' figures digits too."""
    assert whole(text) == number


def test_a_key_is_new_and_known_for_one() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(is_key(key) for key in keys)
    assert not any(is_key(text) for text in ("", "a" * 31, "A" * 32, f"{new_key()}\n"))
