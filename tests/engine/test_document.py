"""A text that is built to exhaust whoever reads it is refused at its line, before it is unfolded."""

from __future__ import annotations

import pytest

from authz_service.engine.document import Document
from authz_service.engine.facts_file import read_facts

BOMB = "\n".join(
    ["a: &a0 [x, x, x, x, x, x, x, x]", *(f"b{n}: &a{n + 1} [{', '.join([f'*a{n}'] * 8)}]" for n in range(9))]
)
SWOLLEN = {
    "brackets": ("[" * 200_000, 1, "more than 50 things stand within one another"),
    "braces": ("a:\n  " + "{b: " * 100_000, 2, "more than 50 things stand within one another"),
    "dashes": ("- " * 100_000 + "x", 1, "more than 50 things stand within one another"),
    "aliases of aliases": (BOMB, 6, "unfolds to more than 100000 things"),
    "itself": ("a: 1\nb: &b [*b]", 2, "b contains itself"),
}


@pytest.mark.parametrize("label", SWOLLEN)
def test_a_swollen_text_is_refused_at_its_line(label: str) -> None:
    text, line, sentence = SWOLLEN[label]
    document = Document("facts.yaml")
    assert document.compose(text) is None
    (problem,) = document.problems
    assert (problem.line, sentence in problem.message) == (line, True), problem


def test_what_people_write_is_read() -> None:
    """Fifty levels, and a list that is named once and meant twice."""
    document = Document("facts.yaml")
    assert document.compose("[" * 50 + "]" * 50) is not None
    assert document.compose("a: &list [x, y]\nb: *list\nc: *list") is not None
    assert document.problems == []


@pytest.mark.parametrize("number", ["0777", "1:30", "1" * 5000, "0x", "1_000"])
def test_a_number_that_is_none_of_ours_is_refused_and_not_an_error(number: str) -> None:
    problems = read_facts(f"version: {number}\nsubjects: {{}}\nresources: {{}}\nfacts: {{}}\n").problems
    assert "facts.yaml:1: version must be 1" in [str(problem) for problem in problems]
