"""The trail for reviewers: ids only, each decision with the version that made it, and whether anybody touched it."""

from __future__ import annotations

import asyncio
import fcntl
import os
from typing import TYPE_CHECKING

import orjson
import pytest
from sqlalchemy import create_engine, text

from tests.gateway.admin.test_trail import switch_on
from tests.gateway.portal_stack import Portal, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.gateway.portal_stack import Browser, SeededFiles

pytestmark = pytest.mark.anyio
PAGE = "/review/trail/verification"
EDIT = "UPDATE trail_records SET body = replace(body, 'staff/jo', 'staff/ken') WHERE resource_id = :id"
FIRST = "(SELECT min(number) FROM trail_records WHERE resource_id = :id)"
CUT = [
    f"DELETE FROM trail_groups WHERE chain = 'changes.northgate' AND number = {FIRST}",
    f"DELETE FROM trail_records WHERE chain = 'changes.northgate' AND number = {FIRST}",
]
SWAP = "UPDATE trail_records SET number = {new} WHERE chain = 'changes.northgate' AND number = {old}"
LAST = "(SELECT max(number) FROM trail_records WHERE resource_id = :id)"
REORDER = [
    SWAP.format(new=-1, old=LAST),
    SWAP.format(new=f"{LAST} + 1", old=LAST),
    SWAP.format(new=f"{LAST} - 1", old=-1),
]


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        for _ in range(3):
            await switch_on(running)
        yield running


async def verified(browser: Browser) -> str:
    """The page once the verification is over."""
    answer = await browser.post(PAGE, {}, PAGE)
    assert answer.status_code == 303, answer.text
    for _ in range(600):
        shown = (await browser.get(PAGE)).text
        if "under way" not in shown:
            return shown
        await asyncio.sleep(0.1)
    raise AssertionError("the verification does not end")


def run(folder: Path, statements: list[str]) -> None:
    engine = create_engine(f"sqlite:///{folder / 'access.db'}")
    with engine.begin() as connection:
        for statement in statements:
            assert connection.execute(text(statement), {"id": "g_sam_mia"}).rowcount > 0, statement
    engine.dispose()


async def test_an_untouched_trail_is_said_to_be_so_and_by_whom_that_was_found(site: Portal) -> None:
    rex = await site.as_("rex")
    assert "Not verified yet." in (await rex.get("/review/trail")).text
    shown = await verified(rex)
    for words in ("Nothing was touched.", "Changes of northgate", "Decisions and events since", "Rex", "Whole"):
        assert words in shown, words
    assert "Nothing was touched." in (await rex.get("/review/trail")).text
    assert "Trail verified" in (await rex.get("/review/trail?kind=event")).text


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        ([EDIT], "A record was changed or moved, or follows one that was."),
        (CUT, "Records are missing that were there before."),
        (REORDER, "A record was changed or moved, or follows one that was."),
    ],
    ids=["edited", "cut", "reordered"],
)
async def test_what_was_touched_by_hand_is_on_the_page_with_its_place(
    site: Portal, tmp_path: Path, statements: list[str], says: str
) -> None:
    run(tmp_path, statements)
    rex = await site.as_("rex")
    shown = await verified(rex)
    assert "The trail was touched." in shown
    assert says in shown
    assert "Changes of northgate, group" in shown
    assert "near June 15, 2026" in shown
    assert "Nothing was touched." not in shown
    assert says in (await rex.get("/review/trail")).text


async def test_a_touched_file_is_on_the_page_too(site: Portal, tmp_path: Path) -> None:
    rex = await site.as_("rex")
    await verified(rex)
    path = tmp_path / "trail" / "checkpoints.jsonl"
    path.write_bytes(path.read_bytes()[:-30] + b"\n")
    assert "A signed checkpoint was changed, cut, taken out or moved." in await verified(rex)


async def test_one_that_is_under_way_shows_how_far_it_is(site: Portal, tmp_path: Path) -> None:
    said = {"id": "x", "at": int(site.clock().timestamp() * 1_000_000), "by": "staff/priya"}
    said |= {"practice_id": "northgate", "groups": 30, "of": 1000, "problem": None, "entered": False}
    (tmp_path / "trail" / "verification.json").write_bytes(orjson.dumps(said))
    lock = os.open(tmp_path / "trail" / "verification.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rex = await site.as_("rex")
        shown = (await rex.get(PAGE)).text
        assert "30 of 1,000 groups" in shown
        assert "Priya" in shown
        assert "Verify now" not in shown
    finally:
        os.close(lock)
    assert "broke off before its end" in (await rex.get(PAGE)).text


@pytest.mark.parametrize("name", ["ken", "bea", "sky"])
async def test_who_may_not_read_the_trail_meets_the_usual_refusal(site: Portal, name: str) -> None:
    browser = await site.as_(name)
    for path in ("/review/trail", PAGE):
        answer = await browser.get(path)
        assert answer.status_code == 403
        assert "Your role at the practice does not include this page." in answer.text
    assert (await (await site.as_("dana")).get(PAGE)).status_code == 404


@pytest.mark.parametrize("name", ["rex", "priya"])
async def test_families_and_clients_are_ids_for_everyone_who_reviews(site: Portal, name: str) -> None:
    browser = await site.as_(name)
    shown = (await browser.get("/review/trail?person=sam&kind=change")).text
    assert "sam" in shown
    assert "mia" in shown
    assert "Sam " not in shown
    assert "Mia" not in shown
    entry = shown.split('href="/review/trail/entries/')[1].split('"')[0]
    told = (await browser.get(f"/review/trail/entries/{entry}")).text
    assert "Mia" not in told
    assert 'href="/review/trail"' in told


async def test_a_decision_links_to_the_version_that_made_it_and_is_found_by_its_request(site: Portal) -> None:
    sam, rex = await site.as_("sam"), await site.as_("rex")
    assert (await sam.get("/c/mia/documents/doc_mia_letter")).status_code == 404
    listed = (await rex.get("/review/trail?decision=false&item=doc_mia_letter")).text
    path = "/review/trail/entries/" + listed.split('href="/review/trail/entries/')[1].split('"')[0]
    told = (await rex.get(path)).text
    digest = site.authz.service.bundles.in_service.digest
    assert f'href="/review/versions/{digest}"' in told
    request = told.split(", request ")[1].split("<")[0].strip()
    assert path in (await rex.get(f"/review/trail?request={request}")).text
