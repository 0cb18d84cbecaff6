"""Everyone of the cast walks over every link they find: nothing is refused, and nothing that is allowed is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from gateway.edge.guard import Guard
from models.world import load_world
from tests.pages.stack import ROOT
from tests.pages.walking import Walk, declared, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.world import World
    from tests.pages.stack import Stack, Visitor

CAST = load_world(ROOT / "policy_tests" / "world" / "northgate.yaml")
ACCOUNTS = [account.id for account in CAST.accounts.values() if account.signs_in]
STAFF = list(CAST.staff)
ACTIONS: dict[str, list[str]] = {
    name: resource["actions"]
    for name, resource in yaml.safe_load((ROOT / "policies" / "facts.yaml").read_text())["resources"].items()
}
SECTIONS = ("", "/calendar", "/messages", "/documents", "/forms", "/invoices", "/payments", "/plan", "/email-owner")
# What a family may do -> the pages and forms that each are a way to do it.
WAYS: dict[tuple[str, str], tuple[str, ...]] = {
    ("portal", "open"): ("GET /c/{client}",),
    ("profile", "view"): ("GET /c/{client}/profile",),
    ("profile", "update"): ("POST /c/{client}/profile",),
    ("calendar", "view"): ("GET /c/{client}/calendar",),
    ("calendar", "subscribe"): ("GET /c/{client}/calendar/feed",),
    ("appointment", "view"): ("GET /c/{client}/appointments/{id}",),
    ("appointment", "request"): ("GET /c/{client}/appointments/new",),
    ("appointment", "cancel"): ("GET /c/{client}/appointments/{id}/cancel",),
    ("appointment", "reschedule"): ("GET /c/{client}/appointments/{id}/move",),
    # A reminder comes by mail; what a person can do is choose whether it does.
    ("appointment", "remind"): ("POST /account/notices/{client}",),
    ("invoice", "view"): ("GET /c/{client}/invoices/{id}",),
    ("invoice", "print"): ("GET /c/{client}/invoices/{id}/print",),
    ("invoice", "pay"): ("POST /c/{client}/invoices/{id}/pay",),
    ("payment", "view"): ("GET /c/{client}/payments/{id}/receipt",),
    ("document", "view"): ("GET /c/{client}/documents/{id}",),
    ("document", "download"): ("GET /c/{client}/documents/{id}/download",),
    ("document", "upload"): ("POST /c/{client}/documents",),
    ("document", "sign"): ("POST /c/{client}/documents/{id}/sign", "POST /c/{client}/documents/{id}/copy"),
    ("form", "view"): ("GET /c/{client}/forms/{id}",),
    ("form", "complete"): ("POST /c/{client}/forms/{id}/steps/1",),
    ("form", "sign"): ("POST /c/{client}/forms/{id}/submit",),
    ("thread", "view"): ("GET /c/{client}/messages/{id}",),
    ("thread", "start"): ("POST /c/{client}/messages/new",),
    ("thread", "send"): ("POST /c/{client}/messages/{id}",),
    ("owner_email", "send"): ("POST /c/{client}/email-owner",),
    ("service_plan", "view"): ("GET /c/{client}/plan",),
    ("service_plan", "print"): ("GET /c/{client}/plan",),  # The page has a print style; the browser prints it.
}
# What is allowed and yet not done here, as long as the page of the item says so: the sentence on it.
SAID = {
    # The practice's notice is a rule of booking, not of access.
    ("appointment", "cancel"): "It is too late to move or cancel this here",
    ("appointment", "reschedule"): "It is too late to move or cancel this here",
    # Whoever signed an original signed a copy of their own.
    ("document", "sign"): "Open your copy",
}


@pytest.fixture(scope="module")
def walked(request: pytest.FixtureRequest, visitors: Callable[[str], Visitor]) -> Walk:
    """The walk of one reader; the tests of each reader stand together, so that it is made once."""
    return walk(visitors(request.param), "/admin" if request.param in STAFF else "/")


@pytest.fixture
def reader(request: pytest.FixtureRequest) -> str:
    """Whose walk it is."""
    name: str = request.node.callspec.params["walked"]
    return name


of_everyone = pytest.mark.parametrize("walked", [*ACCOUNTS, *STAFF], indirect=True, scope="module")
of_families = pytest.mark.parametrize("walked", ACCOUNTS, indirect=True, scope="module")


@of_everyone
def test_every_link_leads_somewhere(walked: Walk) -> None:
    """No link of any page leads to a refusal, an error, out of the site, or to a mark that is not there."""
    assert {path: status for path, status in walked.statuses.items() if status != 200} == {}
    assert walked.wrong == []


@of_everyone
def test_every_form_is_sent_to_where_the_reader_may_send_it(walked: Walk, reader: str, stack: Stack) -> None:
    """Each form goes to a page of the site map, and what it would do to an item is allowed to this reader."""
    subject = f"{'staff' if reader in STAFF else 'account'}/{reader}"
    asked: dict[str, dict[str, Any]] = {}
    for form in sorted(walked.forms):
        found = declared(form.method, form.path)
        assert found is not None, form
        route, parts = found
        if isinstance(route.guard, Guard) and "id" in parts:
            asked[f"{form.page} {form.path}"] = question(
                route.guard.action, route.guard.type, parts["id"], parts["client"]
            )
    answers = stack.decisions(subject, list(asked.values()))
    assert [where for where, allowed in zip(asked, answers, strict=True) if not allowed] == []


@of_families
def test_there_is_a_way_to_everything_that_is_allowed(walked: Walk, reader: str, stack: Stack) -> None:
    """What the service allows to an account, on any item and client of the cast, is reached by links alone."""
    things = [(item.type, item.id, item.client) for item in CAST.records.values()]
    things += [
        (kind, client, client) for kind in ACTIONS.keys() - {kind for kind, *_ in things} for client in CAST.clients
    ]
    asked = [(action, *thing) for thing in things for action in ACTIONS[thing[0]]]
    answers = stack.batch(f"account/{reader}", [question(*one) for one in asked])
    ways = walked.ways()
    missing = []
    for (action, type_, item, client), allowed in zip(asked, answers, strict=True):
        known = {way.format(client=client, id=item) for way in WAYS.get((type_, action), ())}
        if allowed and not ways & known and not said(walked, type_, action, client, item):
            missing.append((action, type_, item))
    assert missing == []


@of_everyone
def test_what_no_link_leads_to_is_refused(
    walked: Walk, reader: str, visitors: Callable[[str], Visitor], world: World
) -> None:
    """A section of a client, for staff a client, that nobody leads the reader to does not open either."""
    places = ["/admin/clients/{}"] if reader in STAFF else [f"/c/{{}}{below}" for below in SECTIONS]
    reached = walked.ways()
    for path in (place.format(client) for client in world.clients for place in places):
        if f"GET {path}" not in reached:
            assert visitors(reader).read(path).status_code in {403, 404}, path


def test_the_walk_finds_what_is_wrong(visitors: Callable[[str], Visitor]) -> None:
    """The control: from a refused page on, the refusal is among the statuses."""
    assert 403 in walk(visitors("sam"), "/c/mia/invoices").statuses.values()


def said(walked: Walk, resource_type: str, action: str, client: str, item: str) -> bool:
    """Whether the page of the item says why what is allowed is not done here."""
    sentence = SAID.get((resource_type, action))
    path = f"/c/{client}/{resource_type}s/{item}"
    return sentence is not None and sentence in walked.texts.get(path, "")


def question(action: str, resource_type: str, item: str, client: str) -> dict[str, Any]:
    resource = {"type": resource_type, "id": item, "properties": {"client_id": client}}
    return {"action": {"name": action}, "resource": resource}
