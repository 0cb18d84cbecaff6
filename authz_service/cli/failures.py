"""Errors of the command line: one clear line each, and a status that is not 0."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from sqlalchemy.exc import SQLAlchemyError

from authz_service.commands.errors import CommandError
from authz_service.engine import BundleError
from authz_service.storage import StorageError
from authz_service.tokens.clients import ClientsError
from authz_service.tokens.issuing import ScopeRefusedError
from authz_service.tokens.signatures import KeyRefusedError
from models.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_KNOWN = (SettingsError, BundleError, StorageError, ClientsError, KeyRefusedError, ScopeRefusedError, CommandError)


@contextmanager
def failing_clearly(status: int = 1) -> Iterator[None]:
    """Turns what can go wrong into a line on standard error and the exit status (2 for a wrong option)."""
    try:
        yield
    except typer.BadParameter as error:
        typer.echo(f"kinguard: {error.message}", err=True)
        raise typer.Exit(2) from error
    except _KNOWN as error:
        typer.echo(f"kinguard: {error}", err=True)
        raise typer.Exit(status) from error
    except SQLAlchemyError as error:
        typer.echo(f"kinguard: the database cannot be used: {str(error).partition(chr(10))[0]}", err=True)
        raise typer.Exit(status) from error
    except OSError as error:
        typer.echo(f"kinguard: {error}", err=True)
        raise typer.Exit(status) from error
