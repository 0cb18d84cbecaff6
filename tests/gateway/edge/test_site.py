"""A site map that leaves a page unguarded does not start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.app import SITE
from gateway.edge.guard import Door, Guard, Route, public, signed_in
from gateway.edge.site import SiteError, build

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def handler(_request: Request) -> Response:
    raise NotImplementedError


def test_our_own_site_map_starts() -> None:
    assert len(build(SITE)) == len(SITE)


def test_the_open_doors_are_these_and_no_others() -> None:
    doors = {(*route.methods, route.path): route.guard for route in SITE if isinstance(route.guard, Door)}
    assert doors == {
        ("GET", "/"): signed_in,
        ("GET", "/admin"): signed_in,
        ("GET", "/sign-in"): public,
        ("POST", "/sign-in"): public,
        ("POST", "/sign-out"): signed_in,
        ("GET", "/healthz"): public,
        ("GET", "/readyz"): public,
        ("GET", "/released/{token}"): public,
        ("POST", "/released/{token}"): public,
        ("GET", "/verify/{code}"): public,
        ("GET", "/invoices"): signed_in,
        ("GET", "/demo/checkout/{checkout}"): signed_in,
        ("POST", "/demo/checkout/{checkout}"): signed_in,
        ("POST", "/payments/stripe"): public,
    }


@pytest.mark.parametrize(
    ("route", "fault"),
    [
        (Route("/c/{client}/secrets", handler), "no guard"),
        (Route("/c/{client}/secrets", handler, guard=None), "no guard"),
        (Route("/c/{client}/secrets", handler, guard="public"), "no guard"),  # type: ignore[arg-type]
        (Route("/c/{client}/secrets", handler, guard=public), "client's page"),
        (Route("/c/{client}/secrets", handler, guard=signed_in), "client's page"),
        (Route("/elsewhere", handler, guard=Guard("view", "invoice")), "live under"),
        (Route("/adminx", handler, guard=Guard("view", "client")), "live under"),
        (Route("/c/mia", handler, guard=Guard("open", "portal")), "live under"),
        (Route("/admin/invoices/{id}", handler, guard=Guard("view", "invoice")), "{client}"),
        (Route("/c/{client}/x/{id}", handler, guard=Guard("open", "portal")), "{id}"),
        (Route("/admin/clients/{client}/grants/{grant}", handler, guard=Guard("view", "client")), "{grant}"),
        (Route("/admin", handler, guard=Guard("view", "client"), methods=()), "methods"),
        (Route("/admin", handler, guard=Guard("view", "client"), methods=("DELETE",)), "methods"),
        (Route("/admin", handler, guard=Guard("view", "client"), files=1), "only a POST brings files"),
        (Route("/elsewhere", handler, guard=signed_in, methods=("POST",), signed=True), "a public POST"),
        (Route("/elsewhere", handler, guard=public, signed=True), "a public POST"),
    ],
)
def test_a_route_out_of_order_is_named(route: Route, fault: str) -> None:
    with pytest.raises(SiteError, match=fault) as caught:
        build([*SITE, route])
    assert route.path in str(caught.value)


def test_a_route_is_declared_once() -> None:
    with pytest.raises(SiteError, match="twice"):
        build([*SITE, SITE[0]])


def test_a_fixed_path_comes_before_one_with_parameters() -> None:
    routes = [
        Route("/admin/{client}", handler, guard=Guard("view", "client")),
        Route("/admin/practice", handler, guard=Guard("view", "practice")),
    ]
    assert [route.path for route in build(routes)] == ["/admin/practice", "/admin/{client}"]
