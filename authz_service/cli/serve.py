"""`kinguard serve`: the authz service alone."""

from __future__ import annotations

import typer

from authz_service.__main__ import main

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def serve() -> None:
    """Serve the authz service alone until stopped; in the demo profile its data is made ready first."""
    raise typer.Exit(main())
