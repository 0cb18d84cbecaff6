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
    "payment": ("payments", r'id="(pay_[^"]+)"'),
    "form": ("forms", r'href="/c/[^/]+/forms/([^/"?]+)"'),
    "thread": ("messages", r'href="/c/[^/]+/messages/([^/"?]+)"'),
}
DETAILS = {
    "appointments/{}": ("view", "appointment"),
    "appointments/{}/cancel": ("cancel", "appointment"),
    "appointments/{}/move": ("reschedule", "appointment"),
    "invoices/{}": ("view", "invoice"),
    "invoices/{}/print": ("print", "invoice"),
    "invoices/{}/pdf": ("print", "invoice"),
    "payments/{}/receipt": ("view", "payment"),
    "forms/{}": ("view", "form"),
    "forms/{}/steps/1": ("complete", "form"),
    "forms/{}/review": ("complete", "form"),
    "messages/{}": ("view", "thread"),
    "documents/{}": ("view", "document"),
    "documents/{}/download": ("download", "document"),
}
CAST = load_world(ROOT / "policy_tests" / "world" / "northgate.yaml")
ACCOUNTS = [account.id for account in CAST.accounts.values() if account.signs_in]


def question(action: str, resource_type: str, item: str, client: str) -> dict[str, Any]:
    return {
        "action": {"name": action},
        "resource": {"type": resource_type, "id": item, "properties": {"client_id": client}},
    }


def near_to(account: str) -> set[str]:
    """The clients with whom the account has, or had, to do."""
    return {grant.client for grant in CAST.grants.values() if grant.account == account}


@pytest.mark.parametrize("account", ACCOUNTS)
def test_lists_show_what_the_service_allows_and_nothing_else(
    account: str, stack: Stack, visitors: Callable[[str], Visitor], world: World
) -> None:
    """For every client and type: the ids in the list are those for which a single question is allowed."""
    visitor, near = visitors(account), near_to(account)
    known = {item.id for item in world.records.values()}
    for client in world.clients:
        for resource_type, (place, pattern) in LISTS.items():
            items = [item.id for item in world.records.values() if (item.type, item.client) == (resource_type, client)]
            asked = [question("view", resource_type, item, client) for item in items]
            answers = stack.batch(f"account/{account}", asked)
            allowed = {item for item, decision in zip(items, answers, strict=True) if decision}
            if client not in near and not allowed:  # That these lists do not open is shown with the walk.
                continue
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
    visitor, near = visitors(account), near_to(account)
    pages = [
        (place.format(item.id), action, item)
        for place, (action, resource_type) in DETAILS.items()
        for item in world.records.values()
        # Of a client with whom the account has nothing to do, the first page of an item stands for the others.
        if item.type == resource_type and (item.client in near or place.endswith("{}"))
    ]
    asked = [question(action, item.type, item.id, item.client) for _, action, item in pages]
    for (place, _, item), allowed in zip(pages, stack.batch(f"account/{account}", asked), strict=True):
        status = visitor.read(f"/c/{item.client}/{place}").status_code
        assert (status == 200) is allowed, (account, place, item.id, status)
        assert status in {200, 403, 404}
