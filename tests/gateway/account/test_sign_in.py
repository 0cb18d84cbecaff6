"""Signing in begins a new session, tells nobody who has an account, and cannot be done for somebody else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from gateway.account import passwords
from gateway.app import create_app
from gateway.edge.attempts import FOR_ONE_NAME_MAX, WINDOW_SECONDS
from gateway.edge.sessions import IDLE_SECONDS_MAX
from gateway.seed import DEMO_PASSWORD
from gateway.settings import Settings
from tests.gateway.portal_stack import Browser, Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path_factory.mktemp("portal"), seeded_files) as running:
        yield running


def cookie(browser: Browser) -> str | None:
    return browser.http.cookies.get("kinguard_session")


@pytest.mark.parametrize(
    ("name", "place"),
    [("dana", "/"), ("exa", "/"), ("  DANA ", "/"), ("\uff44ana", "/"), ("jo", "/admin"), ("rex", "/admin")],
)
async def test_each_lands_where_they_belong(site: Portal, name: str, place: str) -> None:
    answer = await site.browser().sign_in(name)
    assert (answer.status_code, answer.headers["location"]) == (303, place)


async def test_the_session_gets_a_new_name_at_sign_in(site: Portal) -> None:
    browser = site.browser()
    await browser.get("/sign-in")
    before = cookie(browser)
    await browser.sign_in("rosa")
    after = cookie(browser)
    assert before
    assert after
    assert before != after
    browser.http.cookies.set("kinguard_session", before, domain="127.0.0.1")
    stale = site.browser()
    stale.http.cookies.set("kinguard_session", before)
    assert (await stale.get("/")).headers["location"] == "/sign-in"


async def test_signing_in_again_ends_the_session_before(site: Portal) -> None:
    browser = await site.as_("rosa")
    first = cookie(browser)
    answer = await browser.post("/sign-in", {"username": "dana", "password": DEMO_PASSWORD}, "/")
    assert answer.status_code == 303
    other = site.browser()
    other.http.cookies.set("kinguard_session", first or "")
    assert (await other.get("/")).headers["location"] == "/sign-in"
    assert "Dana Novak" in (await browser.get("/")).text


@pytest.mark.parametrize("value", ["", "x", "x" * 43, "../../etc/passwd", "a" * 5000, '"', "session=1"])
async def test_a_cookie_of_no_session_is_nobody(site: Portal, value: str) -> None:
    answer = await site.browser().get("/c/mia", headers={"Cookie": f"kinguard_session={value}"})
    assert answer.headers["location"] == "/sign-in?next=/c/mia"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Portal) -> None:
    answer = await site.browser().sign_in("rosa")
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=lax" in flags
    assert "path=/" in flags
    assert "domain" not in flags


async def test_over_tls_the_cookie_is_bound_to_the_host(tmp_path: Path, seeded_sqlite: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, records_database_url=f"sqlite:///{seeded_sqlite}", public_url="https://portal.example"
    )
    answer = await Browser(create_app(settings)).get("/sign-in")
    flags = answer.headers["set-cookie"].lower()
    assert flags.startswith("__host-kinguard_session=")
    assert "secure" in flags
    assert "strict-transport-security" in answer.headers


async def refused(site: Portal, name: str, password: str) -> httpx.Response:
    browser = site.browser()
    await browser.get("/sign-in")
    browser.http.cookies.set("kinguard_session", "v" * 43, domain="127.0.0.1")
    answer = await browser.sign_in(name, password)
    assert answer.status_code == 401
    return answer


async def test_an_unknown_name_a_wrong_password_and_an_open_invitation_read_alike(site: Portal) -> None:
    bodies = set()
    for name, password in (("rosa", "wrong"), ("nobody", "wrong"), ("pam", DEMO_PASSWORD), ("nobody", DEMO_PASSWORD)):
        answer = await refused(site, name, password)
        bodies.add(answer.text.replace(f'value="{name}"', 'value=""').replace(await _token(answer), ""))
    assert len(bodies) == 1


async def _token(answer: httpx.Response) -> str:
    return answer.text.partition('name="csrf" value="')[2][:64]


async def test_an_unknown_name_costs_as_much_work_as_a_known_one(site: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    real = passwords._verify
    monkeypatch.setattr(passwords, "_verify", lambda known, given: (verified.append(known), real(known, given))[1])
    for name in ("rosa", "nobody", "pam", "n" * 300):
        await refused(site, name, "wrong")
    parameters = {text.rpartition("$")[0].rpartition("$")[0] for text in verified}
    assert len(verified) == 4
    assert parameters == {"$argon2id$v=19$m=47104,t=1,p=1"}


async def test_the_eleventh_try_is_not_looked_at_and_the_lock_ends_by_itself(
    site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    real = passwords._verify
    monkeypatch.setattr(passwords, "_verify", lambda known, given: (verified.append(known), real(known, given))[1])
    browsers = [site.browser() for _ in range(30)]
    for browser in browsers:
        await browser.get("/sign-in")
    answers = await asyncio.gather(*(browser.sign_in(" Gus ", "wrong") for browser in browsers))
    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 20
    assert len(verified) == FOR_ONE_NAME_MAX
    assert (await site.browser().sign_in("gus")).status_code == 429
    assert (await site.browser().sign_in("ada")).status_code == 303
    site.clock.advance(seconds=WINDOW_SECONDS)
    assert (await site.browser().sign_in("gus")).status_code == 303


async def test_without_the_count_every_try_is_looked_at(site: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above."""

    async def uncounted(*_args: str) -> bool:
        return True

    monkeypatch.setattr(site.state.attempts, "begin", uncounted)
    browsers = [site.browser() for _ in range(FOR_ONE_NAME_MAX + 5)]
    answers = await asyncio.gather(*(browser.sign_in("gus", "wrong") for browser in browsers))
    assert {answer.status_code for answer in answers} == {401}


