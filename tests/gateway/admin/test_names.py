"""Staff read the names that the practice itself has: what a person calls themselves elsewhere is not shown there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from models.tables.getting_in import Contact
from models.tables.identity import Person
from tests.gateway.messages.test_threads import write
from tests.gateway.portal_stack import Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlmodel import Session

pytestmark = pytest.mark.anyio
ELSEWHERE, HERE = "Daniela Somewhere-Else", "Dana of the Office"
PAGES = (
    "/admin/clients/mia/forms",
    "/admin/clients/mia/messages/new",
    "/admin/clients/mia/messages/thr_dana_ken",
    "/admin/messages",
    "/admin/requests",
)


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    """Dana is called one thing by herself, and another by Northgate."""
    async with portal(tmp_path, seeded_files) as running:

        def rename(session: Session) -> None:
            session.get_one(Person, ("account", "dana")).name = ELSEWHERE

        def know(session: Session) -> None:
            for contact in session.exec(select(Contact).where(Contact.account_id == "dana")):
                contact.name = HERE

        await running.state.records.change(None, rename)
        await running.state.records.change("northgate", know)
        yield running


async def test_staff_pages_name_people_as_the_practice_knows_them(site: Portal) -> None:
    dana = await site.as_("dana")
    assert (await write(dana, "/c/mia/messages/thr_dana_ken", "Good morning")).status_code == 303
    fields = {"client": "mia", "type": "service_plan", "action": "view", "note": ""}
    await dana.post("/ask", fields, "/account/requests")
    seen = 0
    for name in ("ken", "jo"):
        staff = await site.as_(name)
        for path in PAGES:
            shown = await staff.get(path)
            if shown.status_code == 200:
                assert ELSEWHERE not in shown.text, (name, path)
                seen += HERE in shown.text
    assert seen >= len(PAGES)


async def test_the_name_of_their_own_is_what_they_read_themselves(site: Portal) -> None:
    """Control: the two names are two."""
    dana = await site.as_("dana")
    assert ELSEWHERE in (await dana.get("/")).text
