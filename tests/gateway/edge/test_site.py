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


# Every page that asks nothing of the policy, and why that is right. Whoever is signed in sees only what is their own
# behind the second half; what a list there holds is asked of the policy row by row.
OPEN_TO_ALL = {
    "GET /healthz": "says that the process lives",
    "GET /readyz": "says that it can serve",
    "GET /sign-in": "how one gets in",
    "POST /sign-in": "counted tries",
    "GET /sign-in/{practice}": "a practice's own door: its name, and no one's",
    "GET /sign-in/second-step": "only after the password",
    "POST /sign-in/second-step": "only after the password, counted tries",
    "POST /sign-in/second-step/passkey": "only after the password",
    "GET /sign-in/set-up": "only after the password",
    "POST /sign-in/set-up": "only after the password",
    "POST /sign-in/set-up/passkey": "only after the password",
    "GET /sign-up/{practice}": "where the practice takes sign-ups; makes no client",
    "POST /sign-up/{practice}": "a request that waits for review",
    "GET /join/{token}": "the mailed invitation is the secret",
    "POST /join/{token}": "the mailed invitation is the secret, used once",
    "GET /join/{token}/decline": "the mailed invitation is the secret; asks first",
    "POST /join/{token}/decline": "the mailed invitation is the secret, used once",
    "GET /address/{token}": "the mailed link is the secret; asks first",
    "POST /address/{token}": "the mailed link is the secret, used once",
    "GET /forgot": "the same answer for any name",
    "POST /forgot": "the same answer for any name",
    "GET /reset/{token}": "the mailed link is the secret",
    "POST /reset/{token}": "the mailed link is the secret, used once",
    "GET /released/{token}": "the mailed link is the secret; shows no document yet",
    "POST /released/{token}": "the mailed link is the secret, and its use is a disclosure",
    "GET /verify/{code}": "for whoever holds the signed paper; shows no more than is on it",
    "GET /calendar/{secret}.ics": "for calendar apps; the address is the secret, and each fetch is decided anew",
    "GET /notices/stop/{token}": "the link in a notice is the secret; asks first",
    "POST /notices/stop/{token}": "RFC 8058: mail programs send it without a form of ours",
    "GET /language/{language}": "a cookie that says nothing about a person",
    "POST /payments/stripe": "signed by Stripe",
    "GET /demo/mailbox": "in the demo profile only",
    "GET /demo/mailbox/{mail}": "in the demo profile only",
}
OPEN_TO_WHOEVER_IS_SIGNED_IN = {
    "GET /": "one's own profiles",
    "GET /admin": "links to what opens",
    "GET /admin/emergency": "shows and finds only what the policy lets the reader start or see; else refused",
    "POST /sign-out": "one's own session",
    "GET /invoices": "the lists of one's own profiles together",
    "GET /calendar": "the calendars of one's own profiles together",
    "GET /calendar/pdf": "the same on paper",
    "POST /ask": "only what a refusal page offered",
    "GET /account/requests": "one's own requests",
    "POST /account/requests/{request}/withdraw": "one's own request",
    "POST /join/{token}/add": "the mailed invitation is the secret",
    "GET /account/password": "one's own password",
    "POST /account/password": "with the current password",
    "GET /account/address": "one's own login address",
    "POST /account/address": "with the current password; nothing changes before the mailed link is used",
    "POST /account/address/keep": "one's own change of address, not made",
    "GET /account/question": "one's own question",
    "POST /account/question": "with the current password",
    "GET /account/security": "one's own factors and sessions",
    "GET /account/security/app": "one's own",
    "POST /account/security/app": "with the current password",
    "GET /account/security/app/remove": "one's own",
    "POST /account/security/app/remove": "with the current password",
    "GET /account/security/passkeys/new": "one's own",
    "POST /account/security/passkeys/new": "with the current password",
    "GET /account/security/passkeys/{passkey}/remove": "one's own",
    "POST /account/security/passkeys/{passkey}/remove": "with the current password",
    "GET /account/security/recovery-codes": "one's own",
    "POST /account/security/recovery-codes": "with the current password",
    "POST /account/security/sign-out": "one's own sessions",
    "GET /account/notices": "one's own choices",
    "POST /account/notices": "one's own choices",
    "GET /account/notices/{client}": "one's own choices about a client among one's profiles",
    "POST /account/notices/{client}": "one's own choices about a client among one's profiles",
    "GET /demo/checkout/{checkout}": "the test provider's page; its name is the secret, as a card service has it",
    "POST /demo/checkout/{checkout}": "the test provider's page",
}


def test_the_open_doors_are_these_and_no_others() -> None:
    """A page that asks nothing of the policy is in one of the two tables, with the reason why it may be open."""
    doors: dict[Door, set[str]] = {public: set(), signed_in: set()}
    for route in SITE:
        if isinstance(route.guard, Door):
            doors[route.guard] |= {f"{method} {route.path}" for method in route.methods}
    assert doors[public] == set(OPEN_TO_ALL)
    assert doors[signed_in] == set(OPEN_TO_WHOEVER_IS_SIGNED_IN)


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
