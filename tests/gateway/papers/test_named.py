"""A document for named people: each has a copy, nobody else finds any (conflict c16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.tables.records import Document
from tests.gateway.papers.test_pages import add, rows

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Portal

pytestmark = pytest.mark.anyio


async def name(site: Portal, document: str, *accounts: str) -> int:
    jo, page = await site.as_("jo"), f"/admin/clients/mia/documents/{document}/named"
    token = await jo.token(page)
    return (await jo.http.post(page, data={"to": list(accounts), "csrf": token})).status_code


async def page_of(site: Portal, document: str) -> int:
    return (await (await site.as_("jo")).get(f"/admin/clients/mia/documents/{document}/named")).status_code


async def titles(site: Portal, who: str) -> str:
    return (await (await site.as_(who)).get("/c/mia/documents")).text


async def test_only_who_is_named_finds_the_document(site: Portal) -> None:
    draft = await add(site, "mia", title="Plan for the summer")
    assert await name(site, draft, "dana") == 303
    assert "Plan for the summer" in await titles(site, "dana")
    assert "Plan for the summer" not in await titles(site, "sam")
    (copy,) = await rows(site, Document, Document.original_id == draft)
    place = f"/c/mia/documents/{copy.id}"
    own = (await (await site.as_("dana")).get(place)).text
    assert "shared this with you by name" in own
    assert "Sam" not in own.partition("<main")[2]
    assert (await (await site.as_("sam")).get(place)).status_code == 404
    assert (await (await site.as_("dana")).get(f"/c/mia/documents/{draft}")).status_code == 404


async def test_who_is_no_longer_named_sees_it_no_more_and_whoever_is_named_again_has_one_copy(site: Portal) -> None:
    draft = await add(site, "mia", title="Plan for the summer")
    await name(site, draft, "dana", "sam")
    await name(site, draft, "sam")
    assert "Plan for the summer" not in await titles(site, "dana")
    await name(site, draft, "dana", "sam")
    assert {row.copy_of for row in await rows(site, Document, Document.original_id == draft)} == {"dana", "sam"}
    assert len(await rows(site, Document, Document.original_id == draft)) == 2


async def test_what_is_released_to_all_is_shown_once(site: Portal) -> None:
    draft = await add(site, "mia", title="Plan for the summer")
    await name(site, draft, "dana")
    jo, place = await site.as_("jo"), f"/admin/clients/mia/documents/{draft}"
    await jo.post(f"{place}/release", {}, place)
    assert (await titles(site, "dana")).count("Plan for the summer") == 1
    assert (await titles(site, "sam")).count("Plan for the summer") == 1
    assert await page_of(site, draft) == 404


@pytest.mark.parametrize("document", ["doc_mia_consent", "doc_mia_consent_sam", "doc_mia_school"])
async def test_what_is_signed_copied_or_released_is_never_shared_by_name(site: Portal, document: str) -> None:
    """Row P8: a signer's own copy stays sealed."""
    assert await page_of(site, document) == 404


async def test_people_of_other_clients_cannot_be_named(site: Portal) -> None:
    draft = await add(site, "mia", title="Plan for the summer")
    await name(site, draft, "rosa", "nobody")
    assert await rows(site, Document, Document.original_id == draft) == []
