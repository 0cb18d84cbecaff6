"""`python -m authz_service`: one process of the authz service."""

from __future__ import annotations

import sys

import uvicorn

from authz_service.app import create_app
from authz_service.logs import configure_logs
from authz_service.settings import SettingsError, read_settings


def main() -> int:
    """Serves until it is told to stop; the exit status is not 0 when it could not start."""
    try:
        settings = read_settings()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
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
