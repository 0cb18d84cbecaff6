"""View as: the family portal with one account's eyes, read only, and shown only where the staff member may read too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from gateway.admin.viewing import VIEWABLE
from gateway.edge.authz_client import Asking, Question
from gateway.edge.viewing import AMR
from gateway.records.store import properties_of
from models.tables.records import ITEMS

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Portal

pytestmark = pytest.mark.anyio
FOLDERS = {"invoice": "invoices", "document": "documents", "form": "forms", "thread": "messages"}
PAIRS = (("dana", "mia"), ("sam", "mia"), ("dana", "leo"), ("leo", "leo"), ("tom", "rosa"), ("rosa", "rosa"))


async def items(site: Portal, client_id: str) -> list[tuple[str, Any]]:
    found = []
    for kind, table in ITEMS.items():
        if kind in FOLDERS:
            rows, _total = await site.state.records.rows(table, "northgate", table.client_id == client_id)
            found += [(kind, row) for row in rows]
    return found


@pytest.mark.parametrize("staff", ["jo", "ken"])
async def test_a_look_shows_exactly_the_items_that_account_and_staff_may_both_view(site: Portal, staff: str) -> None:
    """Each item of the client: its page opens if and only if the service allows both to view it."""
    browser, authz = await site.as_(staff), site.state.authz
    seen = {True: 0, False: 0}
    for account, client in PAIRS:
        if staff == "ken" and client == "leo":
            assert (await browser.get(f"/admin/as/{account}/c/{client}")).status_code == 403  # not ken's client
            continue
        lists = {kind: await browser.get(f"/admin/as/{account}/c/{client}/{each}") for kind, each in FOLDERS.items()}
        for kind, row in await items(site, client):
            question = Question("view", kind, row.id, {**properties_of(kind, row), "practice_id": "northgate"})
            both = [
                (await authz.evaluate(Asking({"type": what, "id": who}, amr), question))[0]
                for what, who, amr in (("account", account, AMR), ("staff", staff, ("pwd",)))
            ]
            answer = await browser.get(f"/admin/as/{account}/c/{client}/{FOLDERS[kind]}/{row.id}")
            assert (answer.status_code == 200) is all(both), (account, row.id, both, answer.status_code)
            listed = lists[kind]
            copies = kind == "document" and row.copy_of is not None
            if listed.status_code == 200 and not copies:
                shown = f"/admin/as/{account}/c/{client}/{FOLDERS[kind]}/{row.id}" in listed.text
                assert shown is all(both), (account, row.id, both)
            seen[all(both)] += 1
    assert min(seen.values()) > 10


async def test_every_page_of_a_look_says_so_and_leads_nowhere_else(site: Portal) -> None:
    """Home, calendar, invoices, documents, forms, messages, plan, profile: a banner, links inside, nothing to send."""
    jo, base = await site.as_("jo"), "/admin/as/dana/c/mia"
    pages = ("", "/calendar", "/invoices", "/documents", "/forms", "/messages", "/plan", "/profile", "/payments")
    for place in (*pages, "/invoices/inv_mia_1", "/documents/doc_mia_school", "/email-owner", "/documents/nothing"):
        answer = await jo.get(base + place)
        assert "You see this as Dana" in answer.text, place
        assert "<form" not in answer.text or 'method="post"' not in answer.text, place
        assert 'name="csrf"' not in answer.text or 'name="csrf" value=""' in answer.text, place
        links = re.findall(r'<a [^>]*href="([^"]+)"', answer.text)
        leaving = [link for link in links if not link.startswith((base, "#", "?", "mailto:", "/admin/as/dana/c/"))]
        assert leaving == ["/admin/clients/mia/grants/g_dana_mia"], (place, leaving)
    assert (await jo.post(base + "/profile", {"preferred": "x"}, "/admin/clients/mia")).status_code == 405


async def test_a_look_is_in_the_trail_before_it_is_shown_and_without_a_trail_there_is_no_look(site: Portal) -> None:
    """One event a page, with who looked, as whom and at what; the account's own reading is not counted by it."""
    jo = await site.as_("jo")
    await jo.get("/admin/as/dana/c/mia/documents/doc_mia_school")
    entries = (await site.state.authz.ask("GET", "/v1/trail?client=mia&limit=50"))["entries"]
    (event,) = [entry for entry in entries if entry["action"] == "portal.viewed_as"]
    assert (event["subject"], event["account_id"], event["resource"]["id"]) == ("staff/jo", "dana", "doc_mia_school")
    danas = [entry for entry in entries if entry["subject"] == "account/dana"]
    assert danas
    assert all(entry["what_if"] for entry in danas), "a look is no reading of the account's own"
    site.line.cut = True
    assert (await jo.get("/admin/as/dana/c/mia/documents/doc_mia_school")).status_code == 503


