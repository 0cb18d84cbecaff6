"""`kinguard policy mutants`: whether suites, invariants and the load notice every small change of a rule."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path  # noqa: TC003 (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated

import typer

from authz_service.cli.bundles import BundleOption, load_or_exit
from authz_service.cli.policy_test import cases_or_exit
from authz_service.workbench.mutation_run import count_mutants, try_mutants
from authz_service.workbench.mutation_testing import Fate
from authz_service.workbench.suites import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.workbench.mutation_testing import Outcome

_WORDS = {
    Fate.REFUSED: "refused by the load",
    Fate.DISPROVED: "disproved by an invariant",
    Fate.FAILED: "noticed by a suite",
    Fate.EQUIVALENT: "equivalent (the same answer in every situation)",
    Fate.SURVIVED: "survived",
}


def mutants(
    bundle: BundleOption,
    suites: Annotated[
        Path | None, typer.Option("--suites", help="The folder of the suites; `suites` in the bundle when left out.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many processes share the work.")] = 2,
) -> None:
    """Drop, negate and swap every part of every rule; each change that alters an answer must be noticed.

    Exit status 1 when a mutant survives; each survivor is listed with its file and line.
    """
    policy = load_or_exit(bundle)
    folder: Path | None = suites or bundle / "suites"
    if folder is None or (suites is None and not folder.is_dir()):
        folder = None
        typer.echo(f"{bundle} has no suites; only the load and the invariants can notice", err=True)
    elif run(policy, cases_or_exit(policy, folder)).failures:
        typer.echo("kinguard: the suites fail without any mutant; run `kinguard policy test` first", err=True)
        raise typer.Exit(1)
    count = count_mutants(bundle)
    fates: Counter[Fate] = Counter()
    for outcome in _shown(try_mutants(bundle, folder, count, processes), count):
        fates[outcome.fate] += 1
        if outcome.fate is Fate.SURVIVED:
            mutant = outcome.mutant
            typer.echo(f"{mutant.file}:{mutant.line}: survived: {mutant.what}")
    told = ", ".join(f"{fates[fate]} {words}" for fate, words in _WORDS.items())
    typer.echo(f"{count} mutants: {told}")
    if fates[Fate.SURVIVED]:
        raise typer.Exit(1)


def _shown(outcomes: Iterator[Outcome], count: int) -> Iterator[Outcome]:
    """The outcomes, with progress on a terminal."""
    with typer.progressbar(outcomes, length=count, label="mutants", file=sys.stderr) as bar:
        yield from bar
