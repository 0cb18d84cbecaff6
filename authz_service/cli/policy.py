"""`kinguard policy`: work on a bundle of rules."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path  # noqa: TC003 (typer reads the annotation)
from typing import Annotated

import typer

from authz_service.cli.bundles import BundleOption, load_or_exit
from authz_service.cli.policy_ask import explain, what, who, why_not
from authz_service.cli.policy_check import check, fmt, prove
from authz_service.cli.policy_deploy import deploy, rollback, shadow, stage, versions
from authz_service.cli.policy_diff import diff
from authz_service.cli.policy_lint import lint
from authz_service.cli.policy_matrix import matrix
from authz_service.cli.policy_mutants import mutants
from authz_service.cli.policy_replay import replay
from authz_service.cli.policy_schema import schema
from authz_service.cli.policy_test import coverage, run_suites
from authz_service.engine.evaluate import evaluate_line

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, add_completion=False, help="Check, prove and ask a bundle of rules."
)


class EngineName(StrEnum):
    """Which engine answers."""

    DIAGRAM = "diagram"
    POLAR = "polar"


@app.command("eval")
def evaluate(
    bundle: BundleOption,
    input_: Annotated[Path, typer.Option("--input", help="Questions, one JSON object a line.")],
    engine: Annotated[EngineName, typer.Option(help="polar is the reference, and slow.")] = EngineName.DIAGRAM,
) -> None:
    """Answer questions: one line of JSON for each line of the input."""
    policy = load_or_exit(bundle)
    try:
        with input_.open("rb") as lines:
            for line in lines:
                sys.stdout.write(evaluate_line(policy, line, engine.value) + "\n")
    except OSError as error:
        typer.echo(f"{input_}: cannot be read: {error.strerror}", err=True)
        raise typer.Exit(1) from None


app.command("test")(run_suites)
for _command in (check, prove, lint, fmt, coverage, mutants, explain, why_not, what, who, matrix, diff, replay, schema):
    app.command()(_command)
for _served in (stage, versions, shadow, deploy, rollback):
    app.command()(_served)
