"""`kinguard policy matrix`: who may do what, under which conditions."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from authz_service.cli.bundles import BundleOption, load_or_exit
from authz_service.workbench.matrix import MatrixError, tabulate
from authz_service.workbench.matrix_report import as_csv, as_html, as_text


class MatrixFormat(StrEnum):
    """How the table is written."""

    TEXT = "text"
    CSV = "csv"
    HTML = "html"


_WRITERS = {MatrixFormat.TEXT: as_text, MatrixFormat.CSV: as_csv, MatrixFormat.HTML: as_html}


def matrix(
    bundle: BundleOption,
    subject: Annotated[str | None, typer.Option(help="The subject type; the first one when left out.")] = None,
    by: Annotated[
        str | None,
        typer.Option(help="The fact whose values are the heads, such as subject.kind; or a flag with a parameter."),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="A fact with a parameter; questions that depend on one instance stand together.")
    ] = None,
    form: Annotated[MatrixFormat, typer.Option("--format", help="How to write it.")] = MatrixFormat.TEXT,
) -> None:
    """Tabulate who may do what: each cell is yes, no, or the shortest condition."""
    policy = load_or_exit(bundle)
    try:
        table = tabulate(policy, subject or policy.subject_types[0], by, group)
    except MatrixError as error:
        typer.echo(f"kinguard: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(_WRITERS[form](table), nl=False)
