"""`kinguard policy matrix`."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from authz_service.cli.policy import app
from tests.workbench.conftest import AUTHZEN


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["matrix", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(("form", "start"), [("text", "user by"), ("csv", "group,action"), ("html", "<!doctype html>")])
@pytest.mark.parametrize("name", ["todo", "records"])
def test_a_matrix_comes_in_three_forms(name: str, form: str, start: str) -> None:
    status, said, error = run("--bundle", AUTHZEN / name, "--format", form)
    assert (status, error) == (0, "")
    assert said.startswith(start)


def test_a_fact_that_does_not_exist_is_one_line_and_status_1() -> None:
    status, said, error = run("--bundle", AUTHZEN / "todo", "--by", "subject.rle")
    assert (status, said) == (1, "")
    assert error == "kinguard: subject.rle is no fact of this subject type (did you mean subject.role?)\n"
