"""One document kept from one person or from all, by the practice's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
PAPER = "/c/mia/documents/doc_mia_school"
PAGE = "/admin/clients/mia/documents/doc_mia_school"


async def status(*browsers: Browser) -> list[int]:
    return [(await browser.get(PAPER)).status_code for browser in browsers]


async def test_a_document_is_kept_from_one_person_and_shown_again(site: Portal) -> None:
    """Sam loses it with the next request and without a trace, Dana keeps it; shown again, it is there again (P11)."""
    dana, sam, jo = await site.as_("dana"), await site.as_("sam"), await site.as_("jo")
    assert await status(dana, sam) == [200, 200]
    answer = await jo.post(f"{PAGE}/withheld", {"keep": "sam"}, PAGE)
    assert answer.headers["location"] == PAGE
    assert "Now kept from Sam Ortega." in (await jo.get(PAGE)).text
    assert await status(dana, sam) == [200, 404]
    assert "What helps Mia at school" not in (await sam.get("/c/mia/documents")).text
    await jo.post(f"{PAGE}/withheld", {"show": "sam"}, PAGE)
    assert await status(dana, sam) == [200, 200]


async def test_a_document_is_kept_from_all_representatives_at_once(site: Portal) -> None:
    """One click keeps it from everybody but the client (P12); a therapist has no such button and no such form."""
    dana, sam, jo, ken = [await site.as_(name) for name in ("dana", "sam", "jo", "ken")]
    assert "Keep from all" not in (await ken.get(PAGE)).text
    assert (await ken.post(f"{PAGE}/withheld", {"keep": "all"}, PAGE)).status_code == 404
    assert await status(dana, sam) == [200, 200]
    assert (await jo.post(f"{PAGE}/withheld", {"keep": "nobody-known"}, PAGE)).status_code == 404
    await jo.post(f"{PAGE}/withheld", {"keep": "all"}, PAGE)
    assert await status(dana, sam) == [404, 404]