async def test_a_lock_does_not_touch_whoever_is_signed_in(site: Portal) -> None:
    maple = await site.as_("maple")
    attacker = site.browser()
    for _ in range(FOR_ONE_NAME_MAX + 1):
        answer = await attacker.sign_in("maple", "wrong")
    assert answer.status_code == 429
    assert (await maple.get("/c/arlo/calendar")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://127.0.0.1:8080.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_a_form_from_another_site_does_nothing(site: Portal, headers: dict[str, str]) -> None:
    fields = {"username": "cara", "password": DEMO_PASSWORD}
    browser = site.browser()
    assert (await browser.post("/sign-in", fields, "/sign-in", headers=headers)).status_code == 403
    assert (await browser.get("/")).headers["location"] == "/sign-in"
    signed_in = await site.as_("cara")
    assert (await signed_in.post("/sign-out", {}, "/", headers=headers)).status_code == 403
    assert (await signed_in.get("/")).status_code == 200


async def test_a_form_from_here_works(site: Portal) -> None:
    headers = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}
    fields = {"username": "cara", "password": DEMO_PASSWORD}
    assert (await site.browser().post("/sign-in", fields, "/sign-in", headers=headers)).status_code == 303


@pytest.mark.parametrize("kind", ["none", "empty", "another session's", "before sign-in", "one letter off", "twice"])
async def test_a_form_needs_the_token_of_its_own_session(site: Portal, kind: str) -> None:
    visitor = site.browser()
    before = await visitor.token()
    await visitor.sign_in("cara")
    own = await visitor.token("/")
    other = await (await site.as_("leo")).token("/")
    wrong = "0" if own[-1] != "0" else "1"
    fields: dict[str, Any] = {
        "none": {"other": "field"},
        "empty": {"csrf": ""},
        "another session's": {"csrf": other},
        "before sign-in": {"csrf": before},
        "one letter off": {"csrf": own[:-1] + wrong},
        "twice": {"csrf": [own, other]},
    }[kind]
    assert (await visitor.http.post("/sign-out", data=fields)).status_code == 403
    assert (await visitor.get("/")).status_code == 200
    assert (await visitor.http.post("/sign-out", data={"csrf": own})).status_code == 303


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "", "application/x-www-form-urlencodedx"])
async def test_a_form_comes_as_a_form(site: Portal, kind: str) -> None:
    browser = site.browser()
    body = f"username=cara&password={DEMO_PASSWORD}&csrf={await browser.token()}"
    answer = await browser.http.post("/sign-in", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 415


async def test_a_null_in_a_form_or_an_address_is_turned_away(site: Portal) -> None:
    """No database of ours keeps one in a text, so none gets that far."""
    browser = await site.as_("jo")
    null = await browser.post("/admin/banner", {"whose": "practice", "text": "a\0b"}, "/admin/banner")
    assert null.status_code == 400
    assert (await browser.get("/admin/clients?q=a%00b")).status_code == 400


async def test_too_large_a_form_is_turned_away(site: Portal) -> None:
    browser = site.browser()
    fields = {"username": "cara", "password": "x" * 2_000_000}
    answer = await browser.post("/sign-in", fields, "/sign-in")
    assert answer.status_code == 413
    assert "That is too much at once" in answer.text
    assert answer.headers["content-length"] == str(len(answer.content))
    many = {f"field{n}": "x" for n in range(300)}
    assert (await browser.post("/sign-in", many, "/sign-in")).status_code == 400


async def test_signing_out_ends_the_session_where_it_is_kept(site: Portal) -> None:
    browser = await site.as_("rosa")
    name = cookie(browser)
    answer = await browser.post("/sign-out", {}, "/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert cookie(browser) is None
    thief = site.browser()
    thief.http.cookies.set("kinguard_session", name or "")
    assert (await thief.get("/c/rosa")).headers["location"] == "/sign-in?next=/c/rosa"


async def test_signing_out_works_without_the_service(site: Portal) -> None:
    browser = await site.as_("rosa")
    token = await browser.token("/")
    site.line.cut = True
    try:
        assert (await browser.http.post("/sign-out", data={"csrf": token})).status_code == 303
    finally:
        site.line.cut = False
    assert (await browser.get("/")).headers["location"] == "/sign-in"


async def test_a_session_that_is_not_used_ends(site: Portal) -> None:
    browser = await site.as_("rosa")
    site.clock.advance(seconds=IDLE_SECONDS_MAX)
    assert (await browser.get("/c/rosa")).headers["location"] == "/sign-in?next=/c/rosa"


@pytest.mark.parametrize(
    ("name", "target", "place"),
    [
        ("dana", "/c/mia/invoices", "/c/mia/invoices"),
        ("dana", "/admin", "/"),
        ("jo", "/admin/clients", "/admin/clients"),
        ("jo", "/c/mia", "/admin"),
        ("dana", "//evil.example", "/"),
        ("dana", "https://evil.example/c/", "/"),
        ("dana", "/\\evil.example", "/"),
        ("dana", "/c/../admin", "/"),
        ("dana", "/c/mia\r\nSet-Cookie: x=1", "/"),
        ("dana", "", "/"),
    ],
)
async def test_after_sign_in_one_goes_on_within_this_site_only(
    site: Portal, name: str, target: str, place: str
) -> None:
    answer = await site.browser().sign_in(name, next=target)
    assert answer.headers["location"] == place


async def test_the_target_of_a_link_survives_the_form(site: Portal) -> None:
    browser = site.browser()
    assert 'name="next" value="/c/mia"' in (await browser.get("/sign-in?next=/c/mia")).text
    assert "evil" not in (await browser.get("/sign-in?next=//evil.example")).text


async def test_whoever_is_signed_in_is_not_asked_again(site: Portal) -> None:
    assert (await (await site.as_("dana")).get("/sign-in")).headers["location"] == "/"


async def test_tries_are_in_the_trail_and_a_first_sign_in_opens_what_was_pending(site: Portal) -> None:
    browser = site.browser()
    await browser.sign_in("uma", "wrong")
    await browser.sign_in("uma")
    trail = await site.state.authz.ask("GET", "/v1/trail?account=uma&kind=event")
    assert [entry["action"] for entry in trail["entries"]][:2] == ["sign_in.succeeded", "sign_in.refused"]
    assert "/v1/accounts/uma/first-login" in site.line.paths


async def test_the_sign_in_page_names_the_cast_in_the_demo_only(site: Portal) -> None:
    text = (await site.browser().get("/sign-in")).text
    assert "<code>dana</code>" in text
    assert "<code>pam</code>" not in text
    site.state.settings, demo = site.state.settings.model_copy(update={"profile": "production"}), site.state.settings
    try:
        assert "<code>" not in (await site.browser().get("/sign-in")).text
    finally:
        site.state.settings = demo
