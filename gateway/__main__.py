"""`python -m gateway`: migrates, seeds the demo the first time, and serves.

`python -m gateway migrate` only migrates. `python -m gateway forget-second-factors account/dana` is for somebody who
lost every second factor and recovery code.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import uvicorn

from gateway.account.forgetting import NotForgottenError, forget_second_factors
from gateway.app import create_app, system_clock
from gateway.edge.site import SiteError
from gateway.edge.wire import StrictHttp
from gateway.logs import configure_logs
from gateway.practices import NotAddedError, add_practice
from gateway.records.database import DatabaseError, migrate, require_ready
from gateway.records.store import RecordsStore
from gateway.seed import is_demo, seed
from gateway.settings import Settings, read_settings
from models.settings import SettingsError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

KEEP_ALIVE_SECONDS = 30
SHUTDOWN_SECONDS = 5
CONNECTIONS_MAX = 512


def main() -> int:
    """Serve until told to stop, or do what the first argument says.

    2 when the settings, the database or the site cannot be used, 3 when the port cannot.
    """
    configure_logs()
    try:
        settings = read_settings()
        if sys.argv[1:] == ["migrate"]:
            migrate(settings.records_database_url)
            return 0
        if sys.argv[1:2] == ["forget-second-factors"]:
            asyncio.run(forget_second_factors(settings, "".join(sys.argv[2:]), system_clock))
            return 0
        if sys.argv[1:2] == ["add-practice"]:
            link = add_practice(settings, sys.argv[2:], system_clock)
            sys.stdout.write(f"Within an hour the owner chooses a password at\n{link}\n")
            return 0
        prepare(settings)
        app = create_app(settings)
    except (SettingsError, DatabaseError, SiteError, NotForgottenError, NotAddedError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    server = uvicorn.Server(server_config(app, settings))
    server.run()
    return 0 if server.started else 3


def server_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How the gateway is served: one parser, no header believed that a client could have sent."""
    return uvicorn.Config(
        app,
        host=settings.gateway_host,
        port=settings.gateway_port,
        loop="uvloop",
        http=StrictHttp,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # Whose forwarded address is believed is for `trusted_proxies` to say.
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        limit_concurrency=CONNECTIONS_MAX,
    )


def prepare(settings: Settings) -> None:
    """Migrate and fill the records database in the demo; in production require it ready and without demo data."""
    if settings.profile == "demo":
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        migrate(settings.records_database_url)
    else:
        require_ready(settings.records_database_url)
    store = RecordsStore(settings.records_database_url)
    try:
        if settings.profile == "demo":
            seed(store, settings.world_file, settings.demo_day, system_clock, settings.public_url)
            return
        with store.session(None) as session:
            if is_demo(session):
                raise SettingsError("KINGUARD_RECORDS_DATABASE_URL: holds demo data, which production refuses")
    finally:
        store.close()


if __name__ == "__main__":
    sys.exit(main())
