"""Who is refused asks the practice; the practice answers; and nobody learns anything else by asking."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from models.tables.mail import Notice
from models.tables.requests import AccessRequest

if TYPE_CHECKING:
    import httpx

    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio


@pytest.fixture
def site(quiet_site: Portal) -> Portal:
    return quiet_site


async def ask(browser: Browser, client: str, kind: str, action: str = "view", note: str = "") -> httpx.Response:
    fields = {"client": client, "type": kind, "action": action, "note": note}
    return await browser.post("/ask", fields, "/account/requests")


async def open_it(browser: Browser, row: AccessRequest, reason: str = "") -> httpx.Response:
    """What the page names as the smallest change, done with its button."""
    page = (await browser.get("/admin/requests")).text
    form = page.partition(f'action="/admin/requests/{row.id}"')[2].partition("</form>")[0]
    steps = re.search(r'name="steps" value="([^"]*)"', form)
    fields = {"how": "open", "reason": reason, "steps": steps[1] if steps else ""}
    return await browser.post(f"/admin/requests/{row.id}", fields, "/admin/requests")


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
    done = await open_it(jo, row, "Here you are")
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
    assert (await open_it(jo, row)).status_code == 303
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
        open_it(jo, row, "Yes"),
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


@pytest.mark.parametrize(
    ("closed_by", "client", "kind", "says"),
    [
        ("client", "mia", "form", "Switch on Forms for Mia"),
        ("practice", "mia", "form", "Switch on Forms for the practice"),
        ("audience", "mia", "service_plan", "Show service plans to clients and guardians"),
    ],
)
async def test_the_smallest_change_is_named_with_whom_else_it_opens_to_and_opens_it(
    site: Portal, closed_by: str, client: str, kind: str, says: str
) -> None:
    authz = site.state.authz
    if closed_by == "client":
        await authz.set_client_switch("mia", "forms", on=False, actor="staff/jo")
    elif closed_by == "practice":
        await authz.set_practice_switch("northgate", "forms", on=False, actor="staff/jo")
    dana, jo = await site.as_("dana"), await site.as_("jo")
    assert (await ask(dana, client, kind)).status_code == 303
    (row,) = kept(site)
    queue = (await jo.get("/admin/requests")).text
    assert says in queue
    assert "This also opens it for" in queue
    assert (await open_it(jo, row)).status_code == 303
    assert kept(site)[0].state == "granted"
    assert "Opened" in (await dana.get("/account/requests")).text


async def test_nobody_is_told_that_it_is_open_while_it_is_closed(site: Portal) -> None:
    sam, jo = await site.as_("sam"), await site.as_("jo")
    await ask(sam, "mia", "thread")
    (row,) = kept(site)
    fields = {"how": "grant", "reason": "Here you are"}
    early = await jo.post(f"/admin/requests/{row.id}", fields, "/admin/requests")
    assert early.status_code == 409
    assert "still closed" in early.text
    assert "Here you are" in early.text
    await set_toggle(site, "g_sam_mia", "messages", on=True)
    assert "It is open for this person now" in (await jo.get("/admin/requests")).text
    assert (await jo.post(f"/admin/requests/{row.id}", fields, "/admin/requests")).status_code == 303
    assert kept(site)[0].state == "granted"


async def test_what_was_shown_is_what_is_done_or_nothing(site: Portal) -> None:
    """Between the page and the click the practice switched the whole part off: the click does not switch it on."""
    sam, jo = await site.as_("sam"), await site.as_("jo")
    await ask(sam, "mia", "thread")
    (row,) = kept(site)
    await jo.get("/admin/requests")
    await site.state.authz.set_practice_switch("northgate", "messages", on=False, actor="staff/priya")
    fields = {"how": "open", "reason": "", "steps": "subject.toggle.messages=True"}
    late = await jo.post(f"/admin/requests/{row.id}", fields, "/admin/requests")
    assert late.status_code == 409
    assert "has changed in the meantime" in late.text
    assert (await site.state.authz.practice("northgate"))["switches"]["messages"] is False
    assert kept(site)[0].state == "open"


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
    assert (await open_it(jo, row)).status_code == 303
    assert link in (await sam.get("/account/requests")).text
    await set_toggle(site, "g_sam_mia", "invoices", on=False)
    assert link not in (await sam.get("/account/requests")).text
