"""`python -m authz_service`: one process of the authz service; with `migrate`, its database brought up to date."""

from __future__ import annotations

import gc
import socket
import sys
from typing import TYPE_CHECKING

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from authz_service.app import create_app
from authz_service.loading import Loading
from authz_service.logs import configure_logs
from authz_service.preparation import prepare_demo
from authz_service.settings import read_settings
from authz_service.storage import StorageError, migrate
from authz_service.tokens.signatures import KeyRefusedError
from models.settings import SettingsError

if TYPE_CHECKING:
    from authz_service.settings import Settings


def main() -> int:
    """Serves until it is told to stop; 2 when settings or database cannot be used, 3 when it could not start."""
    try:
        settings = read_settings()
        if sys.argv[1:] == ["migrate"]:
            migrate(settings.access_database_url)
            return 0
        if settings.profile == "demo":
            prepare_demo(settings)
    except (SettingsError, StorageError, KeyRefusedError, SQLAlchemyError, OSError) as error:
        sys.stderr.write(f"{str(error).strip()}\n")
        return 2
    try:
        listening = [] if settings.authz_socket else [_listen(settings)]
    except OSError as error:
        sys.stderr.write(f"KINGUARD_AUTHZ_PORT: port {settings.authz_port} cannot be used: {error.strerror}\n")
        return 2
    configure_logs()
    app = create_app(settings, loading=Loading)
    config = uvicorn.Config(
        app,
        uds=str(settings.authz_socket) if settings.authz_socket else None,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="critical",  # What goes wrong is said by the application, once.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=16 * 1024,
    )
    server = _Server(config)
    try:
        server.run(listening or None)
    finally:
        if app.failure is not None:
            sys.stderr.write(f"{app.failure}\n")
    return 0 if server.started else 3


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What was loaded stays; the collector need not look at it again on every round.
        gc.collect()
        gc.freeze()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.authz_host else socket.AF_INET
    return socket.create_server((settings.authz_host, settings.authz_port), family=family, backlog=2048)


if __name__ == "__main__":
    sys.exit(main())
