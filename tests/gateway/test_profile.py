"""The profile of a client: whoever may change it does, the others read it, and no one writes over another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlmodel import col, select

from models.tables.mail import Notice
from models.tables.records import Client
from tests.gateway.portal_stack import Portal, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.gateway.portal_stack import SeededFiles

pytestmark = pytest.mark.anyio
PAGE = "/c/mia/profile"
WRITTEN = {"preferred": "Mia", "spoken": "Portuguese, with an interpreter", "needs": "A quiet place to wait"}


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


def kept(site: Portal) -> Client:
    with site.state.records.session("northgate") as session:
        return session.exec(select(Client).where(Client.id == "mia")).one()


def shown(page: str) -> str:
    found = re.search(r'name="shown" value="(\w+)"', page)
    assert found
    return found[1]


async def test_a_guardian_completes_the_profile_and_the_others_and_the_practice_read_it(site: Portal) -> None:
    """The home page says what is missing until it is there; the care team is told, and the trail has it."""
    dana, sam, ken = await site.as_("dana"), await site.as_("sam"), await site.as_("ken")
    assert "Still missing: the language for visits, what helps at visits" in (await dana.get("/c/mia")).text
    mark = shown((await dana.get(PAGE)).text)
    assert (await dana.post(PAGE, {**WRITTEN, "shown": mark}, PAGE)).status_code == 303
    assert "Still missing" not in (await dana.get("/c/mia")).text
    with site.state.records.session("northgate") as session:
        told = session.exec(select(Notice.subject_id).where(col(Notice.event) == "profile")).all()
    assert set(told) == {"jo", "ken"}
    for page in ((await sam.get(PAGE)).text, (await ken.get("/admin/clients/mia")).text):
        assert "Portuguese, with an interpreter" in page
        assert "A quiet place to wait" in page


async def test_a_co_parent_reads_and_does_not_write(site: Portal) -> None:
    """There is no form for whom the policy lets only read, nothing of other people, and sending one is refused."""
    sam = await site.as_("sam")
    page = (await sam.get(PAGE)).text
    assert f'action="{PAGE}"' not in page
    assert "Still missing" not in (await sam.get("/c/mia")).text
    for secret in ("Birch Lane", "0120-102", "dana@mail.example"):
        assert secret not in page
    assert (await sam.post(PAGE, {**WRITTEN, "shown": "x"}, "/account/requests")).status_code == 403
    assert kept(site).spoken == ""


@pytest.mark.parametrize("name", ["gus", "exa"])
async def test_whoever_has_no_profile_to_read_finds_none(name: str, site: Portal) -> None:
    """A guarantor and somebody whose access has ended have no profile of Mia's, nor a link to one."""
    browser = await site.as_(name)
    assert (await browser.get(PAGE)).status_code in {403, 404}
    assert PAGE not in (await browser.get("/c/mia")).text


async def test_a_form_that_was_open_too_long_writes_over_nothing(site: Portal) -> None:
    """The second of two tabs keeps what was typed, shows what the first one saved, and saves when sent again."""
    dana = await site.as_("dana")
    old = shown((await dana.get(PAGE)).text)
    assert (await dana.post(PAGE, {**WRITTEN, "shown": old}, PAGE)).status_code == 303
    late = await dana.post(PAGE, {"preferred": "Mimi", "shown": old}, PAGE)
    assert late.status_code == 422
    assert "Somebody else changed the profile" in late.text
    assert 'value="Mimi"' in late.text
    assert kept(site).preferred == "Mia"
    again = {"preferred": "Mimi", "spoken": "Portuguese", "shown": shown(late.text)}
    assert (await dana.post(PAGE, again, PAGE)).status_code == 303
    assert (kept(site).preferred, kept(site).spoken, kept(site).needs) == ("Mimi", "Portuguese", "")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"preferred": "  "}, "Please write the name used at visits."),
        ({"preferred": "M" * 61}, "Please write at most 60 characters."),
        ({"preferred": "Mia", "needs": "x" * 401}, "Please write at most 400 characters."),
    ],
)
async def test_what_cannot_be_kept_is_said_and_nothing_typed_is_lost(
    fields: dict[str, str], sentence: str, site: Portal
) -> None:
    dana = await site.as_("dana")
    mark = shown((await dana.get(PAGE)).text)
    answer = await dana.post(PAGE, {"spoken": "French", **fields, "shown": mark}, PAGE)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="French"' in answer.text
    assert kept(site).spoken == ""
