"""A page of a family waits for the service twice, and asks nothing twice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.gateway.portal_stack import portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.gateway.portal_stack import Portal, SeededFiles

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path_factory.mktemp("ahead"), seeded_files) as running:
        yield running


async def calls(site: Portal, who: str, path: str, status: int = 200) -> Counter[str]:
    browser = await site.as_(who)
    before = len(site.line.paths)
    assert (await browser.get(path)).status_code == status
    return Counter(path.rpartition("/")[2] for path in site.line.paths[before:] if path != "/v1/resources")


async def test_a_list_is_one_call_for_plans_one_for_grants_and_one_for_the_rest(site: Portal) -> None:
    found = await calls(site, "sam", "/c/mia/documents")
    assert found["grants"] == 1
    assert found["evaluation"] == 0
    assert found["plans"] <= 2, "the page's own question to sign is not the frame's"


async def test_an_item_is_decided_in_the_call_that_the_frame_needs_anyhow(site: Portal) -> None:
    found = await calls(site, "dana", "/c/mia/invoices/inv_mia_1")
    assert (found["plans"], found["grants"], found["evaluation"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("sam", "/c/mia/invoices", 403),
        ("sam", "/c/mia/documents/doc_mia_letter", 404),
        ("dana", "/c/rosa/invoices", 404),
        ("dana", "/c/mia/invoices/inv_mia_2", 404),
    ],
)
async def test_looking_ahead_opens_nothing(site: Portal, who: str, path: str, status: int) -> None:
    await calls(site, who, path, status)


async def test_a_page_that_cannot_look_ahead_shows_nothing(site: Portal) -> None:
    dana = await site.as_("dana")
    site.line.cut = True
    try:
        assert (await dana.get("/c/mia/invoices")).status_code == 503
    finally:
        site.line.cut = False
    assert (await dana.get("/c/mia/invoices")).status_code == 200


async def test_what_is_kept_for_one_request_is_not_used_in_the_next(site: Portal) -> None:
    """A switch that goes off counts from the next page on."""
    sam, authz = await site.as_("sam"), site.state.authz
    assert (await sam.get("/c/mia/documents")).status_code == 200
    for on, status in ((False, 403), (True, 200)):
        grant = await authz.grant("g_sam_mia")
        await authz.update_grant("g_sam_mia", {"toggles": {"documents": on}}, etag=grant["etag"], actor="staff/jo")
        assert (await sam.get("/c/mia/documents")).status_code == status
