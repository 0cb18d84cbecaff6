"""`kinguard`: every command of the authorization service, each imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module

import typer
from typer.core import TyperGroup

# Command -> the module with its `app`; a module with one command is that command.
_MODULES = {
    "run": "authz_service.cli.run",
    "serve": "authz_service.cli.serve",
    "token": "authz_service.cli.token",
    "trail": "authz_service.cli.trail",
    "practice": "authz_service.cli.practice",
    "policy": "authz_service.cli.policy",
}


class _LazyGroup(TyperGroup):
    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return [*super().list_commands(ctx), *_MODULES]

    def get_command(self, ctx: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def,override]  # noqa: ANN202 - a vendored class
        if cmd_name not in _MODULES:
            return super().get_command(ctx, cmd_name)
        command = typer.main.get_command(import_module(_MODULES[cmd_name]).app)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_LazyGroup, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


@app.callback()
def kinguard() -> None:
    """Decide, explain and record who in a family may see and do what in a client portal."""
