"""What every tab shows after another tab signed out, signed in as somebody else, or must change the password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select

from gateway.edge.authz_line import acting_amr
from gateway.edge.errors import Rejected
from gateway.edge.sessions import IDLE_SECONDS_MAX
from gateway.seed import DEMO_PASSWORD
from models.tables.identity import Credential
from tests.gateway.portal_stack import Browser, Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
SECURITY = "/account/security"
PASSWORD = "/account/password"


@pytest.fixture(scope="module", params=["memory", "redis"])
async def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, seeded_files: SeededFiles
) -> AsyncIterator[Portal]:
    settings = {} if request.param == "memory" else {"redis_url": request.getfixturevalue("redis_url")}
    async with portal(tmp_path_factory.mktemp("portal"), seeded_files, **settings) as running:
        if running.state.redis is not None:
            await running.state.redis.flushall()
        yield running


def second_tab(site: Portal, browser: Browser) -> Browser:
    """Another tab of the same browser: one cookie jar."""
    tab = site.browser()
    tab.http._cookies = browser.http._cookies
    return tab


async def test_after_signing_out_in_one_tab_the_next_click_in_another_says_so(site: Portal) -> None:
    """P23: no tab goes on as if somebody were signed in."""
    first = await site.as_("dana")
    second = second_tab(site, first)
    token = await second.token("/")
    await first.post("/sign-out", {}, "/")
    answer = await second.get("/")
    assert "You are signed out, in every tab" in (await second.get(answer.headers["location"])).text
    for path in ("/c/mia", SECURITY):
        answer = await second.get(path)
        assert answer.status_code == 303
        assert "You are not signed in, or not any more" in (await second.get(answer.headers["location"])).text
    answer = await second.http.post("/sign-out", data={"csrf": token})
    assert answer.headers["location"] == "/sign-in"
    assert "nothing was changed" in (await second.get("/sign-in")).text
    await second.sign_in("dana")
    await second.post("/sign-out", {}, "/")
    assert "nothing was changed" not in (await second.get("/sign-in")).text


async def test_a_session_that_ended_unused_says_so_too(site: Portal) -> None:
    browser = await site.as_("dana")
    site.clock.advance(seconds=IDLE_SECONDS_MAX)
    await browser.get("/")
    assert "not used the pages for 15 minutes" in (await browser.get("/sign-in")).text


async def test_nobody_new_is_told_that_they_were_signed_out(site: Portal) -> None:
    browser = site.browser()
    await browser.get("/")
    assert 'role="status"' not in (await browser.get("/sign-in")).text


async def test_a_form_of_the_person_before_does_nothing_for_the_person_after(site: Portal) -> None:
    """The answer names who is signed in now; what the form asked for was not done."""
    first = await site.as_("jo")
    second = second_tab(site, first)
    token = await second.token("/admin/practice")
    before = await site.state.authz.practice("northgate")
    await first.post("/sign-out", {}, "/admin")
    await first.sign_in("priya")
    fields = {"plan_audience": "nobody", "csrf": token}
    answer = await second.http.post("/admin/practice", data=fields)
    assert answer.status_code == 403
    assert "You are now signed in as Priya" in answer.text
    assert "Nothing was changed" in answer.text
    assert await site.state.authz.practice("northgate") == before


@pytest.mark.parametrize("path", ["/", "/c/mia", "/c/mia/invoices/inv_mia_1", SECURITY, f"{SECURITY}/app"])
async def test_no_page_may_be_kept_by_the_browser(site: Portal, path: str) -> None:
    """Going back in history asks again."""
    assert (await (await site.as_("dana")).get(path)).headers["cache-control"] == "no-store"


async def test_log_out_everywhere_ends_every_session_of_the_reader_alone(site: Portal) -> None:
    here, there, other = await site.as_("dana"), await site.as_("dana"), await site.as_("rosa")
    here.http.headers["User-Agent"] = "Mozilla/5.0 (iPhone) Safari/604.1"
    page = (await here.get(SECURITY)).text
    assert "This one" in page
    answer = await here.post(f"{SECURITY}/sign-out", {}, SECURITY)
    assert answer.headers["location"] == "/sign-in"
    for browser in (here, there):
        assert (await browser.get("/c/mia")).headers["location"] == "/sign-in?next=/c/mia"
    assert (await other.get("/c/rosa")).status_code == 200


async def test_the_list_names_the_browser(site: Portal) -> None:
    browser = site.browser()
    browser.http.headers["User-Agent"] = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.1 Safari/605.1.15"
    await browser.sign_in("ada")
    assert "Safari on Mac" in (await browser.get(SECURITY)).text


async def must_change(site: Portal, name: str, *, due: bool) -> None:
    def change(session: Any) -> None:
        session.exec(select(Credential).where(Credential.subject_id == name)).one().must_change = due

    await site.state.records.change(None, change)


async def test_while_a_change_of_password_is_due_there_is_one_page(site: Portal) -> None:
    """C4: the mailed password opens the Change Password window and nothing else, and the service is told so."""
    await must_change(site, "gus", due=True)
    browser = site.browser()
    assert (await browser.sign_in("gus", next="/c/mia/invoices")).headers["location"] == PASSWORD
    for path in ("/", "/c/mia", "/c/mia/invoices", SECURITY, "/account/nothing"):
        answer = await browser.get(path)
        assert answer.headers.get("location") == PASSWORD or answer.status_code == 404
    assert (await browser.get(PASSWORD)).status_code == 200
    assert (await browser.post(f"{SECURITY}/sign-out", {}, PASSWORD)).headers["location"] == PASSWORD
    assert (await browser.post("/sign-out", {}, PASSWORD)).headers["location"] == "/sign-in"
    await must_change(site, "gus", due=False)
    assert (await (await site.as_("gus")).get("/c/mia/invoices")).status_code == 200


async def test_a_change_names_how_whoever_makes_it_signed_in(site: Portal) -> None:
    """Where staff need a second factor, a change by somebody with a password alone is refused by the service."""
    practice = await site.state.authz.practice("solo")
    changed = await site.state.authz.update_practice(
        "solo", {"staff_second_factor": True}, etag=practice["etag"], actor="staff/sol"
    )
    with pytest.raises(Rejected):
        await site.state.authz.update_practice(
            "solo", {"staff_second_factor": False}, etag=changed["etag"], actor="staff/sol"
        )
    token = acting_amr.set(("pwd", "otp", "mfa"))
    try:
        await site.state.authz.update_practice(
            "solo", {"staff_second_factor": False}, etag=changed["etag"], actor="staff/sol"
        )
    finally:
        acting_amr.reset(token)


async def test_in_production_staff_are_led_to_a_second_factor_and_families_are_not(site: Portal) -> None:
    site.state.settings, demo = site.state.settings.model_copy(update={"profile": "production"}), site.state.settings
    try:
        assert (await site.browser().sign_in("jo")).headers["location"] == "/sign-in/set-up"
        assert (await site.browser().sign_in("dana")).headers["location"] == "/"
    finally:
        site.state.settings = demo


async def test_a_wrong_password_on_the_security_pages_counts_as_a_try(site: Portal) -> None:
    """Whoever finds a browser open cannot guess the password there without end."""
    browser, page = await site.as_("cara"), f"{SECURITY}/passkeys/new"
    for _ in range(10):
        assert (await browser.post(page, {"password": "wrong"}, SECURITY)).status_code == 422
    answer = await browser.post(page, {"password": DEMO_PASSWORD}, SECURITY)
    assert "too many tries" in answer.text
    site.clock.advance(seconds=IDLE_SECONDS_MAX)
