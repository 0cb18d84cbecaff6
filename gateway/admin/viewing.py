"""View as: the pages of the family portal as one account sees them, to read only (portals.md e2.2).

Every page is entered in the trail before it is shown, carries a banner, and shows an item only where the account and
the staff member may both see it. `gateway.edge.viewing` is how the questions are asked for both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.admin.people import names_known
from gateway.admin.viewing_html import Links, rewrite
from gateway.edge.authz_client import Question
from gateway.edge.errors import NotFound, Refused
from gateway.edge.guard import Guard, Route, check
from gateway.edge.questions import base_properties
from gateway.edge.reader import Reader
from gateway.edge.viewing import AMR, Viewing, shows, staff_action
from gateway.portal.billing.routes import ROUTES as BILLING
from gateway.portal.dashboard import dashboard
from gateway.portal.intake.routes import ROUTES as INTAKE
from gateway.portal.messages.routes import ROUTES as MESSAGES
from gateway.portal.papers.routes import ROUTES as PAPERS
from gateway.portal.profile import ROUTES as PROFILE
from gateway.portal.schedule.routes import ROUTES as SCHEDULE
from gateway.portal.service_plan import service_plan
from gateway.records.store import properties_of
from gateway.web.pages import page
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_FAMILY = "/c/{client}"
_BASE = "/admin/as/{account}"
# A secret address and the state of a payment are the family's own; a look shows neither.
_NEVER = re.compile(r"/c/\{client\}/(calendar/feed.*|calendar/subscribe.*|invoices/\{id\}/payment/.*|messages/new)")
_GRANT = Guard("view", "grant")


def _is_viewable(route: Route) -> bool:
    inside = route.path == _FAMILY or route.path.startswith(f"{_FAMILY}/")
    return inside and route.methods == ("GET",) and isinstance(route.guard, Guard) and not _NEVER.fullmatch(route.path)


_HOME = (
    Route(_FAMILY, dashboard, guard=Guard("open", "portal")),
    Route(f"{_FAMILY}/plan", service_plan, guard=Guard("view", "service_plan")),
)
_PORTAL = (*_HOME, *BILLING, *SCHEDULE, *PAPERS, *INTAKE, *MESSAGES, *PROFILE)
VIEWABLE = tuple(route for route in _PORTAL if _is_viewable(route))
_OPEN = {route.path for route in VIEWABLE}
_LINKS = Links(_OPEN, {route.path for route in _PORTAL} - _OPEN)


def _viewing(route: Route) -> Callable[[Request], Awaitable[Response]]:
    """The handler that answers a family's route in the eyes of an account of the client's network."""
    guard = route.guard
    if not isinstance(guard, Guard):
        raise TypeError(f"{route.path} has no guard of its own")

    async def look(request: Request) -> Response:
        viewing = await _look_of(request)
        inner = _inner(request, viewing)
        await _record(request, viewing, guard)
        try:
            answer = await _answer(inner, route.handler, guard, viewing)
        except Refused as refused:
            answer = await page(inner, "refused.html", status=403, refusal=refused.refusal, asked=False)
        except NotFound:
            answer = await _closed(inner, missing=True)
        return _inside(answer, viewing)

    return look


async def _look_of(request: Request) -> Viewing:
    """Whose eyes: NotFound unless the account holds (or held) a grant on the client."""
    account_id, client = request.path_params["account"], request.state.client
    held = [one for one in await request.app.state.authz.grants_of_client(client.id) if one["account_id"] == account_id]
    if not held:
        raise NotFound
    grant = min(held, key=lambda one: (one["status"] != "active", one["id"]))
    name = (await names_known(request, [grant]))[grant["id"]]
    at = request.app.state.clock().isoformat()
    return Viewing(request.state.reader, account_id, client.id, name, grant["id"], at)


def _inner(request: Request, viewing: Viewing) -> Request:
    """The request as the family's own page gets it; it shares the state, which now belongs to the account."""
    path = request.url.path.removeprefix(_base_of(viewing))
    params = {name: value for name, value in request.path_params.items() if name not in ("account", "item")}
    if "item" in request.path_params:
        params["id"] = request.path_params["item"]
    state = request.state
    state.viewing = viewing
    state.reader = Reader(SubjectType.ACCOUNT, viewing.account_id, viewing.name, None, None, AMR)
    state.plans, state.ahead = {}, ()
    state.plan = state.item = state.profiles = state.grants = state.answers = None
    scope = {**request.scope, "path": path, "raw_path": path.encode(), "path_params": params}
    return Request(scope, request.receive)


async def _answer(
    inner: Request, handler: Callable[[Request], Awaitable[Response]], guard: Guard, viewing: Viewing
) -> Response:
    await check(inner, guard)
    if not await _staff_may(inner, guard, viewing):
        return await _closed(inner, missing=False)
    return await handler(inner)


async def _staff_may(inner: Request, guard: Guard, viewing: Viewing) -> bool:
    """Whether the staff member may see what the page is about, in their own name."""
    row = inner.state.item
    if not shows(guard.type, row):
        return True
    known = {} if row is None else properties_of(guard.type, row)
    item_id = inner.state.client.id if row is None else row.id
    properties = base_properties(inner) | {"practice_id": str(viewing.staff.practice_id)} | known
    question = Question(staff_action(guard.action), guard.type, item_id, properties)
    allowed, _context = await inner.app.state.authz.evaluate(viewing.asking, question)
    return bool(allowed)


async def _closed(inner: Request, *, missing: bool) -> Response:
    inner.state.item = None
    return await page(inner, "admin/view_as_closed.html", status=404 if missing else 403, missing=missing)


def _inside(answer: Response, viewing: Viewing) -> Response:
    """The answer with its links led back into the look, and without anything that sends."""
    base = _base_of(viewing)
    if location := answer.headers.get("location"):
        answer.headers["location"] = _LINKS.within(location, base) or f"{base}/c/{viewing.client_id}"
        return answer
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return answer
    text = rewrite(bytes(answer.body).decode(), _LINKS, base)
    headers = {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")}
    return HTMLResponse(text, answer.status_code, headers)


def _base_of(viewing: Viewing) -> str:
    return f"/admin/as/{viewing.account_id}"


async def _record(request: Request, viewing: Viewing, guard: Guard) -> None:
    client, item = request.state.client, request.path_params.get("item")
    event: dict[str, Any] = {
        "action": "portal.viewed_as",
        "actor": viewing.staff.actor,
        "account_id": viewing.account_id,
        "client_id": client.id,
        "practice_id": client.practice_id,
        "resource": {"type": guard.type, "id": item or client.id},
    }
    await request.app.state.authz.record(event)


ROUTES = tuple(Route(_BASE + route.path.replace("{id}", "{item}"), _viewing(route), guard=_GRANT) for route in VIEWABLE)
