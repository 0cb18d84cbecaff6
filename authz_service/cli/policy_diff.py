"""`kinguard policy diff`: the exact effect of a change of rules."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from authz_service.cli.bundles import NoBundleError, load_or_exit, opened, path_in_repository
from authz_service.workbench.difference import compare
from authz_service.workbench.difference_report import as_json, as_markdown, as_text


class DifferenceFormat(StrEnum):
    """For whom the difference is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


_WRITERS = {
    DifferenceFormat.TEXT: as_text,
    DifferenceFormat.MARKDOWN: as_markdown,
    DifferenceFormat.JSON: as_json,
}


def diff(
    old: Annotated[str, typer.Argument(help="A folder, a git revision, or REVISION:FOLDER.", show_default=False)],
    new: Annotated[str, typer.Argument(help="The same; a bare revision means the other one's folder.")] = "policies",
    form: Annotated[
        DifferenceFormat, typer.Option("--format", help="markdown is ready as a comment on a pull request.")
    ] = DifferenceFormat.TEXT,
) -> None:
    """Compare two bundles over every situation: newly allowed, then newly denied, counted exactly.

    Exit status 0: they answer every question alike. 1: they differ. 2: one of them cannot be read or is refused.
    """
    try:
        with opened(old, path_in_repository(new)) as first, opened(new, path_in_repository(old)) as second:
            policies = (load_or_exit(first, old, status=2), load_or_exit(second, new, status=2))
    except NoBundleError as error:
        typer.echo(f"kinguard: {error}", err=True)
        raise typer.Exit(2) from None
    difference = compare(*policies)
    typer.echo(_WRITERS[form](difference, old, new), nl=False)
    raise typer.Exit(1 if difference else 0)
