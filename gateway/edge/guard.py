"""The guard: every page is decided before its handler runs.

For whoever writes a page
-------------------------
Declare it in the `ROUTES` tuple of `gateway/portal/routes.py` or `gateway/admin/routes.py`::

    from gateway.edge.guard import Guard, Route, public, signed_in

    ROUTES = (
        Route("/", picker, guard=signed_in),                                             # whoever is signed in
        Route("/c/{client}", dashboard, guard=Guard("open", "portal")),                  # a client's page
        Route("/c/{client}/invoices", invoices, guard=Guard("view", "invoice")),         # a list
        Route("/c/{client}/invoices/{id}", invoice, guard=Guard("view", "invoice")),     # one item
        Route("/admin/clients", clients, guard=Guard("view", "client")),                 # staff, own practice
        Route("/admin/clients/{client}/grants/{grant}", save, guard=Guard("update", "grant"), methods=("POST",)),
    )

A route without `guard=` does not start. `/c/{client}/...` is asked for an account, `/admin` and `/review` for staff;
a reader of the other sort gets the 404 page. HEAD follows GET; any other method is 405.

A handler is `async def handler(request) -> Response`. When it runs, the reader may do what the route declares, and
`request.state` holds

    reader   `Reader` (type, id, name, zone, practice_id)
    client   `ClientInView` (id, name, preferred, practice_id, practice_name, zone), or None without {client}
    item     for {id}: the row (`models.tables.records`, exists, belongs to the client, decided);
             for {grant}: the grant as the service's JSON object (belongs to the client); else None
    plan     for a list: what the service answered, used by `visible`

It answers with

    return await page(request, "portal/invoices.html", invoices=rows)          # gateway.web.pages; status=200
    return see_other("/c/mia")                                                 # gateway.web.pages, after a POST
    raise NotFound                                                             # gateway.edge.errors

`page` gives the template: `reader`, `client` (either may be None), `csrf` (put it into every form as
`<input type="hidden" name="csrf" value="{{ csrf }}">`), `path`, `said` (see `say`), `static("site.css")`, `profile`
(demo or production), and what `gateway/portal/frame.py: async def frame(request) -> Mapping[str, Any]` returns
(navigation, switcher; not called without a reader nor while the service cannot be reached: `base.html` does without).

Lists and buttons (gateway.edge.questions)

    rows = await listing(request, "invoice", order_by=Invoice.issued.desc(), limit=50)   # Listing(rows, total)
    clause = await visible(request, "invoice")            # SQLAlchemy condition, client included; action="view"
    ok = await may(request, [("pay", "invoice", row), ("open", "portal", {})])              # list[bool]; one call
    ok = await opens(request, [("view", "invoice"), ...]) # list[bool]: would the page (list) open; no row is read
    people = await profiles(request)                      # the portals an account may open: list[Profile]

`may` takes (action, type, row or mapping of properties); the client of the URL is filled in. `visible` of a type the
reader may see nothing of is `false()`. The store is `request.app.state.records` (gateway.records.store), the service
`request.app.state.authz` (gateway.edge.authz_client), the clock `request.app.state.clock` (aware UTC).

Forms: POST is checked for `csrf` and origin before the handler; fields are `await request.form()`. A form that brings a
file needs `Route(..., files=1)`, and is read by `gateway.records.files.uploaded`.
`await say(request, "Saved.")` keeps a sentence for the next page. Changes go through `request.app.state.authz`, with
`actor=request.state.reader.actor`; it raises `Rejected(status, detail, field)` and `Stale`.

Templates the edge renders itself: `account/sign_in.html` (username, problem, next, demo_names), `refused.html`
(refusal: code, sentence, remedy), `error.html` (status, title, sentence; without reader and frame).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.edge.authz_client import Question
from gateway.edge.errors import NotFound, Refused, Rejected
from gateway.edge.own_grants import is_own
from gateway.edge.questions import asking, base_properties, evaluate_first, look_ahead, plan_for
from gateway.edge.reader import client_in_view
from gateway.edge.refusals import refusal_of, staff_refusal
from gateway.records.filter import keeps
from gateway.records.store import properties_of
from models.tables.records import ITEMS
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from gateway.edge.limits import Limit
    from gateway.edge.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Guard:
    """What a route is for, in the policy's words."""

    action: str
    type: str


