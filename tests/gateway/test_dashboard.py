"""The home page of a client and the page of all profiles: what is next and what waits, for each reader their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.gateway.portal_stack import Portal, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.gateway.portal_stack import SeededFiles

pytestmark = pytest.mark.anyio
HEADINGS = ("Next appointments", "Messages", "Service plan", "Forms to complete", "Documents to sign", "Invoices due")


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


def main(page: str) -> str:
    return page.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize(
    ("reader", "client", "headings", "items"),
    [
        (
            "dana",
            "mia",
            ("Next appointments", "Messages", "Forms to complete", "Documents to sign", "Invoices due"),
            {"appt_mia_2", "appt_mia_3", "form_mia_intake", "form_mia_consent", "form_mia_privacy", "inv_mia_1"},
        ),
        ("sam", "mia", ("Next appointments", "Documents to sign"), {"appt_mia_2", "appt_mia_3"}),
        ("gus", "mia", ("Invoices due",), {"inv_mia_3"}),
        ("harbor", "rosa", ("Next appointments", "Invoices due"), {"appt_rosa_3", "appt_rosa_4", "inv_rosa_2"}),
        ("maple", "arlo", ("Next appointments", "Invoices due"), {"appt_arlo_2"}),
        ("rosa", "rosa", HEADINGS, {"appt_rosa_3", "appt_rosa_4", "inv_rosa_1"}),
    ],
)
async def test_the_home_page_holds_what_is_next_and_waits_for_its_reader(
    reader: str, client: str, headings: tuple[str, ...], items: set[str], site: Portal
) -> None:
    """A part stands there when it opens for the reader, and in it only what the reader may see."""
    page = main((await (await site.as_(reader)).get(f"/c/{client}")).text)
    assert tuple(one for one in HEADINGS if f">{one}</h2>" in page) == headings
    found = set(re.findall(r'href="/c/[^/]+/(?:appointments|forms|invoices)/(\w+_\w+)"', page))
    assert found == items


async def test_all_profiles_together_say_what_waits_in_each(site: Portal) -> None:
    """One page of all profiles, two practices among them, with the numbers that the home pages have."""
    page = main((await (await site.as_("dana")).get("/")).text)
    mia = page.partition('href="/c/mia"')[2].partition("</li>")[0]
    for words in ("3 forms", "1 document", "1 invoice", "1 unread message"):
        assert words in mia
    assert 'href="/c/wren"' in page
    assert "Harborview" in page


async def test_a_practice_that_lets_no_contacts_in_leaves_clients_their_own_sign_in(site: Portal) -> None:
    """With the setting off, a representative's page is refused at once and the client's own opens as before (W10)."""
    jo, sam, leo = await site.as_("jo"), await site.as_("sam"), await site.as_("leo")
    form = (
        (await jo.get("/admin/practice")).text.partition('action="/admin/practice/preview"')[2].partition("</form>")[0]
    )
    on = set(re.findall(r'name="(\w+)" value="on" checked', form)) - {"contacts_allowed"}
    fields = {
        "seen": re.findall(r'name="seen" value="([^"]+)"', form),
        **dict(re.findall(r'name="seen" value="(plan_audience|notice_hours)=([^"]+)"', form)),
        **dict.fromkeys(on, "on"),
    }
    assert (await jo.post("/admin/practice/preview", fields, "/admin/practice")).status_code == 200
    assert (await sam.get("/c/leo/calendar")).status_code == 200
    assert (await jo.post("/admin/practice", fields, "/admin/practice")).status_code == 303
    assert (await sam.get("/c/leo/calendar")).status_code == 403
    assert (await leo.get("/c/leo/calendar")).status_code == 200
