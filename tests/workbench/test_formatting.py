"""The layout of Polar: applied twice it changes nothing, comments stay, and no meaning is touched."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from authz_service.cli.policy import app
from authz_service.engine import load_policy
from authz_service.workbench.difference import compare
from authz_service.workbench.formatting import formatted
from tests.engine.bundles import FILES, write_files
from tests.engine.random_bundles import draw_rules, draw_shape
from tests.workbench.conftest import AUTHZEN, POLICIES

if TYPE_CHECKING:
    from pathlib import Path

UNTIDY = """\


#   What holds everywhere.
permit( rep:Representative,action , resource,"a.b" )   if rep.kind="self"  and client_may(action,resource);   #kept
near("guardian"); near( "payer" );
helper(x) if x in ["one","two" , "t\\"three"] or not(x="four");



long(x) if
   x = "one"   and
   # why
   x != "two";
list([_,*rest]) if among(x,[x,*rest]) and rest=rest;
"""
TIDY = """\
# What holds everywhere.
permit(rep: Representative, action, resource, "a.b") if
    rep.kind = "self" and
    client_may(action, resource); # kept
near("guardian");
near("payer");
helper(x) if x in ["one", "two", "t\\"three"] or not (x = "four");

long(x) if
   x = "one"   and
   # why
   x != "two";
list([_, *rest]) if among(x, [x, *rest]) and rest = rest;
"""


def test_an_untidy_text_is_laid_out() -> None:
    assert formatted(UNTIDY) == TIDY
    assert formatted(TIDY) == TIDY


@pytest.mark.parametrize("bundle", [POLICIES, AUTHZEN], ids=["ours", "authzen"])
def test_the_bundles_here_are_in_their_layout(bundle: Path) -> None:
    result = CliRunner().invoke(app, ["fmt", "--bundle", str(bundle), "--check"])
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize("seed", range(30))
def test_random_rules_laid_out_twice_are_as_laid_out_once(seed: int) -> None:
    """Comments and all; that the tokens stay is checked by the layout itself."""
    draw = random.Random(seed)
    rules = "".join(
        f"{draw.choice(['', '# Why.', '#Two words'])}\n{clause}{draw.choice(['', ' # after'])}\n" * draw.randint(1, 2)
        for clause in draw_rules(draw, draw_shape(draw))
    )
    once = formatted(rules.replace(" and ", draw.choice([" and ", "\n and  ", "\tand\n\n"])))
    assert formatted(once) == once
    assert once.count("#") == rules.count("#")


def test_the_command_lays_files_out_without_changing_an_answer(tmp_path: Path) -> None:
    """Files are written once; `--check` says which would be, and exits with 1."""
    files = {name: text.replace(" if\n    ", "   if ") for name, text in FILES.items()}
    bundle = write_files(tmp_path / "bundle", files)
    before = load_policy(shutil.copytree(bundle, tmp_path / "before"))
    run = CliRunner().invoke
    checked = run(app, ["fmt", "--bundle", str(bundle), "--check"])
    assert (checked.exit_code, checked.stdout.count("is not in its layout")) == (1, 2)
    assert run(app, ["fmt", "--bundle", str(bundle)]).exit_code == 0
    assert run(app, ["fmt", "--bundle", str(bundle), "--check"]).exit_code == 0
    assert not compare(before, load_policy(bundle))


def test_what_cannot_be_laid_out_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["fmt", "--bundle", str(tmp_path / "nowhere")])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    (tmp_path / "main.polar").write_bytes(b"\xff")
    result = CliRunner().invoke(app, ["fmt", "--bundle", str(tmp_path)])
    assert (result.exit_code, "not UTF-8" in result.stderr) == (1, True)
