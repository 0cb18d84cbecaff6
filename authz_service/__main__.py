"""`python -m authz_service`: one process of the authz service; with `migrate`, its database brought up to date."""

from __future__ import annotations

import sys

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from authz_service.app import create_app
from authz_service.logs import configure_logs
from authz_service.preparation import prepare_demo
from authz_service.settings import SettingsError, read_settings
from authz_service.storage import StorageError, migrate
from authz_service.tokens.signatures import KeyRefusedError


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
    configure_logs()
    config = uvicorn.Config(
        create_app(settings),
        host=settings.authz_host,
        port=settings.authz_port,
        uds=str(settings.authz_socket) if settings.authz_socket else None,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=16 * 1024,
    )
    server = uvicorn.Server(config)
    server.run()
    return 0 if server.started else 3


if __name__ == "__main__":
    sys.exit(main())
