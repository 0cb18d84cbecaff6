"""The composition root of the gateway: everything is made here and handed down."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from gateway.account import getting_in, language, security, sign_in
from gateway.account.passwords import Passwords
from gateway.account.sealing import Seal
from gateway.admin.routes import ROUTES as ADMIN
from gateway.background import Background
from gateway.edge import health
from gateway.edge.attempts import Attempts, MemoryCounter, RedisCounter
from gateway.edge.authz_client import AuthzClient
from gateway.edge.cookies import Cookies, secret_of
from gateway.edge.protection import Protection
from gateway.edge.redis_pool import open_redis
from gateway.edge.session_stores import MemorySessions, RedisSessions
from gateway.edge.sessions import Sessions
from gateway.edge.site import build
from gateway.edge.visits import Visits
from gateway.mail.routes import ROUTES as MAIL
from gateway.payments.providers import open_provider
from gateway.payments.routes import ROUTES as PAYMENTS
from gateway.portal.frame import FRAMED, frame
from gateway.portal.routes import ROUTES as PORTAL
from gateway.records.outbox import OutboxCarrier
from gateway.records.seals import Seals, seal_secret
from gateway.records.store import RecordsStore
from gateway.review.routes import ROUTES as REVIEW
from gateway.web.pages import STATIC, error_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from gateway.edge.authz_line import Transport
    from gateway.edge.guard import Route
    from gateway.settings import Settings

BODY_BYTES_MAX = 1024 * 1024
SITE: tuple[Route, ...] = (
    *health.ROUTES,
    *sign_in.ROUTES,
    *getting_in.ROUTES,
    *security.ROUTES,
    *language.ROUTES,
    *MAIL,
    *PAYMENTS,
    *PORTAL,
    *REVIEW,
    *ADMIN,
)


def system_clock() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = system_clock,
    authz_transport: Transport | None = None,
    routes: Sequence[Route] = SITE,
) -> ASGIApp:
    """The gateway as an ASGI application. The records database must be migrated; SiteError for a route out of order."""
    app = Starlette(
        routes=[Mount("/static", _Static(directory=STATIC)), *build(routes)],
        exception_handlers={HTTPException: _turned_away, Exception: _failed},
        lifespan=_lifespan,
        max_body_size=BODY_BYTES_MAX,
    )
    app.router.redirect_slashes = False
    state = app.state
    state.settings, state.clock, state.frame, state.framed = settings, clock, frame, FRAMED
    state.records = RecordsStore(settings.records_database_url)
    state.visits = Visits(state.records, clock)
    state.authz = AuthzClient(settings, clock, authz_transport)
    state.outbox = OutboxCarrier(state.records, state.authz)
    state.payments = open_provider(settings, state.records, clock)
    state.cookies, state.passwords = Cookies(settings), Passwords()
    state.factor_seal = Seal(secret_of(settings))
    state.seals = Seals(seal_secret(settings))
    state.redis = open_redis(settings.redis_url) if settings.redis_url else None
    store = MemorySessions(clock) if state.redis is None else RedisSessions(state.redis, clock)
    state.sessions = Sessions(store, clock)
    state.attempts = Attempts(MemoryCounter(clock) if state.redis is None else RedisCounter(state.redis))
    return Protection(app, settings, lambda status: error_page(None, status))


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    state = app.state
    tasks = [
        asyncio.create_task(state.outbox.run()),
        asyncio.create_task(Background(state).run()),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await state.authz.close()
        if state.payments is not None:
            await state.payments.close()
        if state.redis is not None:
            await state.redis.aclose()
        state.records.close()


async def _turned_away(_request: Request, error: Exception) -> Response:
    return error_page(None, error.status_code if isinstance(error, HTTPException) else 500)


async def _failed(_request: Request, _error: Exception) -> Response:
    return error_page(None, 500)


class _Static(StaticFiles):
    """Files that are the same for everyone; their addresses change with their content."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """A file that browsers may keep for an hour."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response
