"""`kinguard practice`: practices set up by whoever runs the installation."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from authz_service.cli.failures import failing_clearly
from authz_service.clock import system_clock
from authz_service.commands.founding import found_practice
from authz_service.settings import read_settings
from authz_service.storage import AccessStore
from authz_service.trail.changes import Origin

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def practice() -> None:
    """Set up practices."""


@app.command()
def add(
    practice_id: Annotated[str, typer.Argument(metavar="ID", help="The practice's id, such as northside.")],
    zone: Annotated[str, typer.Option(help="Its time zone, such as America/New_York.")],
    owner: Annotated[str, typer.Option(help="The id of the staff member who owns it, such as ana.")],
) -> None:
    """Set up a practice with its owner. Then enter them in the gateway: python -m gateway add-practice."""
    with failing_clearly():
        store = AccessStore(read_settings().access_database_url, system_clock)
        try:
            origin = Origin("command line", secrets.token_hex(16), "system/operator")
            found_practice(store, origin, practice_id, zone, owner)
        finally:
            store.close()
        typer.echo(f"practice {practice_id} is set up; its owner is staff/{owner}")
