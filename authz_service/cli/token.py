"""`kinguard token`: an access token for trying the demo by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from authz_service.cli.failures import failing_clearly
from authz_service.clock import system_clock
from authz_service.settings import read_settings
from authz_service.tokens.clients import Clients, ensure_demo_clients
from authz_service.tokens.issuing import Issuer
from authz_service.tokens.keys import SigningKeys

if TYPE_CHECKING:
    from authz_service.settings import Settings

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def token(
    client: Annotated[str, typer.Option(help="The calling system, such as demo-backend.")],
    scope: Annotated[list[str] | None, typer.Option(help="Only this scope; may be repeated. All, unless told.")] = None,
    practice: Annotated[list[str] | None, typer.Option(help="Only this practice; may be repeated.")] = None,
) -> None:
    """Print an access token of a calling system (demo profile only)."""
    with failing_clearly():
        settings = read_settings()
        if settings.profile != "demo":
            raise typer.BadParameter("tokens are printed in the demo profile only; clients ask /oauth/token for theirs")
        typer.echo(demo_token(settings, client, scope, practice))


def demo_token(
    settings: Settings, client: str, scope: list[str] | None = None, practice: list[str] | None = None
) -> str:
    """An access token of a calling system of the demo. Raises BadParameter for one that is not known."""
    ensure_demo_clients(settings.keys_dir)
    clients = Clients(settings.clients)
    known = clients.get(client)
    if known is None:
        raise typer.BadParameter(f"there is no client {client}; known are {', '.join(clients.ids())}")
    issuer = Issuer(
        SigningKeys(settings.keys_dir / "signing"), clients, settings.issuer, settings.token_endpoint, system_clock
    )
    scopes, practices = frozenset(scope) if scope else None, frozenset(practice) if practice else None
    return issuer.issue(known, scopes, practices=practices).text