@dataclass(frozen=True, slots=True)
class Door:
    """A route that asks nothing of the policy: open to all, or to whoever is signed in."""

    signed_in: bool


public = Door(signed_in=False)
signed_in = Door(signed_in=True)


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the site map. A route without a guard does not start.

    `files`: how many files a form may bring; with any, the limit of the body is that of a file.
    `limit`: how often one account may do it.
    `signed`: a POST of another server instead of a form of ours; the handler checks the sender's signature itself.
    """

    path: str
    handler: Callable[[Request], Awaitable[Response]]
    guard: Guard | Door | None = None
    methods: tuple[str, ...] = ("GET",)
    files: int = 0
    signed: bool = False
    limit: Limit | None = None


async def check(request: Request, guard: Guard) -> None:
    """Let the request pass, with `request.state` filled; otherwise Refused, NotFound or CannotDecide."""
    await find_client(request)
    if (
        request.method == "GET"
        and request.state.client is not None
        and request.state.reader.type is SubjectType.ACCOUNT
    ):
        look_ahead(request, (guard.action, guard.type))
    if "id" in request.path_params:
        await _check_item(request, guard)
    elif "grant" in request.path_params:
        await _check_grant(request, guard)
    elif keeps(guard.type) and not (guard.type == "client" and request.state.client is not None):
        await _check_list(request, guard)
    else:
        await _check_one(request, guard)


async def find_client(request: Request) -> None:
    """Put the client of the URL into the request; NotFound for one that is not kept, and for another practice's."""
    client_id = request.path_params.get("client")
    if client_id is None:
        return
    found = await request.app.state.records.client(client_id)
    if found is None:
        raise NotFound
    client, practice = found
    reader = request.state.reader
    if reader.type is SubjectType.STAFF and client.practice_id != reader.practice_id:
        raise NotFound
    request.state.client = client_in_view(client, practice)


async def _check_list(request: Request, guard: Guard) -> None:
    """What the reader may see of the type: nothing at all is a refusal, before any row is read."""
    plan = await plan_for(request, guard.action, guard.type)
    if plan.condition is False:
        raise await _refused(request, guard, plan.refusal)
    request.state.plan = plan


async def _check_item(request: Request, guard: Guard) -> None:
    """First the type, then the row; an item that may not be seen is the same as one that is missing."""
    await _check_list(request, guard)
    client = request.state.client
    row = await request.app.state.records.item(
        ITEMS[guard.type], client.practice_id, client.id, request.path_params["id"]
    )
    if row is None:
        raise NotFound
    if not await evaluate_first(request, Question(guard.action, guard.type, row.id, properties_of(guard.type, row))):
        raise NotFound
    request.state.item = row


async def _check_grant(request: Request, guard: Guard) -> None:
    """First the client's grants, then this one; one that may not be seen is the same as one that is missing."""
    await _check_one(request, guard)
    grant_id, authz = request.path_params["grant"], request.app.state.authz
    try:
        grant = await authz.grant(grant_id)
    except Rejected as error:
        raise NotFound from error
    if grant.get("client_id") != request.state.client.id:
        raise NotFound
    question = Question(guard.action, guard.type, grant_id, base_properties(request))
    allowed, _ = await authz.evaluate(asking(request), question)
    if not allowed:
        raise NotFound
    request.state.item = grant


async def _check_one(request: Request, guard: Guard) -> None:
    """A thing that the records keep no rows of: one question, with the reason when the answer is no."""
    properties = base_properties(request)
    owner = properties.get("client_id") or properties["practice_id"]
    question = Question(guard.action, guard.type, owner, properties)
    authz, who = request.app.state.authz, asking(request)
    if not await evaluate_first(request, question):
        # Saying why costs more than the rest of the page, so it is asked for only when it is needed.
        _, context = await authz.evaluate(who, question, explain=True)
        explanation = context.get("explanation")
        raise await _refused(request, guard, explanation.get("reason_user") if isinstance(explanation, dict) else None)


async def _refused(request: Request, guard: Guard, told: dict[str, Any] | None) -> NotFound | Refused:
    reader, client = request.state.reader, request.state.client
    refusal: Refusal | None
    if reader.type is SubjectType.STAFF:
        refusal = staff_refusal()
    else:
        own = await is_own(request, client.id)
        refusal = refusal_of(told, client, guard.type, guard.action, is_own=own)
    return NotFound() if refusal is None else Refused(refusal)
