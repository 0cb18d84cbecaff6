"""What the pages show is what the service answers, for every account of the cast and every item."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from models.world import load_world
from tests.pages.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.world import World
    from tests.pages.stack import Stack, Visitor

# Type -> the list page below /c/{client}, and what an item looks like there.
LISTS = {
    "invoice": ("invoices", r'href="/c/[^/]+/invoices/([^/"?]+)"'),
    "document": ("documents", r'href="/c/[^/]+/documents/([^/"?]+)"'),
    "appointment": ("calendar", r'id="(appt_[^"]+)"'),
    "service_plan": ("plan", r'<article[^>]* id="([^"]+)"'),
}
DETAILS = {
    "appointments/{}": ("view", "appointment"),
    "appointments/{}/cancel": ("cancel", "appointment"),
    "appointments/{}/move": ("reschedule", "appointment"),
    "invoices/{}": ("view", "invoice"),
    "invoices/{}/print": ("print", "invoice"),
    "documents/{}": ("view", "document"),
    "documents/{}/download": ("download", "document"),
}
CAST = load_world(ROOT / "policy_tests" / "world" / "northgate.yaml")
ACCOUNTS = [account.id for account in CAST.accounts.values() if account.signs_in]
STAFF = list(CAST.staff)


def question(action: str, resource_type: str, item: str, client: str) -> dict[str, Any]:
    return {
        "action": {"name": action},
        "resource": {"type": resource_type, "id": item, "properties": {"client_id": client}},
    }


@pytest.mark.parametrize("account", ACCOUNTS)
def test_lists_show_what_the_service_allows_and_nothing_else(
    account: str, stack: Stack, visitors: Callable[[str], Visitor], world: World
) -> None:
    """For every client and type: the ids in the list are those for which a single question is allowed."""
    visitor = visitors(account)
    known = {item.id for item in world.records.values()}
    for client in world.clients:
        for resource_type, (place, pattern) in LISTS.items():
            items = [item.id for item in world.records.values() if (item.type, item.client) == (resource_type, client)]
            answers = stack.decisions(
                f"account/{account}", [question("view", resource_type, item, client) for item in items]
            )
            allowed = {item for item, decision in zip(items, answers, strict=True) if decision}
            answer = visitor.read(f"/c/{client}/{place}")
            assert answer.status_code in {200, 403, 404}
            main = answer.text.partition("<main")[2] if answer.status_code == 200 else ""
            listed = set(re.findall(pattern, main)) & known  # Other tests of this stack add items of their own.
            assert listed == allowed, (account, client, resource_type)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_item_opens_exactly_when_the_service_allows_it(
    account: str, stack: Stack, visitors: Callable[[str], Visitor], world: World
) -> None:
    """Each page of a single item, its print version and its file follow the one question they are for."""
    visitor = visitors(account)
    for place, (action, resource_type) in DETAILS.items():
        for item in (item for item in world.records.values() if item.type == resource_type):
            (allowed,) = stack.decisions(f"account/{account}", [question(action, resource_type, item.id, item.client)])
            status = visitor.read(f"/c/{item.client}/{place.format(item.id)}").status_code
            assert (status == 200) is allowed, (account, place, item.id, status)
            assert status in {200, 403, 404}


@pytest.mark.parametrize("account", ACCOUNTS)
def test_every_link_leads_somewhere_and_every_missing_section_is_refused(
    account: str, visitors: Callable[[str], Visitor], world: World
) -> None:
    """Navigation shows all that opens and only that; no link of any page leads to a refusal."""
    visitor = visitors(account)
    seen = followed(visitor, "/")
    assert set(seen.values()) == {200}, {path: status for path, status in seen.items() if status != 200}
    for client in world.clients:
        for place in ("", "/calendar", "/invoices", "/documents", "/plan"):
            path = f"/c/{client}{place}"
            if path not in seen:
                assert visitor.read(path).status_code in {403, 404}, path


@pytest.mark.parametrize("member", STAFF)
def test_every_link_of_the_practices_pages_leads_somewhere(
    member: str, visitors: Callable[[str], Visitor], world: World
) -> None:
    """No link that a staff member finds leads to a refusal, and whom they do not find they may not open."""
    seen = followed(visitors(member), "/admin")
    assert set(seen.values()) == {200}, {path: status for path, status in seen.items() if status != 200}
    for client in world.clients:
        path = f"/admin/clients/{client}"
        if path not in seen:
            assert visitors(member).read(path).status_code in {403, 404}, path


def followed(visitor: Visitor, first: str) -> dict[str, int]:
    """Every page that links lead to from the first one on, with its status."""
    seen: dict[str, int] = {}
    todo = [first]
    while todo:
        path = todo.pop()
        answer = visitor.read(path)
        seen[path] = answer.status_code
        found = set(re.findall(r'href="(/[^"#]*)"', answer.text)) if "html" in answer.headers["content-type"] else set()
        todo += sorted(link for link in found if link not in seen and link not in todo and not _turned(link))
    return seen


def _turned(link: str) -> bool:
    """Another month, or another time to book, than those first shown; there is no end to them."""
    return "?view=" in link or "?with=" in link or link.startswith(("/static/", "/language/"))
