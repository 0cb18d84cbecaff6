"""Emergency access on the pages: what it opens, how loud it is, who hears of it, and how it is reviewed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select

from gateway.admin.emergency_notices import tell_of_emergencies
from models.tables.mail import Mail

if TYPE_CHECKING:
    import httpx

    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
NOAH = "/admin/clients/noah"
REASON = "A crisis call came in, and Lea cannot be reached."


@pytest.fixture
def site(quiet_site: Portal) -> Portal:
    return quiet_site


async def start(browser: Browser, client: str = "noah", minutes: str = "30", reason: str = REASON) -> httpx.Response:
    place = f"/admin/clients/{client}/emergency"
    return await browser.post(place, {"reason": reason, "minutes": minutes}, place)


async def accesses(site: Portal) -> list[dict[str, Any]]:
    found, _next = await site.state.authz.emergencies("northgate", {})
    return list(found)


async def mails(site: Portal) -> list[tuple[str, str]]:
    """Recipient and text of every mail about emergency access."""

    def read(session: Any) -> list[tuple[str, str]]:
        rows = session.exec(select(Mail).order_by(Mail.id))
        return [(row.recipient, row.content["text"]) for row in rows if "Emergency" in row.content["subject"]]

    return await site.state.records.read("northgate", read)  # type: ignore[no-any-return]


async def test_a_therapist_reaches_a_client_of_somebody_else_while_it_is_open_and_not_before_or_after(
    site: Portal,
) -> None:
    ken = await site.as_("ken")
    pages = [f"{NOAH}/{last}" for last in ("documents", "forms", "plan", "calendar", "notes", "treatment-plans")]
    for path in pages:
        assert (await ken.get(path)).status_code == 403, path
    assert (await start(ken)).status_code == 303
    hub = (await ken.get(f"{NOAH}/emergency")).text
    for path in pages:
        assert f'href="{path}"' in hub
        answer = await ken.get(path)
        assert answer.status_code == 200, path
        assert f'href="{NOAH}/emergency"' in answer.text  # The way back is one that opens.
    assert (await ken.get(NOAH)).status_code == 403
    site.clock.advance(minutes=30)
    ken = await site.as_("ken")  # The session has ended meanwhile, too.
    for path in pages:
        assert (await ken.get(path)).status_code == 403, path
    assert "Open emergency access" in (await ken.get(f"{NOAH}/emergency")).text


async def test_every_page_of_its_holder_says_so_until_it_is_ended_by_hand(site: Portal) -> None:
    ken = await site.as_("ken")
    await start(ken)
    for path in ("/admin", "/admin/clients", "/admin/emergency", "/account/security"):
        assert "emergency-banner" in (await ken.get(path)).text, path
    assert "emergency-banner" not in (await (await site.as_("jo")).get("/admin")).text
    (access,) = await accesses(site)
    assert (await ken.post(f"/admin/emergency/{access['id']}/end", {}, "/admin")).status_code == 303
    assert "emergency-banner" not in (await ken.get("/admin")).text
    assert (await ken.get(f"{NOAH}/documents")).status_code == 403


@pytest.mark.parametrize(("reason", "minutes"), [("", "15"), ("x" * 501, "15"), (REASON, "61"), (REASON, "")])
async def test_without_a_reason_or_for_longer_it_is_not_opened_and_what_was_typed_stays(
    site: Portal, reason: str, minutes: str
) -> None:
    ken = await site.as_("ken")
    answer = await start(ken, reason=reason, minutes=minutes)
    assert answer.status_code == 422
    assert reason in answer.text
    assert await accesses(site) == []


async def test_the_owner_and_the_privacy_contact_are_told_once_without_the_clients_name(site: Portal) -> None:
    priya, ken = await site.as_("priya"), await site.as_("ken")
    chosen = await priya.post("/admin/emergency/privacy-contact", {"staff": "jo"}, "/admin/emergency")
    assert chosen.status_code == 303
    await start(ken)
    await start(ken)  # The same form, sent twice.
    await tell_of_emergencies(site.state)
    told = await mails(site)
    assert len(told) == 2
    assert "priya" in told[0][0]
    assert "jo" in told[1][0]
    for _to, text in told:
        assert "Noah" not in text
        assert REASON not in text  # Staff write there what a mail must not say.


async def test_one_that_was_opened_over_the_api_is_told_of_too(site: Portal) -> None:
    await site.state.authz.start_emergency("noah", REASON, 15, actor="staff/ken")
    assert await mails(site) == []
    await tell_of_emergencies(site.state)
    assert len(await mails(site)) == 1


async def test_the_review_lists_what_was_read_and_is_signed_off_once(site: Portal) -> None:
    ken = await site.as_("ken")
    await start(ken)
    await ken.get(f"{NOAH}/documents")
    await ken.get(f"{NOAH}/treatment-plans")
    (access,) = await accesses(site)
    place = f"/admin/emergency/{access['id']}"
    site.clock.advance(minutes=31)
    priya, jo = await site.as_("priya"), await site.as_("jo")
    shown = (await priya.get(place)).text
    opened = shown.partition("Also asked while")[0]
    for what in ("View · Document", "View · Treatment plan", REASON):
        assert what in opened, what
    assert "View · Clinical note" not in opened  # The page of the notes was not opened.
    assert (await priya.post(f"{place}/review", {"note": ""}, place)).status_code == 422
    assert (await priya.post(f"{place}/review", {"note": "Justified"}, place)).status_code == 303
    late = await jo.post(f"{place}/review", {"note": "Mine"}, "/admin/emergency")
    assert late.status_code == 409
    assert "Justified" in late.text
    assert "Mine" not in re.sub(r"<textarea.*?</textarea>", "", late.text, flags=re.DOTALL)


async def test_who_may_do_what_with_it(site: Portal) -> None:
    await start(await site.as_("ken"))
    (access,) = await accesses(site)
    table = {  # the list, one of them, the form to open one
        "priya": (200, 200, 200),
        "jo": (200, 200, 200),
        "ken": (200, 403, 200),
        "rex": (200, 200, 403),
        "sky": (403, 403, 403),
        "dana": (404, 404, 404),
    }
    for name, expected in table.items():
        browser = await site.as_(name)
        paths = ("/admin/emergency", f"/admin/emergency/{access['id']}", f"{NOAH}/emergency")
        assert tuple([(await browser.get(path)).status_code for path in paths]) == expected, name
    hal = await site.as_("hal")
    assert (await hal.get(f"/admin/emergency/{access['id']}")).status_code == 404
    assert (await hal.get(f"{NOAH}/emergency")).status_code == 404


async def test_the_reviewer_reads_no_names_of_clients(site: Portal) -> None:
    await start(await site.as_("ken"))
    assert "Noah" not in (await (await site.as_("rex")).get("/admin/emergency")).text


async def test_a_client_is_found_by_a_whole_name_only_and_the_search_is_recorded(site: Portal) -> None:
    ken = await site.as_("ken")
    assert f'href="{NOAH}/emergency"' in (await ken.get("/admin/emergency?q=noah")).text
    assert f'href="{NOAH}/emergency"' not in (await ken.get("/admin/emergency?q=no")).text
    assert (await (await site.as_("rex")).get("/admin/emergency?q=noah")).text.count(f"{NOAH}/emergency") == 0