async def test_what_only_the_account_may_read_is_a_closed_row(site: Portal) -> None:
    """Jo takes no part in Dana's conversation: she learns that there is one, and not a word of it."""
    jo, ken = await site.as_("jo"), await site.as_("ken")
    listed = (await jo.get("/admin/as/dana/c/mia/messages")).text
    assert "sees a conversation here that you may not read" in listed
    closed = await jo.get("/admin/as/dana/c/mia/messages/thr_dana_ken")
    assert closed.status_code == 403
    assert "can open this; you may not read it" in closed.text
    opened = await ken.get("/admin/as/dana/c/mia/messages/thr_dana_ken")
    assert opened.status_code == 200
    assert "may not read" not in (await ken.get("/admin/as/dana/c/mia/messages")).text


async def test_a_look_does_not_count_as_the_familys_reading(site: Portal) -> None:
    """What was unread for Dana is unread after Ken looked at her conversation."""
    dana, ken = await site.as_("dana"), await site.as_("ken")
    jo_wrote = "/admin/as/dana/c/mia/messages/thr_dana_ken"
    before = (await dana.get("/c/mia/messages")).text
    await ken.get(jo_wrote)
    assert (await dana.get("/c/mia/messages")).text.count("unread") == before.count("unread")


@pytest.mark.parametrize(
    ("staff", "path"),
    [
        ("jo", "/admin/as/rosa/c/mia"),  # no grant on the client
        ("jo", "/admin/as/nobody/c/mia"),
        ("jo", "/admin/as/dana/c/wren"),  # another practice's client
        ("hal", "/admin/as/dana/c/mia"),
        ("bea", "/admin/as/dana/c/mia"),
        ("sky", "/admin/as/dana/c/mia"),
        ("rex", "/admin/as/dana/c/mia"),
    ],
)
async def test_who_may_not_see_the_grants_of_a_client_has_no_look(site: Portal, staff: str, path: str) -> None:
    """Nor at an account without a grant, nor at another practice's client: refused, and nothing of the portal."""
    answer = await (await site.as_(staff)).get(path)
    assert answer.status_code in (403, 404)
    assert "You see this as" not in answer.text


async def test_a_look_shows_no_client_of_another_practice(site: Portal) -> None:
    """Dana is a guardian at Harborview too; Northgate's staff do not learn it from her profiles."""
    answer = await (await site.as_("jo")).get("/admin/as/dana/c/mia")
    assert "Leo" in answer.text
    assert "Wren" not in answer.text
    assert "Harborview" not in answer.text


async def test_a_page_that_is_refused_to_the_account_is_refused_in_the_look(site: Portal) -> None:
    """With the family's own words, inside the banner."""
    answer = await (await site.as_("jo")).get("/admin/as/sam/c/mia/invoices")
    assert answer.status_code == 403
    assert "You see this as Sam" in answer.text
    assert "This page is not open to you" in answer.text


def test_no_page_of_the_look_takes_anything_or_shows_a_secret() -> None:
    """Only GET pages, and never the secret calendar address or a payment under way."""
    assert all(route.methods == ("GET",) for route in VIEWABLE)
    paths = {route.path for route in VIEWABLE}
    assert not any("feed" in path or "{attempt}" in path for path in paths)
    assert {"/c/{client}", "/c/{client}/calendar", "/c/{client}/profile", "/c/{client}/plan"} <= paths
