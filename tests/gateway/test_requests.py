"""Who is refused asks the practice; the practice answers; and nobody learns anything else by asking."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from gateway.background import Background
from models.tables.mail import Notice
from models.tables.requests import AccessRequest
from tests.gateway.portal_stack import Portal, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.gateway.portal_stack import Browser, SeededFiles

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Portal]:
    """A portal that keeps its notices where they are written, so that tests can read them there."""

    async def rest(_background: Background) -> None:
        return

    monkeypatch.setattr(Background, "run", rest)
    async with portal(tmp_path, seeded_files) as running:
        yield running


async def ask(browser: Browser, client: str, kind: str, action: str = "view", note: str = "") -> httpx.Response:
    fields = {"client": client, "type": kind, "action": action, "note": note}
    return await browser.post("/ask", fields, "/account/requests")


def kept(site: Portal) -> list[AccessRequest]:
    with site.state.records.session("northgate") as session:
        return list(session.exec(select(AccessRequest).order_by(AccessRequest.id)))


async def test_a_request_goes_to_the_administrator_who_switches_on_and_the_family_is_told(site: Portal) -> None:
    sam, jo = await site.as_("sam"), await site.as_("jo")
    refused = await sam.get("/c/mia/invoices")
    assert refused.status_code == 403
    assert 'action="/ask"' in refused.text
    assert (await ask(sam, "mia", "invoice", note="My share of the bills")).status_code == 303
    (row,) = kept(site)
    queue = (await jo.get("/admin/requests")).text
    assert "My share of the bills" in queue
    assert "Switch on Invoices for" in queue
    done = await jo.post(f"/admin/requests/{row.id}", {"how": "switch", "reason": "Here you are"}, "/admin/requests")
    assert done.status_code == 303
    listed = await sam.get("/c/mia/invoices")
    assert listed.status_code == 200
    assert "inv_mia_2" in listed.text
    own = (await sam.get("/account/requests")).text
    assert "Opened" in own
    assert "Here you are" in own
    with site.state.records.session("northgate") as session:
        told = [(note.subject_type, note.subject_id, note.path) for note in session.exec(select(Notice)).all()]
    assert ("staff", "jo", "/admin/requests") in told
    assert ("account", "sam", "/account/requests") in told


@pytest.mark.parametrize(
    ("kind", "action", "part", "beside"),
    [("invoice", "pay", "payments", "invoices"), ("appointment", "request", "scheduling", "calendar")],
)
async def test_one_click_switches_on_what_was_asked_for_and_nothing_beside_it(
    site: Portal, kind: str, action: str, part: str, beside: str
) -> None:
    """Who asks to pay or to book is not given the list of invoices or the calendar, which were not asked for."""
    authz = site.state.authz
    grant = await authz.grant("g_dana_mia")
    off = {"toggles": {part: False, beside: False}}
    await authz.update_grant("g_dana_mia", off, etag=grant["etag"], actor="staff/jo")
    dana, jo = await site.as_("dana"), await site.as_("jo")
    assert (await ask(dana, "mia", kind, action)).status_code == 303
    (row,) = kept(site)
    await jo.post(f"/admin/requests/{row.id}", {"how": "switch", "reason": ""}, "/admin/requests")
    toggles = (await authz.grant("g_dana_mia"))["toggles"]
    assert (toggles[part], toggles[beside]) == (True, False)


async def test_a_decline_needs_a_reason_and_reaches_who_asked(site: Portal) -> None:
    sam, jo = await site.as_("sam"), await site.as_("jo")
    await ask(sam, "mia", "thread")
    (row,) = kept(site)
    bare = await jo.post(f"/admin/requests/{row.id}", {"how": "decline", "reason": " "}, "/admin/requests")
    assert bare.status_code == 422
    assert "Say why" in bare.text
    await jo.post(f"/admin/requests/{row.id}", {"how": "decline", "reason": "Please call us"}, "/admin/requests")
    own = (await sam.get("/account/requests")).text
    assert "Declined" in own
    assert "Please call us" in own
    assert (await sam.get("/c/mia/messages")).status_code == 403


async def test_asking_twice_is_asking_once_also_at_the_same_moment(site: Portal) -> None:
    sam = await site.as_("sam")
    token = await sam.token("/account/requests")
    fields = {"client": "mia", "type": "invoice", "action": "view", "note": "", "csrf": token}
    answers = await asyncio.gather(*(sam.http.post("/ask", data=fields) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {303}
    assert len(kept(site)) == 1
    assert "have asked for this already" in (await sam.get("/account/requests")).text


async def test_the_refusal_says_that_the_practice_was_asked_and_asks_no_more(site: Portal) -> None:
    sam = await site.as_("sam")
    await ask(sam, "mia", "invoice")
    refused, other = (await sam.get("/c/mia/invoices")).text, (await sam.get("/c/mia/messages")).text
    assert "You have asked the practice for this." in refused
    assert 'action="/ask"' not in refused
    assert 'action="/ask"' in other
    assert (await sam.get("/c/mia/invoices/inv_mia_2")).text == (await sam.get("/c/mia/invoices/inv_mia_9")).text


async def test_of_two_answers_at_once_one_counts_and_one_notice_goes_out(site: Portal) -> None:
    sam, jo, priya = await site.as_("sam"), await site.as_("jo"), await site.as_("priya")
    await ask(sam, "mia", "thread")
    (row,) = kept(site)
    await asyncio.gather(
        jo.post(f"/admin/requests/{row.id}", {"how": "grant", "reason": "Yes"}, "/admin/requests"),
        priya.post(f"/admin/requests/{row.id}", {"how": "decline", "reason": "No"}, "/admin/requests"),
    )
    (answered,) = kept(site)
    assert (answered.state, answered.answer, answered.answered_by) in {
        ("granted", "Yes", "jo"),
        ("declined", "No", "priya"),
    }
    with site.state.records.session("northgate") as session:
        notices = session.exec(select(Notice).where(Notice.subject_id == "sam")).all()
    assert len(notices) == 1


async def test_a_request_can_be_taken_back_and_made_again(site: Portal) -> None:
    sam, jo = await site.as_("sam"), await site.as_("jo")
    await ask(sam, "mia", "thread")
    (row,) = kept(site)
    await sam.post(f"/account/requests/{row.id}/withdraw", {}, "/account/requests")
    late = await jo.post(f"/admin/requests/{row.id}", {"how": "grant", "reason": ""}, "/admin/requests")
    assert late.status_code == 303
    assert kept(site)[0].state == "withdrawn"
    await ask(sam, "mia", "thread")
    assert [each.state for each in kept(site)] == ["withdrawn", "open"]


@pytest.mark.parametrize(
    ("who", "client", "kind", "action"),
    [
        ("sam", "rosa", "invoice", "view"),  # no access to this client at all
        ("sam", "nobody", "invoice", "view"),
        ("sam", "mia", "document", "view"),  # open already
        ("tom", "rosa", "service_plan", "view"),  # no switch changes what the kind forbids
        ("rosa", "rosa", "clinical_note", "view"),
        ("sam", "mia", "castle", "view"),
        ("sam", "mia", "invoice", "burn"),
        ("jo", "mia", "invoice", "view"),
    ],
)
async def test_what_no_refusal_page_offers_cannot_be_asked_for(
    site: Portal, who: str, client: str, kind: str, action: str
) -> None:
    browser = await site.as_(who)
    token = await browser.token("/account/security")
    fields = {"client": client, "type": kind, "action": action, "note": "", "csrf": token}
    assert (await browser.http.post("/ask", data=fields)).status_code == 404
    assert kept(site) == []


async def test_requests_are_seen_by_who_made_them_and_by_who_can_answer(site: Portal) -> None:
    await ask(await site.as_("sam"), "mia", "invoice", note="My share of the bills")
    (row,) = kept(site)
    assert "Invoices" not in (await (await site.as_("dana")).get("/account/requests")).text
    for name, status in {"priya": 200, "ken": 403, "bea": 403, "rex": 403, "dana": 404}.items():
        assert (await (await site.as_(name)).get("/admin/requests")).status_code == status, name
    hal = await site.as_("hal")
    assert "My share" not in (await hal.get("/admin/requests")).text
    assert (await hal.post(f"/admin/requests/{row.id}", {"how": "grant"}, "/admin/requests")).status_code == 404
    assert kept(site)[0].state == "open"


async def test_a_banner_reaches_those_whom_it_is_for_until_its_last_day(site: Portal) -> None:
    jo, ken, lea = await site.as_("jo"), await site.as_("ken"), await site.as_("lea")
    await jo.post(
        "/admin/banner", {"whose": "practice", "text": "Closed on July 3", "until": "2026-06-15"}, "/admin/banner"
    )
    await ken.post("/admin/banner", {"whose": "own", "text": "Ken is away next week", "until": ""}, "/admin/banner")
    refused = await lea.post("/admin/banner", {"whose": "practice", "text": "Mine", "until": ""}, "/admin/banner")
    assert refused.status_code == 404
    rosa, leo = [await (await site.as_(name)).get(f"/c/{name}") for name in ("rosa", "leo")]
    assert "Closed on July 3" in rosa.text
    assert "Ken is away" in rosa.text
    assert "Closed on July 3" in leo.text
    assert "Ken is away" not in leo.text, "ken is not assigned to leo"
    site.clock.advance(days=1)
    assert "Closed on July 3" not in (await (await site.as_("rosa")).get("/c/rosa")).text
    ken = await site.as_("ken")  # The day ended the sessions of the day before.
    await ken.post("/admin/banner", {"whose": "own", "text": "", "until": ""}, "/admin/banner")
    assert "Ken is away" not in (await (await site.as_("rosa")).get("/c/rosa")).text


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"until": "tomorrow"}, "year-month-day"), ({"text": "x" * 401}, "at most 400")],
)
async def test_a_banner_that_cannot_be_kept_is_given_back_as_typed(
    site: Portal, fields: dict[str, str], words: str
) -> None:
    jo = await site.as_("jo")
    typed = {"whose": "practice", "text": "Closed on July 3", "until": "", **fields}
    answer = await jo.post("/admin/banner", typed, "/admin/banner")
    assert answer.status_code == 422
    assert words in answer.text
    assert typed["text"] in answer.text


async def set_toggle(site: Portal, grant_id: str, feature: str, *, on: bool) -> None:
    grant = await site.state.authz.grant(grant_id)
    changes = {"toggles": {feature: on}}
    await site.state.authz.update_grant(grant_id, changes, etag=grant["etag"], actor="staff/jo")


async def test_what_is_switched_off_on_ones_own_portal_is_said_of_your_portal(site: Portal) -> None:
    """A teen reads of "your portal"; a parent of the child's by name."""
    await set_toggle(site, "g_leo_leo", "messages", on=False)
    own = (await (await site.as_("leo")).get("/c/leo/messages")).text
    assert "Messages are switched off for you on your portal." in own
    assert "Leo&#39;s portal" not in own
    assert "Go to Leo" not in own
    await set_toggle(site, "g_dana_mia", "messages", on=False)
    parents = (await (await site.as_("dana")).get("/c/mia/messages")).text
    assert "switched off for you on Mia&#39;s portal." in parents


async def test_what_was_opened_is_linked_while_it_is_open(site: Portal) -> None:
    sam, jo = await site.as_("sam"), await site.as_("jo")
    await ask(sam, "mia", "invoice")
    link = 'href="/c/mia/invoices"'
    assert link not in (await sam.get("/account/requests")).text
    (row,) = kept(site)
    await jo.post(f"/admin/requests/{row.id}", {"how": "switch", "reason": ""}, "/admin/requests")
    assert link in (await sam.get("/account/requests")).text
    await set_toggle(site, "g_sam_mia", "invoices", on=False)
    assert link not in (await sam.get("/account/requests")).text
