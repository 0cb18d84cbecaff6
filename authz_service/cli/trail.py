"""`kinguard trail`: whether the trail is as it was written."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer reads the annotation)
from typing import Annotated

import typer

from authz_service.cli.failures import failing_clearly
from authz_service.settings import read_settings
from authz_service.storage import Database
from authz_service.tokens.keys import read_key
from authz_service.tokens.signatures import KeySet, public_jwk, read_jwk
from authz_service.trail.verification import verify_trail

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def trail() -> None:
    """The record of decisions and changes."""


@app.command()
def verify(
    checkpoints: Annotated[
        Path | None, typer.Option(help="A copy of the signed checkpoints that was kept elsewhere.")
    ] = None,
) -> None:
    """Find any edit, cut or reorder of the trail. Exit status 1 when there is one."""
    with failing_clearly():
        settings = read_settings()
        keys = KeySet([read_jwk(public_jwk(read_key(settings.keys_dir / "trail.pem").public_key()))])
        database = Database(settings.access_database_url)
        try:
            report = verify_trail(database, settings.trail_dir, checkpoints or settings.checkpoints, keys)
        finally:
            database.dispose()
    typer.echo(
        f"{report.records} records in {report.groups} groups of {report.chains} chains examined, "
        f"{report.waiting} waiting to be loaded, {report.checkpoints} checkpoints"
    )
    if report.newest_checkpoint:
        typer.echo(f"newest checkpoint: {report.newest_checkpoint}")
    for note in report.notes:
        typer.echo(f"note: {note}")
    for problem in report.problems:
        typer.echo(f"problem: {problem}", err=True)
    if report.problems:
        raise typer.Exit(1)
    typer.echo("the trail is whole")
