"""`kinguard policy diff`: the exact effect of a change of rules."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from authz_service.cli.bundles import NoBundleError, load_or_exit, opened, path_in_repository
from authz_service.cli.databases import opened_store
from authz_service.cli.failures import failing_clearly
from authz_service.clock import system_clock
from authz_service.facts.decision import Decider
from authz_service.review import touched_report
from authz_service.review.touched import whom_it_touches
from authz_service.settings import read_settings
from authz_service.workbench import difference_report
from authz_service.workbench.difference import compare

if TYPE_CHECKING:
    from authz_service.engine import Policy
    from authz_service.review.touched import Touched
    from authz_service.workbench.difference import Difference


class DifferenceFormat(StrEnum):
    """For whom the difference is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


_LISTED = {DifferenceFormat.TEXT: 20, DifferenceFormat.MARKDOWN: 20, DifferenceFormat.JSON: 200}
_LONG = 20_000  # pairs of a person and a client; fewer are over before anybody looks at the progress


def diff(
    old: Annotated[str, typer.Argument(help="A folder, a git revision, or REVISION:FOLDER.", show_default=False)],
    new: Annotated[str, typer.Argument(help="The same; a bare revision means the other one's folder.")] = "policies",
    form: Annotated[
        DifferenceFormat, typer.Option("--format", help="markdown is ready as a comment on a pull request.")
    ] = DifferenceFormat.TEXT,
    database: Annotated[
        bool,
        typer.Option("--database", help="Say whom it touches now, in the database of KINGUARD_ACCESS_DATABASE_URL."),
    ] = False,
) -> None:
    """Compare two bundles over every situation: newly allowed, then newly denied, counted exactly.

    Exit status 0: they answer every question alike. 1: they differ. 2: one of them, or the database, cannot be read.
    """
    try:
        with opened(old, path_in_repository(new)) as first, opened(new, path_in_repository(old)) as second:
            policies = (load_or_exit(first, old, status=2), load_or_exit(second, new, status=2))
    except NoBundleError as error:
        typer.echo(f"kinguard: {error}", err=True)
        raise typer.Exit(2) from None
    difference = compare(*policies)
    touched = _touched(*policies) if database else None
    typer.echo(_written(form, difference, touched, (old, new)), nl=False)
    raise typer.Exit(1 if difference or (touched is not None and touched.rights) else 0)


def _touched(old: Policy, new: Policy) -> Touched:
    with failing_clearly(2), opened_store(read_settings()) as store:
        return whom_it_touches(store, (Decider(old), Decider(new)), system_clock(), progress=_show_progress)


def _show_progress(done: int, pairs: int) -> None:
    if pairs >= _LONG:
        typer.echo(f"\r{done:,} of {pairs:,} pairs of a person and a client", err=True, nl=done == pairs)


def _written(form: DifferenceFormat, difference: Difference, touched: Touched | None, names: tuple[str, str]) -> str:
    listed = _LISTED[form]
    if form is DifferenceFormat.JSON:
        body = difference_report.as_body(difference, *names)
        if touched is not None:
            body["touched"] = touched_report.as_body(touched, listed)
        return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
    if form is DifferenceFormat.MARKDOWN:
        told = difference_report.as_markdown(difference, *names)
        return told if touched is None else told + touched_report.as_markdown(touched, listed)
    told = difference_report.as_text(difference, *names)
    return told if touched is None else told + touched_report.as_text(touched, listed)
