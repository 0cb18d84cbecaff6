"""The trail on the pages: what is filtered is what is shown and taken away, and each record opens its explanation."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest

from gateway.admin import trail
from gateway.admin.trail import csv_line
from tests.gateway.portal_stack import Portal, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.gateway.portal_stack import Browser, SeededFiles

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


async def switch_on(site: Portal, feature: str = "invoices", actor: str = "staff/jo") -> None:
    grant = await site.state.authz.grant("g_sam_mia")
    changes = {"toggles": {feature: not grant["toggles"][feature]}}
    await site.state.authz.update_grant("g_sam_mia", changes, etag=grant["etag"], actor=actor)


def linked(text: str) -> list[str]:
    return re.findall(r'href="(/admin/trail/entries/[^"]+)"', text)


async def rows(browser: Browser, query: str) -> list[dict[str, str]]:
    answer = await browser.get(f"/admin/trail/export?format=csv&{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))


async def test_a_change_is_found_and_shows_before_and_after_with_the_names_of_the_practice(site: Portal) -> None:
    await switch_on(site)
    jo = await site.as_("jo")
    listed = (await jo.get("/admin/trail?person=sam&kind=change")).text
    (path,) = set(linked(listed))
    shown = (await jo.get(path)).text
    assert "toggles.invoices" in shown
    for word in ("off", "on", "Sam", "Mia", "Jo"):
        assert word in shown, word


async def test_a_refusal_opens_its_explanation_with_the_legal_basis(site: Portal) -> None:
    sam, jo = await site.as_("sam"), await site.as_("jo")
    assert (await sam.get("/c/mia/documents/doc_mia_letter")).status_code == 404
    listed = (await jo.get("/admin/trail?client=mia&decision=false&item=doc_mia_letter")).text
    shown = (await jo.get(linked(listed)[0])).text
    assert "Why, as it was then" in shown
    assert "the practice keeps this item from this person" in shown
    assert "45 CFR 164.522(a)" in shown


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("person=nobodyatall", 422, "Nobody is called that"),
        ("client=nobodyatall", 422, "No client is called that"),
        ("from=2026-13-01", 422, "not a day of the calendar"),
        ("from=2026-06-20&until=2026-06-01", 422, "before the first one"),
        ("action=%3Cscript%3E", 422, "Choose one of the actions"),
        ("from=2027-01-01", 200, "Nothing fits"),
    ],
)
async def test_a_filter_that_does_not_fit_says_which_field(site: Portal, query: str, status: int, says: str) -> None:
    answer = await (await site.as_("jo")).get(f"/admin/trail?{query}")
    assert answer.status_code == status
    assert says in answer.text
    assert "<script>" not in answer.text


async def test_days_are_days_of_the_practices_zone_and_the_last_one_is_whole(site: Portal) -> None:
    """The clock stands at noon on June 15 in Los Angeles; twelve hours later it is June 16 there."""
    await switch_on(site)
    jo = await site.as_("jo")
    assert len(await rows(jo, "kind=change&person=sam&from=2026-06-15&until=2026-06-15")) == 1
    assert await rows(jo, "kind=change&person=sam&until=2026-06-14") == []
    site.clock.advance(hours=11, minutes=59)
    await switch_on(site)
    site.clock.advance(minutes=1)
    await switch_on(site)
    site.clock.advance(minutes=1)
    jo = await site.as_("jo")
    assert len(await rows(jo, "kind=change&person=sam&until=2026-06-15")) == 2
    assert len(await rows(jo, "kind=change&person=sam&from=2026-06-16")) == 1


async def test_the_files_hold_exactly_what_the_filter_shows_page_after_page(
    site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "EXPORT_PAGE", 3)
    monkeypatch.setattr(trail, "SIZE", 3)
    for _ in range(7):
        await switch_on(site)
        site.clock.advance(seconds=1)
    jo = await site.as_("jo")
    shown: list[str] = []
    path = "/admin/trail?kind=change&person=sam"
    while path:
        text = (await jo.get(path)).text
        shown += linked(text)
        older = re.search(r'href="([^"]+)" rel="next"', text)
        path = older[1].replace("&amp;", "&") if older else ""
    taken = await rows(jo, "kind=change&person=sam")
    assert len(taken) == 7
    assert [row["record"].replace(":", "%3A") for row in taken] == [path.rpartition("/")[2] for path in shown]
    lines = (await jo.get("/admin/trail/export?format=jsonl&kind=change&person=sam")).text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [row["record"] for row in taken]
    assert {(row["who"], row["person_id"], row["client_id"]) for row in taken} == {(taken[0]["who"], "sam", "mia")}


async def test_a_file_is_bounded_and_says_so(site: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "EXPORT_PAGE", 2)
    monkeypatch.setattr(trail, "EXPORT_MAX", 4)
    for _ in range(6):
        await switch_on(site)
        site.clock.advance(seconds=1)
    jo = await site.as_("jo")
    lines = (await jo.get("/admin/trail/export?format=jsonl&kind=change&person=sam")).text.splitlines()
    assert len(lines) == 5
    assert json.loads(lines[-1]) == {"cut": True, "most": 4}
    assert "Only the newest 4 records" in (await jo.get("/admin/trail/export?format=csv&kind=change&person=sam")).text


async def test_an_export_is_itself_in_the_trail(site: Portal) -> None:
    rex = await site.as_("rex")
    await rows(rex, "kind=all&client=mia")
    assert "Trail exported" in (await rex.get("/admin/trail?kind=event&action=trail.exported")).text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"\r\n'),
        ("+1", "'+1\r\n"),
        ("-1", "'-1\r\n"),
        ("@a", "'@a\r\n"),
        ("\tx", "'\tx\r\n"),
        ("a=b", "a=b\r\n"),
        (None, '""\r\n'),
    ],
)
async def test_no_cell_becomes_a_formula(text: str | None, line: str) -> None:
    assert csv_line([text]) == line


async def test_who_opens_the_trail(site: Portal) -> None:
    for name, expected in {"priya": 200, "jo": 200, "rex": 200, "ken": 403, "sky": 403, "dana": 404}.items():
        browser = await site.as_(name)
        for path in ("/admin/trail", "/admin/trail/export?format=csv", "/admin/clients/mia/disclosures"):
            assert (await browser.get(path)).status_code == expected, (name, path)


async def test_another_practice_sees_none_of_it(site: Portal) -> None:
    await switch_on(site)
    hal, jo = await site.as_("hal"), await site.as_("jo")
    (path, *_more) = linked((await jo.get("/admin/trail?kind=change&person=sam")).text)
    assert (await hal.get(path)).status_code == 404
    assert "mia" not in (await hal.get("/admin/trail?kind=all")).text


async def test_the_reviewer_reads_ids_in_place_of_names(site: Portal) -> None:
    await switch_on(site)
    rex = await site.as_("rex")
    (path, *_more) = linked((await rex.get("/admin/trail?kind=change&person=account/sam")).text)
    shown = (await rex.get(path)).text
    assert "<dd>sam</dd>" in shown
    assert "Sam " not in shown


async def test_disclosures_are_listed_with_why_and_taken_away_as_paper_and_table(site: Portal) -> None:
    sam, jo = await site.as_("sam"), await site.as_("jo")
    assert (await sam.get("/c/mia/documents/doc_mia_school")).status_code == 200
    dana = await site.as_("dana")
    assert (await dana.get("/c/mia/documents/doc_mia_school")).status_code == 200
    place = "/admin/clients/mia/disclosures"
    shown = (await jo.get(place)).text
    assert "Co-parent" in shown
    assert "Opened in the portal" in shown
    assert "Guardian" not in shown
    assert "Guardian" in (await jo.get(f"{place}?everyone=1")).text
    paper = await jo.get(f"{place}/download?format=pdf")
    assert (paper.status_code, paper.content[:5]) == (200, b"%PDF-")
    table = await jo.get(f"{place}/download?format=csv")
    assert "Co-parent" in table.text
    assert (await jo.get(f"{place}?from=2019-01-01")).status_code == 422


async def test_what_staff_try_out_for_a_family_is_no_disclosure(site: Portal) -> None:
    """A request is answered by trying out what would open it; nobody has read anything by that."""
    sam, jo = await site.as_("sam"), await site.as_("jo")
    fields = {"client": "mia", "type": "invoice", "action": "view", "note": ""}
    await sam.post("/ask", fields, "/account/requests")
    await jo.get("/admin/requests")
    assert "There were no disclosures" in (await jo.get("/admin/clients/mia/disclosures")).text


async def test_refusals_are_listed_with_the_law(site: Portal) -> None:
    sam, jo = await site.as_("sam"), await site.as_("jo")
    await sam.get("/c/mia/documents/doc_mia_letter")
    shown = (await jo.get("/admin/clients/mia/refusals")).text
    assert "45 CFR 164.522(a)" in shown
    assert "45 CFR 164.522(a)" in (await jo.get("/admin/clients/mia/refusals/download")).text
