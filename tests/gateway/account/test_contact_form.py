"""What the form for a contact says before anything is typed."""

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


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


async def test_the_form_says_where_an_address_belongs_and_that_a_contact_is_no_client(site: Portal) -> None:
    """No address of a child is asked for (W11), and a parent is not made a client to get a sign-in (W14)."""
    page = (await (await site.as_("jo")).get("/admin/clients/mia/contacts/new")).text
    assert "not into the record of a child or dependent" in page
    assert "A contact is not an active client" in page


async def test_for_a_further_child_the_switches_are_chosen_again(site: Portal) -> None:
    """What Dana has for Mia, messages among it, is not carried over to Noah (W24)."""
    jo = await site.as_("jo")
    page = (await jo.get("/admin/clients/noah/contacts/existing?contact=contact_g_dana_mia")).text
    box = re.search(r'<input type="checkbox" id="on-messages"[^>]*>', page)
    assert box
    assert "checked" not in box[0]
