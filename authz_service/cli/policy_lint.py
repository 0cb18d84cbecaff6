"""`kinguard policy lint`: what loads, and is doubtful all the same."""

from __future__ import annotations

import json
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path  # noqa: TC003 (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated

import typer

from authz_service.cli.bundles import BundleOption, load_or_exit
from authz_service.cli.policy_test import SuitesOption, cases_or_exit
from authz_service.workbench.linting.findings import MEANINGS, Finding, Level
from authz_service.workbench.linting.lint import lint_bundle
from authz_service.workbench.mutation_testing import Laboratory
from authz_service.workbench.numbers import amount
from authz_service.workbench.sarif import Result, inside, sarif_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authz_service.workbench.mutations import Mutant

_REFUSED = 2


class LintFormat(StrEnum):
    """For whom the findings are written."""

    TEXT = "text"
    SARIF = "sarif"
    JSON = "json"


def lint(
    bundle: BundleOption,
    suites: SuitesOption = None,
    form: Annotated[LintFormat, typer.Option("--format", help="sarif is for code hosts.")] = LintFormat.TEXT,
) -> None:
    """Say what is doubtful about a bundle that loads: rules that decide nothing, facts that nobody reads, and the like.

    Exit status 0: nothing but notes. 1: warnings. 2: the bundle or a suite cannot be read or is refused.
    """
    policy = load_or_exit(bundle, status=_REFUSED)
    folder: Path | None = suites or bundle / "suites"
    if folder is None or (suites is None and not folder.is_dir()):
        folder = None
    cases = None if folder is None else cases_or_exit(policy, folder, status=_REFUSED)
    found = lint_bundle(Laboratory(bundle), cases, _shown)
    results = [_result(bundle, folder, finding) for finding in found]
    if form is LintFormat.SARIF:
        meanings = {doubt.value: meaning for doubt, meaning in MEANINGS.items()}
        typer.echo(sarif_log("kinguard policy lint", meanings, results), nl=False)
    elif form is LintFormat.JSON:
        rows = [{name: getattr(result, name) for name in Result.__slots__} for result in results]
        typer.echo(json.dumps({"findings": rows}, indent=2, ensure_ascii=False))
    else:
        _tell(results)
    if any(finding.level is Level.WARNING for finding in found):
        raise typer.Exit(1)


def _result(bundle: Path, suites: Path | None, finding: Finding) -> Result:
    folder = suites if finding.in_suites and suites is not None else bundle
    file = inside(folder.as_posix(), finding.file)
    return Result(finding.doubt.value, finding.level.value, file, finding.line, finding.message)


def _tell(results: Sequence[Result]) -> None:
    for result in results:
        place = f"{result.file}:{result.line}" if result.line else result.file
        typer.echo(f"{place}: {result.level}: {result.message} [{result.rule}]")
    levels = Counter(result.level for result in results)
    typer.echo(f"{amount(levels[Level.WARNING], 'warning')}, {amount(levels[Level.NOTE], 'note')}")


def _shown(parts: Sequence[Mutant]) -> Iterator[Mutant]:
    """The parts of rules that are left out one after the other, with progress on a terminal."""
    if not sys.stderr.isatty():
        yield from parts
        return
    with typer.progressbar(parts, label="conditions", file=sys.stderr) as bar:
        yield from bar
