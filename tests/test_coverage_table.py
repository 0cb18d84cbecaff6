"""The table of what the source documents ask for names every row once, pages that exist and tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from gateway.app import SITE

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "coverage.md"
ROWS = [
    f"{source}{number}"
    for source, last in (("P", 26), ("C", 20), ("M", 11), ("W", 28), ("Y", 28), ("c", 18))
    for number in range(1, last + 1)
]
# What a row may say where no test is named.
WITHOUT = {"documentation only", "not in this product"}


@cache
def lines() -> list[tuple[str, ...]]:
    """(row, what, page, test) of each line of the table."""
    found = re.findall(r"^\| ([PCMWYc]\d+) \| (.+) \| (.+) \| (.+) \|$", TABLE.read_text(), re.MULTILINE)
    return [tuple(line) for line in found]


@cache
def named_in(file: str) -> set[str]:
    """The names of the tests in a file; empty when there is no such file."""
    path = ROOT / file
    if not path.is_file():
        return set()
    known = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in known if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_row_is_there_once_and_in_order() -> None:
    assert [row for row, *_ in lines()] == ROWS


def test_every_page_is_in_the_site_map() -> None:
    """A page is a path of the site map, letter for letter."""
    known = {route.path for route in SITE}
    wrong = {row: path for row, _, page, _ in lines() for path in re.findall(r"`([^`]+)`", page) if path not in known}
    assert wrong == {}


def test_every_test_that_is_named_exists() -> None:
    """A row names tests, or says in fixed words why there is none."""
    wrong = {}
    for row, _, _, named in lines():
        tests = re.findall(r"`([^`:]+)::(\w+)`", named)
        if not (tests or named in WITHOUT) or any(name not in named_in(file) for file, name in tests):
            wrong[row] = named
    assert wrong == {}


@pytest.mark.parametrize("fault", ["tests/test_coverage_table.py::test_that_is_not_there", "tests/none.py::test_x"])
def test_a_test_that_does_not_exist_would_be_found(fault: str) -> None:
    """The control."""
    file, _, name = fault.partition("::")
    assert name not in named_in(file)
