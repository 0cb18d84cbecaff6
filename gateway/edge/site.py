"""The site map made to work: every route gets its reader, its form check and its guard, or the site does not start."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route as StarletteRoute
from structlog.contextvars import bind_contextvars

from gateway.edge.authz_line import acting_amr
from gateway.edge.cookies import Left
from gateway.edge.errors import CannotDecide, Forged, NotFound, Outdated, Refused
from gateway.edge.guard import Door, Guard, check, public
from gateway.edge.paths import CHANGE_PASSWORD
from gateway.edge.reader import Reader
from gateway.records.asking import has_asked
from gateway.web.language import _, preferred, speak
from gateway.web.pages import error_page, page, see_other, too_often_page
from models.tables.records import ITEMS
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.edge.guard import Route
    from gateway.edge.refusals import Refusal

FORM_FIELDS_MAX = 200
FILE_BODY_BYTES_MAX = 12 * 1024 * 1024  # of a form that may bring a file
_METHODS = ({"GET"}, {"POST"})
_FAMILY = re.compile(r"/c/\{client\}(/.*)?")
_STAFF = re.compile(r"/(admin|review)(/.*)?")
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
log: Any = structlog.get_logger()


class SiteError(Exception):
    """The site map cannot be used; the message names the route and what it lacks."""


def build(routes: Iterable[Route]) -> list[StarletteRoute]:
    """The routes as Starlette serves them; SiteError names the first that is not in order."""
    built: list[StarletteRoute] = []
    seen: set[tuple[str, str]] = set()
    for route in routes:
        if fault := _fault(route):
            raise SiteError(f"{'/'.join(route.methods)} {route.path}: {fault}")
        for method in route.methods:
            if (method, route.path) in seen:
                raise SiteError(f"{method} {route.path}: is declared twice")
            seen.add((method, route.path))
        limit = FILE_BODY_BYTES_MAX if route.files else None  # None: that of the whole site
        built.append(StarletteRoute(route.path, _serving(route), methods=list(route.methods), max_body_size=limit))
    return _by_path(built)


def _fault(route: Route) -> str | None:
    guard = route.guard
    if not isinstance(guard, Guard | Door):
        return "has no guard; give it Guard(action, type), signed_in, or public"
    if not route.methods or any({method} not in _METHODS for method in route.methods):
        return "methods are GET and POST"
    if route.files and route.methods != ("POST",):
        return "only a POST brings files"
    if route.limit and (route.methods != ("POST",) or guard == public):
        return "only what somebody signed in sends has a limit"
    if route.signed and (route.methods != ("POST",) or guard != public):
        return "what another server signs is a public POST"
    if isinstance(guard, Door):
        within = _FAMILY.fullmatch(route.path) or _STAFF.fullmatch(route.path)
        return "a client's page needs Guard(action, type)" if within and "{" in route.path else None
    if not _FAMILY.fullmatch(route.path) and not _STAFF.fullmatch(route.path):
        return "guarded pages live under /c/{client}, /admin or /review"
    if "{id}" in route.path and (guard.type not in ITEMS or "{client}" not in route.path):
        return "{id} needs a {client} and a type that the records keep"
    if "{grant}" in route.path and (guard.type != "grant" or "{client}" not in route.path):
        return "{grant} needs a {client} and the type grant"
    return None


def _by_path(built: list[StarletteRoute]) -> list[StarletteRoute]:
    """Fixed paths before those with parameters, so that no parameter can shadow them."""
    return sorted(built, key=lambda route: route.path.count("{"))


def _serving(route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        state = request.state
        state.reader = state.session = state.client = state.item = state.plan = state.profiles = None
        state.grants = state.answers = None
        state.ahead = ()
        state.plans = {}
        speak(preferred(request))
        try:
            return await _answer(request, route)
        except NotFound:
            return error_page(request, 404)
        except Forged:
            return error_page(request, 403)
        except ClientDisconnect:
            return error_page(request, 400)  # Nobody reads it; the log line says that the request was cut off.
        except CannotDecide as error:
            log.warning("cannot_decide", reason=str(error))
            return error_page(request, 503)
        finally:
            await request.close()  # The files of a form go with it.

    return serve


async def _answer(request: Request, route: Route) -> Response:
    guard, handler = route.guard, route.handler
    request.state.cookie = request.app.state.cookies.read(request)
    request.state.reader = await _reader(request)
    is_public = isinstance(guard, Door) and not guard.signed_in
    if request.method == "POST" and not route.signed:
        try:
            await _check_form(request, files_max=route.files)
        except Outdated:
            return await _outdated(request, is_public=is_public)
    if is_public:
        return await handler(request)
    if request.state.reader is None:
        return _to_sign_in(request)
    if request.state.reader.password_change_due and request.url.path not in (CHANGE_PASSWORD, "/sign-out"):
        return see_other(CHANGE_PASSWORD)
    if not _is_for(request.url.path, request.state.reader) or guard is None:
        raise NotFound
    if isinstance(guard, Guard):
        try:
            await check(request, guard)
        except Refused as error:
            return await _refuse(request, error.refusal)
        await request.app.state.visits.note(request)
    try:
        return await _within(request, route)
    except Refused as error:  # Found out by the handler: a page for two roles, or a change that the service refused.
        return await _refuse(request, error.refusal)


async def _within(request: Request, route: Route) -> Response:
    """The handler's answer, unless this reader sends such a thing too often."""
    if route.limit is not None:
        actor, attempts = request.state.reader.actor, request.app.state.attempts
        if seconds := await attempts.too_often(route.limit, actor):
            return too_often_page(request, _(route.limit.says), seconds)
    return await route.handler(request)


