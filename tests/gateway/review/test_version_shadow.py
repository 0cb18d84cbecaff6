"""What a version that shadows makes of lists, on its page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.gateway.review.test_versions import PAGE, staged

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Portal

pytestmark = pytest.mark.anyio


async def test_a_list_that_would_show_less_is_counted_and_leads_to_the_trail(site: Portal) -> None:
    rex, sam = await site.as_("rex"), await site.as_("sam")
    digest = await staged(rex)
    path = f"{PAGE}/{digest}"
    assert (await rex.post(f"{path}/shadow", {"on": "true"}, path)).status_code == 303
    assert (await sam.get("/c/mia/documents")).status_code == 200
    shown = (await rex.get(path)).text
    for words in ("Lists that would show less", "Would show less", "Lists, each as a whole", "the list"):
        assert words in shown, words
    assert "Not compared" not in shown
    listed = shown[shown.index("Lists that would show less") :]
    found = re.search(r'href="(/review/trail\?request=[^"]+)"', listed)
    assert found
    assert "document" in (await rex.get(found[1].replace("&amp;", "&"))).text.lower()
    part = (await rex.get(f"{path}/shadow")).text
    assert "Lists that would show less" in part


async def test_the_counts_of_lists_are_told_in_spanish(site: Portal) -> None:
    rex, sam = await site.as_("rex"), await site.as_("sam")
    digest = await staged(rex)
    path = f"{PAGE}/{digest}"
    await rex.post(f"{path}/shadow", {"on": "true"}, path)
    await sam.get("/c/mia/documents")
    shown = (await rex.get(f"{path}/shadow", headers={"Accept-Language": "es"})).text
    assert "Listas que mostrarían menos" in shown
    assert "comparadas" in shown
