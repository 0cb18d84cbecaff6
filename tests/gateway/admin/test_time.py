"""Time in the console: coming changes, what if, the past, windows, ages and hand-overs, each decided and undone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import icalendar
import pytest

from tests.gateway.portal_stack import Portal, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.gateway.portal_stack import Browser, SeededFiles

pytestmark = pytest.mark.anyio
WINDOW = "/admin/clients/mia/grants/g_sam_mia/window"
HAND_OVER = "/admin/clients/noah/grants/g_cara_noah/hand-over"


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


def hidden(text: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))


async def follow(browser: Browser, form: dict[str, str], page: str, preview: str, action: str) -> str:
    """Preview and save: the sentence on the page that follows."""
    sent = hidden((await browser.get(page)).text) | form
    shown = await browser.http.post(preview, data=sent)
    assert shown.status_code == 200, shown.text
    done = await browser.http.post(action, data=hidden(shown.text))
    assert done.status_code == 303, done.text
    return (await browser.get(done.headers["location"])).text


async def test_the_changes_page_lists_each_day_with_what_it_does(site: Portal) -> None:
    jo = await site.as_("jo")
    listed = (await jo.get("/admin/changes?days=365")).text
    assert "December 31, 2026" in listed or "January 1, 2027" in listed
    assert "Takes access from 1 person." in listed
    (path,) = set(re.findall(r'href="(/admin/changes/2027-01-01|/admin/changes/2026-12-31)"', listed))
    told = (await jo.get(path)).text
    assert "Arlo" in told
    assert "This takes" in told
    assert (await jo.get("/admin/changes?q=nobody+at+all")).text.count("Nothing changes by itself") == 1


@pytest.mark.parametrize("path", ["/admin/changes/2020-01-01", "/admin/changes/tomorrow", "/admin/changes/2099-01-01"])
async def test_a_day_that_is_none_or_lies_too_far_has_no_page(path: str, site: Portal) -> None:
    assert (await (await site.as_("jo")).get(path)).status_code == 404


async def test_the_calendar_file_holds_whole_days(site: Portal) -> None:
    jo = await site.as_("jo")
    await site.state.authz.update_grant(
        "g_sam_mia", {"until": "2026-07-01"}, etag=(await site.state.authz.grant("g_sam_mia"))["etag"], actor="staff/jo"
    )
    answer = await jo.get("/admin/changes.ics")
    (event,) = [
        each for each in icalendar.Calendar.from_ical(answer.content).walk("VEVENT") if "sam" in str(each["uid"])
    ]
    assert event["dtstart"].dt.isoformat() == "2026-07-01"
    assert "Sam" in str(event["summary"])


@pytest.mark.parametrize(
    "path", ["/admin/changes", "/admin/changes.ics", "/admin/changes/what-if", "/admin/changes/past"]
)
@pytest.mark.parametrize("name", ["dana", "rex"])
async def test_families_and_reviewers_see_nothing_of_it(path: str, name: str, site: Portal) -> None:
    assert (await (await site.as_(name)).get(path)).status_code in (403, 404)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/admin/changes/what-if?about=switch&feature=documents&on=off", "This takes Documents from"),
        ("/admin/changes/what-if?about=contacts&yes=no", "This takes"),
        ("/admin/changes/what-if?about=plans&audience=client_and_guardians", "This gives"),
        ("/admin/changes/what-if?about=ages&teen_from=12&adult_from=14", "This takes"),
        ("/admin/changes/what-if?about=day&day=2029-09-30", "This takes"),
        ("/admin/clients/mia/what-if?about=contact&kind=guardian", "The new contact"),
        ("/admin/clients/mia/what-if?about=care&yes=no", "This takes"),
        ("/admin/clients/leo/what-if?about=assent&yes=no", "This takes Documents"),
        ("/admin/clients/mia/what-if?about=born&born=2000-01-01", "This takes"),
        ("/admin/clients/mia/grants/g_sam_mia/what-if?about=toggle&feature=invoices&on=on", "This gives Invoices"),
        ("/admin/clients/mia/grants/g_sam_mia/what-if?about=status&status=ended", "This takes"),
        ("/admin/clients/mia/grants/g_sam_mia/what-if?about=last&last=2026-06-20", "This takes"),
        ("/admin/clients/mia/what-if?about=switch&feature=documents&on=on", "Nobody would gain anything"),
    ],
)
async def test_every_supposition_says_whom_it_would_reach(path: str, told: str, site: Portal) -> None:
    answer = await (await site.as_("jo")).get(path)
    assert answer.status_code == 200
    assert told in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "about=day&day=yesterday",
        "about=day&day=2020-01-01",
        "about=switch&feature=x",
        "about=ages&teen_from=9&adult_from=9",
    ],
)
async def test_what_cannot_be_supposed_is_said_beside_its_field(query: str, site: Portal) -> None:
    answer = await (await site.as_("jo")).get(f"/admin/changes/what-if?{query}")
    assert answer.status_code == 422
    assert re.search(r'<a href="#(day-day|switch-feature|ages-teen_from)"', answer.text)


async def test_a_last_day_counts_whole_and_ends_by_itself(site: Portal) -> None:
    """The window is set with a reason; the next midnight of the practice ends access, and the past keeps both."""
    jo = await site.as_("jo")
    form = {"first": "", "last": "2026-06-15", "reason": "Superior Court, order of June 12"}
    assert "through June 15, 2026" in await follow(jo, form, WINDOW, f"{WINDOW}/preview", WINDOW)
    sam = await site.as_("sam")
    assert (await sam.get("/c/mia/documents")).status_code == 200
    site.clock.advance(hours=12)
    sam = await site.as_("sam")
    assert (await sam.get("/c/mia/documents")).status_code == 403
    jo = await site.as_("jo")
    then = (await jo.get("/admin/clients/mia/past?day=2026-06-15&time=23:00&item=document/doc_mia_school")).text
    assert re.search(r"Sam Ortega.*?Could: see it", then, re.DOTALL)
    assert "Superior Court, order of June 12" in then
    now = (await jo.get("/admin/clients/mia/past?day=2026-06-16&time=00:00&item=document/doc_mia_school")).text
    assert re.search(r"Sam Ortega.{0,200}Could not see it", now, re.DOTALL)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"first": "2026-07-02", "last": "2026-07-01", "reason": "x"}, "last"),
        ({"first": "soon", "last": "", "reason": "x"}, "first"),
        ({"first": "", "last": "2026-07-01", "reason": ""}, "reason"),
        ({"first": "0001-01-01", "last": "", "reason": "x"}, "first"),
    ],
)
async def test_days_that_make_no_sense_are_sent_back_with_everything_typed(
    form: dict[str, str], field: str, site: Portal
) -> None:
    jo = await site.as_("jo")
    sent = hidden((await jo.get(WINDOW)).text) | form
    answer = await jo.http.post(f"{WINDOW}/preview", data=sent)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'name="last" type="date" value="{form["last"]}"' in answer.text


async def test_two_administrators_setting_days_lose_nothing(site: Portal) -> None:
    """The later one is told what the other set, and finds the own days in the form."""
    jo, priya = await site.as_("jo"), await site.as_("priya")
    first = hidden((await jo.get(WINDOW)).text) | {"first": "", "last": "2026-09-01", "reason": "one"}
    await follow(priya, {"first": "", "last": "2026-08-01", "reason": "two"}, WINDOW, f"{WINDOW}/preview", WINDOW)
    answer = await jo.http.post(WINDOW, data=first)
    assert answer.status_code == 409
    assert "through August 1, 2026" in answer.text
    assert 'value="2026-09-01"' in answer.text


async def test_ages_are_previewed_and_saved(site: Portal) -> None:
    jo, page = await site.as_("jo"), "/admin/changes/ages"
    sent = hidden((await jo.get(page)).text) | {"teen_from": "12", "adult_from": "14"}
    assert "Leo" in (await jo.http.post(f"{page}/preview", data=sent)).text
    assert "Saved." in await follow(jo, {"teen_from": "13", "adult_from": "18"}, page, f"{page}/preview", page)
    wrong = await jo.http.post(f"{page}/preview", data=sent | {"adult_from": "12"})
    assert wrong.status_code == 422


async def test_a_hand_over_is_found_previewed_planned_and_taken_back(site: Portal) -> None:
    jo = await site.as_("jo")
    made = {"account_id": "ada", "kind": "guarantor", "status": "active"}
    await site.state.authz.create_grant("noah", made, actor="staff/jo")
    form = {"successor": "ada", "on": "2026-07-01", "reason": "Cara leaves"}
    listed = await follow(jo, form, f"{HAND_OVER}?to=ada", f"{HAND_OVER}/preview", HAND_OVER)
    assert "Planned for July 1, 2026" in listed
    (undo,) = re.findall(r'action="(/admin/changes/hand-overs/[^"]+/undo)"', listed)
    grants = {each["id"]: each for each in await site.state.authz.grants_of_client("noah")}
    assert grants["g_cara_noah"]["until"] == "2026-07-01"
    (new,) = [each for each in grants.values() if each["account_id"] == "ada" and each["kind"] == "caseworker"]
    assert (new["from"], new["status"], new["proof"]) == ("2026-07-01", "active", "none")
    assert new["toggles"] == grants["g_cara_noah"]["toggles"]
    assert "no longer acts for Noah Whitfield: it passes to a successor" in (await jo.get("/admin/changes")).text
    await jo.post(undo, {}, "/admin/changes/hand-overs")
    grants = {each["id"]: each for each in await site.state.authz.grants_of_client("noah")}
    assert grants["g_cara_noah"]["until"] is None
    assert grants[new["id"]]["status"] == "ended"


async def test_a_hand_over_that_changed_meanwhile_is_shown_again_first(site: Portal) -> None:
    jo = await site.as_("jo")
    sent = hidden((await jo.get(f"{HAND_OVER}?to=ada")).text)
    sent |= {"successor": "ada", "on": "2026-07-01", "reason": "x"}
    shown = hidden((await jo.http.post(f"{HAND_OVER}/preview", data=sent)).text)
    grant = await site.state.authz.grant("g_cara_noah")
    await site.state.authz.update_grant(
        "g_cara_noah", {"toggles": {"messages": False}}, etag=grant["etag"], actor="staff/priya"
    )
    answer = await jo.http.post(HAND_OVER, data=shown)
    assert answer.status_code == 409
    assert "nothing was planned yet" in answer.text
    again = await jo.http.post(HAND_OVER, data=hidden(answer.text))
    assert again.status_code == 303


async def test_the_past_asks_for_a_day_that_can_be_read(site: Portal) -> None:
    jo = await site.as_("jo")
    assert (await jo.get("/admin/clients/mia/past?day=someday")).status_code == 422
    assert (await jo.get("/admin/clients/mia/past?day=1999-01-01")).status_code == 422  # Before there was a client.
    assert (await jo.get("/admin/clients/mia/past?day=2026-05-03")).status_code == 200
    assert (await jo.get("/admin/clients/mia/past")).status_code == 200
