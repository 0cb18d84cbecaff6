'''The guard: every page is decided before its handler runs.

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
(demo or production), and what `gateway/portal/frame.py: async def frame(request) -> Mapping[str, Any]` returns (navigation, switcher;
not called for pages without a reader nor while the service cannot be reached, so `base.html` must do without it).

Lists and buttons (gateway.edge.questions)

    rows = await listing(request, "invoice", order_by=Invoice.issued.desc(), limit=50)   # Listing(rows, total)
    clause = await visible(request, "invoice")            # SQLAlchemy condition, client included; action="view"
    ok = await may(request, [("pay", "invoice", row), ("open", "portal", {})])              # list[bool]; one call
    people = await profiles(request)                      # the portals an account may open: list[Profile]

`may` takes (action, type, row or mapping of properties); the client of the URL is filled in. `visible` of a type the
reader may see nothing of is `false()`. The store is `request.app.state.records` (gateway.records.store), the service
`request.app.state.authz` (gateway.edge.authz_client), the clock `request.app.state.clock` (aware UTC).

Forms: POST is checked for `csrf` and origin before the handler; fields are `await request.form()`. `await say(request, "Saved.")`
keeps a sentence for the next page. Changes go through `request.app.state.authz`, with `actor=request.state.reader.actor`; it raises `Rejected(status, detail, field)`
and `Stale`.

Templates the edge renders itself: `account/sign_in.html` (username, problem, next, demo_names), `refused.html` (refusal:
code, sentence, remedy), `error.html` (status, title, sentence; 400, 403, 404, 405, 413, 429, 500, 503).
'''

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response


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
    """One line of the site map."""

    path: str
    handler: Callable[[Request], Awaitable[Response]]
    guard: Guard | Door
    methods: tuple[str, ...] = ("GET",)