async def _refuse(request: Request, refusal: Refusal) -> Response:
    client, reader = request.state.client, request.state.reader
    asked = False
    if refusal.askable and client is not None:
        asked = await request.app.state.records.read(
            client.practice_id, lambda s: has_asked(s, client.id, reader.id, refusal.action, refusal.type)
        )
    return await page(request, "refused.html", status=403, refusal=refusal, asked=asked)


def _is_for(path: str, reader: Reader) -> bool:
    """Families have no pages of the practice, and staff none of the families'."""
    if _STAFF.fullmatch(path):
        return reader.type is SubjectType.STAFF
    return not path.startswith("/c/") or reader.type is SubjectType.ACCOUNT


async def _reader(request: Request) -> Reader | None:
    app, cookie = request.app.state, request.state.cookie
    session = await app.sessions.find(cookie) if cookie else None
    acting_amr.set(() if session is None else session.amr)
    request.state.session = session
    if session is None or session.sign_in.waiting is not None:
        return None
    people = await app.records.people(session.subject_type, [session.subject_id])
    person = people.get(session.subject_id)
    if person is None or person.practice_id != session.practice_id:
        return None
    bind_contextvars(subject=f"{session.subject_type.value}/{session.subject_id}")
    practice = None if person.practice_id is None else await app.records.practice(person.practice_id)
    zone = None if practice is None else practice.zone
    return Reader(
        session.subject_type,
        session.subject_id,
        person.name,
        person.practice_id,
        zone,
        session.amr,
        session.sign_in.password_change_due,
    )


async def _check_form(request: Request, *, files_max: int) -> None:
    """A POST counts only with the token of this session, and not when the browser says it comes from elsewhere."""
    headers, app = request.headers, request.app.state
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FORM_TYPES:
        raise HTTPException(415)
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Forged
    origin = headers.get("origin")
    if origin is not None and not _same_origin(origin, request):
        raise Forged
    cookie = request.state.cookie
    if not cookie or (files_max and request.state.reader is None):
        raise Outdated  # Before anything large is read.
    form = await request.form(max_files=files_max, max_fields=FORM_FIELDS_MAX)
    if any("\0" in value for _name, value in form.multi_items() if isinstance(value, str)):
        raise HTTPException(400)  # Nobody types it, and PostgreSQL keeps no text that has it.
    token = form.get("csrf")
    if not isinstance(token, str) or not app.cookies.fits(cookie, token):
        raise Outdated


def _same_origin(origin: str, request: Request) -> bool:
    settings = request.app.state.settings
    if settings.profile == "production":
        return origin == f"https://{urlsplit(settings.public_url).netloc}"
    return origin in {f"{scheme}://{request.headers['host']}" for scheme in ("http", "https")}


def _to_sign_in(request: Request) -> Response:
    if request.method == "POST" or request.url.path == "/":
        response = see_other("/sign-in")
    else:
        response = see_other(f"/sign-in?next={quote(request.url.path, safe='/')}")
    if request.state.cookie:
        request.app.state.cookies.leave(response, Left.UNSENT if request.method == "POST" else Left.ENDED)
    return response


async def _outdated(request: Request, *, is_public: bool) -> Response:
    """A form of another session changes nothing; the answer says who is signed in now, or that nobody is."""
    if request.state.reader is not None:
        return await page(request, "account/outdated_form.html", status=403)
    if is_public:
        raise Forged
    response = see_other("/sign-in")
    request.app.state.cookies.leave(response, Left.UNSENT)
    return response
