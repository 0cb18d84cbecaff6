"""One item kept from one person or from everyone who represents the client, by the practice's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
PAPER = "/c/mia/documents/doc_mia_school"
PAGE = "/admin/clients/mia/seen/document/doc_mia_school"
KEEP = f"{PAGE}/keep"


async def status(*browsers: Browser) -> list[int]:
    return [(await browser.get(PAPER)).status_code for browser in browsers]


async def test_a_document_is_kept_from_one_person_and_shown_again(site: Portal) -> None:
    """Sam loses it with the next request and without a trace, Dana keeps it; shown again, it is there again (P11)."""
    dana, sam, jo = await site.as_("dana"), await site.as_("sam"), await site.as_("jo")
    assert await status(dana, sam) == [200, 200]
    assert "Sam Ortega finds no trace of it" in (await jo.get(f"{KEEP}?whom=sam")).text
    fields = {"whom": "sam", "do": "keep", "reason": "custody order of 3 May"}
    answer = await jo.post(KEEP, fields, f"{KEEP}?whom=sam")
    assert answer.headers["location"] == PAGE
    shown = (await jo.get(PAGE)).text
    assert "Now kept from Sam Ortega." in shown
    assert "Kept from Sam Ortega alone." in shown
    assert "By Jo" in shown
    assert "Reason: custody order of 3 May" in shown
    assert await status(dana, sam) == [200, 404]
    assert "What helps Mia at school" not in (await sam.get("/c/mia/documents")).text
    await jo.post(KEEP, {"whom": "sam", "do": "show"}, f"{KEEP}?whom=sam&do=show")
    assert await status(dana, sam) == [200, 200]


async def test_a_document_is_kept_from_all_representatives_at_once(site: Portal) -> None:
    """One click keeps it from everybody but the client (P12); a therapist has no such button and no such form."""
    dana, sam, jo, ken = [await site.as_(name) for name in ("dana", "sam", "jo", "ken")]
    assert "Keep from everyone" not in (await ken.get(PAGE)).text
    assert (await ken.get(f"{KEEP}?whom=all")).status_code == 403
    assert (await ken.post(KEEP, {"whom": "all"}, "/admin/clients/mia/documents")).status_code == 403
    assert await status(dana, sam) == [200, 200]
    assert (await jo.get(f"{KEEP}?whom=nobody-known")).status_code == 404
    asked = (await jo.get(f"{KEEP}?whom=all")).text
    assert "Whoever is given access to Mia later does not get it either." in asked
    await jo.post(KEEP, {"whom": "all", "do": "keep"}, f"{KEEP}?whom=all")
    assert await status(dana, sam) == [404, 404]
    await jo.post(KEEP, {"whom": "all", "do": "show"}, f"{KEEP}?whom=all&do=show")
    assert await status(dana, sam) == [200, 200]


async def test_the_own_copy_of_a_person_goes_with_the_document(site: Portal) -> None:
    """Kept from Sam, the consent form is gone from him with his copy, and Dana has both."""
    dana, sam, jo = [await site.as_(name) for name in ("dana", "sam", "jo")]
    paper = "/admin/clients/mia/seen/document/doc_mia_consent/keep"
    assert (await sam.get("/c/mia/documents/doc_mia_consent_sam")).status_code == 200
    await jo.post(paper, {"whom": "sam", "do": "keep"}, f"{paper}?whom=sam")
    assert (await sam.get("/c/mia/documents/doc_mia_consent_sam")).status_code == 404
    assert (await dana.get("/c/mia/documents/doc_mia_consent_dana")).status_code == 200
