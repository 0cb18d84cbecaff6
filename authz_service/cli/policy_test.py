"""`kinguard policy test` and `coverage`: whether the suites hold, what they reach, and where each rule decides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from authz_service.cli.bundles import BundleOption, load_or_exit
from authz_service.engine.errors import BundleError
from authz_service.workbench.cases import SuiteError
from authz_service.workbench.numbers import amount, counted, share
from authz_service.workbench.rules import rule_uses
from authz_service.workbench.suites import junit, read_cases, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz_service.engine.policy import Policy
    from authz_service.workbench.cases import Case
    from authz_service.workbench.coverage import Coverage
    from authz_service.workbench.rules import RuleUse

_SHOWN = 50

SuitesOption = Annotated[
    Path | None, typer.Option("--suites", help="The folder of the suites; `suites` in the bundle when left out.")
]


def run_suites(
    bundle: BundleOption,
    suites: SuitesOption = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write the outcome there as JUnit XML.")] = None,
) -> None:
    """Run suites: what they do not list as allowed must be denied. Exit status 1 when a cell is answered otherwise."""
    policy = load_or_exit(bundle)
    cases = cases_or_exit(policy, suites or bundle / "suites")
    report = run(policy, cases)
    if junit_file is not None:
        try:
            junit_file.write_text(junit(report), encoding="utf-8")
        except OSError as error:
            _fail(f"{junit_file} cannot be written: {error.strerror}")
    for case, wrong in report.failures[:_SHOWN]:
        typer.echo(f"{case.place}: {wrong}")
    if len(report.failures) > _SHOWN:
        typer.echo(f"and {len(report.failures) - _SHOWN} more")
    files, scenes = {case.suite for case in cases}, {(case.suite, case.scene) for case in cases}
    asked = f"{amount(len(files), 'suite')}, {amount(len(scenes), 'scene')}, {amount(len(cases), 'cell')}"
    typer.echo(f"{asked}: " + (f"{len(report.failures)} answered otherwise" if report.failures else "all as listed"))
    for line in _reached(report.coverage):
        typer.echo(line)
    if report.failures:
        raise typer.Exit(1)


def coverage(bundle: BundleOption) -> None:
    """Say of each rule in how many situations it decides alone; of an idle one, which rules make it redundant."""
    policy = load_or_exit(bundle)
    for use in rule_uses(policy):
        rule = use.rule
        typer.echo(f"{rule.file}:{rule.line}: {rule.effect} {rule.id}: {_use(use)}")


def cases_or_exit(policy: Policy, folder: Path, status: int = 1) -> list[Case]:
    """The cells of a folder of suites; a mistake in one goes to standard error and ends the command with `status`."""
    try:
        return read_cases(policy, folder)
    except BundleError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(status) from None
    except SuiteError as error:
        _fail(str(error), status)
    except OSError as error:
        _fail(f"{error.filename}: cannot be read: {error.strerror}", status)


def _reached(found: Coverage) -> Iterator[str]:
    decided = len(found.rules) - len(found.idle)
    yield f"rules that decided a cell alone: {decided} of {len(found.rules)}"
    if found.idle:
        yield f"  never: {', '.join(found.idle)}"
    part = share(found.situations, found.space)
    yield f"situations answered as in some cell: {part} ({counted(found.situations)} of {counted(found.space)})"
    yield f"paths of the diagrams taken: {found.paths} of {counted(found.all_paths)}"


def _use(use: RuleUse) -> str:
    holds = f"holds in {amount(use.questions, 'question')}, {amount(use.situations, 'situation')}"
    if use.decides:
        return f"{holds}; decides alone in {share(use.decides, use.situations)} of them"
    reasons = [f"made redundant by {', '.join(use.because)}"] if use.because else []
    if use.behind:
        reasons.append("nothing is permitted there" if not use.because else "elsewhere nothing is permitted")
    return f"{holds}; never decides: {', and '.join(reasons)}"


def _fail(message: str, status: int = 1) -> NoReturn:
    typer.echo(f"kinguard: {message}", err=True)
    raise typer.Exit(status)
