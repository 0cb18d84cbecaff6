"""A second factor is asked of whoever has one or must have one, and each code lets one person in, once."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from sqlmodel import select

from gateway.account import entering, second_factor
from gateway.account.forgetting import NotForgottenError, forget_second_factors
from gateway.account.second_factor import DRIFT_STEPS, RECOVERY_CODES, STEP_SECONDS, step_of
from gateway.edge.attempts import FOR_ONE_NAME_MAX
from gateway.edge.sessions import WAITING_SECONDS_MAX
from gateway.mail.post import Letter, letter
from gateway.seed import DEMO_PASSWORD
from models.tables.mail import Mail
from models.tables.second_factor import AuthenticatorApp, Passkey, RecoveryCode
from tests.gateway.portal_stack import Browser, Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from models.tables.identity import Credential
    from tests.conftest import StandingClock

pytestmark = pytest.mark.anyio
SECOND_STEP, SET_UP, SECURITY = "/sign-in/second-step", "/sign-in/set-up", "/account/security"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # of RFC 6238, appendix B
_SEALED = re.compile(r'name="sealed" value="([^"]+)"')
_SECRET = re.compile(r'<code class="secret">([A-Z2-7 ]+)</code>')
_CODE = re.compile(r"<li><code>([a-z0-9-]+)</code></li>")


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


def code_at(site: Portal, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(site.clock().timestamp()) + steps * STEP_SECONDS)


def form_of(text: str) -> tuple[str, str]:
    """The key that a set-up page shows, and the sealed one that its form carries."""
    sealed, secret = _SEALED.search(text), _SECRET.search(text)
    assert sealed
    assert secret
    return secret[1].replace(" ", ""), sealed[1]


async def with_app(site: Portal, name: str) -> tuple[Browser, str, list[str]]:
    """Somebody who sets up an app: their browser, its secret and the recovery codes."""
    browser = await site.as_(name)
    secret, sealed = form_of((await browser.get(f"{SECURITY}/app")).text)
    fields = {"sealed": sealed, "code": code_at(site, secret), "password": DEMO_PASSWORD}
    answer = await browser.post(f"{SECURITY}/app", fields, f"{SECURITY}/app")
    assert answer.status_code == 200, answer.text
    codes = _CODE.findall(answer.text)
    assert len(set(codes)) == RECOVERY_CODES
    site.clock.advance(seconds=STEP_SECONDS)
    return browser, secret, codes


async def at_second_step(site: Portal, name: str, **fields: str) -> Browser:
    browser = site.browser()
    answer = await browser.sign_in(name, **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, SECOND_STEP)
    return browser


async def type_code(browser: Browser, code: str) -> httpx.Response:
    return await browser.post(SECOND_STEP, {"code": code}, SECOND_STEP)


async def ask_of(site: Portal, practice_id: str, **settings: bool) -> None:
    """The practice asks for a second factor; sol of `solo` and the owner of `northgate` may say so."""
    actor = {"solo": "staff/sol", "northgate": "staff/priya"}[practice_id]
    practice = await site.state.authz.practice(practice_id)
    await site.state.authz.update_practice(practice_id, settings, etag=practice["etag"], actor=actor)


@pytest.mark.parametrize(
    ("away", "counts"),
    [(-2 * STEP_SECONDS, False), (-STEP_SECONDS, True), (0, True), (STEP_SECONDS, True), (2 * STEP_SECONDS, False)],
)
def test_a_code_counts_now_and_one_step_around(standing_clock: StandingClock, away: int, counts: bool) -> None:
    """RFC 6238: a clock that is off by one step of 30 seconds is forgiven, by two it is not."""
    now = standing_clock()
    code = pyotp.TOTP(SECRET).at(int(now.timestamp()) + away)
    assert (step_of(SECRET, code, now) is not None) is counts


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    """The last six digits of the SHA-1 vectors in appendix B."""
    assert step_of(SECRET, code, datetime.fromtimestamp(seconds, UTC)) == seconds // STEP_SECONDS


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "12345٣", "------", " " * 6])
def test_what_is_not_six_digits_is_no_code(standing_clock: StandingClock, code: str) -> None:
    assert step_of(SECRET, code, standing_clock()) is None


async def test_whoever_has_an_app_gets_in_with_its_code_and_goes_where_they_wanted(site: Portal) -> None:
    _, secret, _ = await with_app(site, "dana")
    browser = await at_second_step(site, "dana", next="/c/mia/invoices")
    assert (await browser.get("/c/mia")).headers["location"] == "/sign-in?next=/c/mia"
    assert "One more step" in (await browser.get(SECOND_STEP)).text
    answer = await type_code(browser, code_at(site, secret))
    assert (answer.status_code, answer.headers["location"]) == (303, "/c/mia/invoices")
    assert (await browser.get("/c/mia/invoices")).status_code == 200
    events = await site.state.authz.ask("GET", "/v1/trail?account=dana&kind=event")
    assert [entry["action"] for entry in events["entries"]][:2] == ["sign_in.succeeded", "second_factor.added"]


@pytest.mark.parametrize("steps", [-1, 0, 1])
async def test_a_used_code_is_refused_and_so_is_every_earlier_one(site: Portal, steps: int) -> None:
    """Whoever looks over a shoulder cannot use the code a second time."""
    _, secret, _ = await with_app(site, "dana")
    site.clock.advance(seconds=3 * STEP_SECONDS)
    assert (await type_code(await at_second_step(site, "dana"), code_at(site, secret, steps))).status_code == 303
    for again in range(-1, steps + 1):
        answer = await type_code(await at_second_step(site, "dana"), code_at(site, secret, again))
        assert answer.status_code == 401, again
    site.clock.advance(seconds=(2 + DRIFT_STEPS) * STEP_SECONDS)
    assert (await type_code(await at_second_step(site, "dana"), code_at(site, secret))).status_code == 303


async def test_the_code_that_set_the_app_up_lets_nobody_in(site: Portal) -> None:
    _, secret, _ = await with_app(site, "dana")
    answer = await type_code(await at_second_step(site, "dana"), code_at(site, secret, -1))
    assert answer.status_code == 401


async def test_of_many_who_send_one_code_at_once_one_gets_in(site: Portal) -> None:
    """A code that was seen is worth nothing, however fast it is sent again."""
    _, secret, codes = await with_app(site, "dana")
    for code in (code_at(site, secret), codes[0]):
        browsers = [await at_second_step(site, "dana") for _ in range(5)]
        tokens = [await browser.token(SECOND_STEP) for browser in browsers]
        sent = [
            browser.http.post(SECOND_STEP, data={"csrf": token, "code": code})
            for browser, token in zip(browsers, tokens, strict=True)
        ]
        assert sorted(answer.status_code for answer in await asyncio.gather(*sent)) == [303, 401, 401, 401, 401]


async def test_without_the_conditional_update_every_one_of_them_gets_in(
    site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    _, secret, _ = await with_app(site, "dana")

    def unprotected(session: Any, seal: Any, who: Any, code: str, now: Any) -> bool:
        app = session.get(AuthenticatorApp, (who[0].value, who[1]))
        return step_of(seal.open(app.sealed_secret, second_factor._purpose("app", who)), code, now) is not None

    monkeypatch.setattr("gateway.account.second_step.use_code", unprotected)
    code, browsers = code_at(site, secret), [await at_second_step(site, "dana") for _ in range(5)]
    answers = await asyncio.gather(*(type_code(browser, code) for browser in browsers))
    assert {answer.status_code for answer in answers} == {303}


async def test_a_recovery_code_lets_in_once(site: Portal) -> None:
    _, _, codes = await with_app(site, "dana")
    typed = codes[3].upper().replace("-", " ")
    assert (await type_code(await at_second_step(site, "dana"), typed)).status_code == 303
    assert (await type_code(await at_second_step(site, "dana"), codes[3])).status_code == 401
    browser = await at_second_step(site, "dana")
    assert (await type_code(browser, codes[4])).status_code == 303
    assert "8 left" in (await browser.get(SECURITY)).text


async def test_another_person_s_code_is_no_code(site: Portal) -> None:
    _, _, codes = await with_app(site, "dana")
    await with_app(site, "rosa")
    assert (await type_code(await at_second_step(site, "rosa"), codes[0])).status_code == 401


async def test_new_recovery_codes_end_the_old_ones(site: Portal) -> None:
    browser, _, codes = await with_app(site, "dana")
    page = f"{SECURITY}/recovery-codes"
    assert (await browser.post(page, {"password": "wrong"}, page)).status_code == 422
    fresh = _CODE.findall((await browser.post(page, {"password": DEMO_PASSWORD}, page)).text)
    assert len(set(fresh) | set(codes)) == 2 * RECOVERY_CODES
    assert (await type_code(await at_second_step(site, "dana"), codes[0])).status_code == 401
    assert (await type_code(await at_second_step(site, "dana"), fresh[0])).status_code == 303


async def test_guessing_codes_ends_and_the_password_does_not_clear_the_count(site: Portal) -> None:
    """Whoever knows the password has ten tries in a quarter of an hour, however often they sign in between."""
    _, secret, _ = await with_app(site, "dana")
    for _ in range(FOR_ONE_NAME_MAX):
        assert (await type_code(await at_second_step(site, "dana"), "000000")).status_code == 401
    answer = await type_code(await at_second_step(site, "dana"), code_at(site, secret))
    assert answer.status_code == 429
    events = await site.state.authz.ask("GET", "/v1/trail?account=dana&kind=event")
    assert [entry["action"] for entry in events["entries"]].count("sign_in.second_factor_refused") == FOR_ONE_NAME_MAX


async def test_a_count_is_not_used_up_by_typing_its_name(site: Portal) -> None:
    """Whoever types the name of another count as a user name keeps nobody from their second step."""
    _, secret, _ = await with_app(site, "dana")
    for name in ("second factor of account/dana", "Second factor of account/dana"):
        for _ in range(FOR_ONE_NAME_MAX):
            await site.browser().sign_in(name, "wrong")
    assert (await type_code(await at_second_step(site, "dana"), code_at(site, secret))).status_code == 303


async def test_the_second_step_does_not_wait_for_ever(site: Portal) -> None:
    _, secret, _ = await with_app(site, "dana")
    browser = await at_second_step(site, "dana")
    token = await browser.token(SECOND_STEP)
    site.clock.advance(seconds=WAITING_SECONDS_MAX)
    answer = await browser.http.post(SECOND_STEP, data={"csrf": token, "code": code_at(site, secret)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_the_session_gets_a_new_name_at_the_second_step(site: Portal) -> None:
    _, secret, _ = await with_app(site, "dana")
    browser = await at_second_step(site, "dana")
    before = browser.http.cookies["kinguard_session"]
    await type_code(browser, code_at(site, secret))
    assert browser.http.cookies["kinguard_session"] != before
    stale = site.browser()
    stale.http.cookies.set("kinguard_session", before)
    assert (await stale.get(SECOND_STEP)).headers["location"] == "/sign-in"


async def test_a_password_changed_during_the_second_step_lets_nobody_in(site: Portal) -> None:
    """Nothing begun with the old password outlives it."""
    _, secret, _ = await with_app(site, "dana")
    browser = await at_second_step(site, "dana")
    token = await browser.token(SECOND_STEP)
    real = site.state.records.credential

    async def changed_meanwhile(name: str) -> Credential | None:
        found: Credential | None = await real(name)
        await site.state.records.set_password_hash(name, "$argon2id$another")
        return found

    site.state.records.credential = changed_meanwhile
    try:
        answer = await browser.http.post(SECOND_STEP, data={"csrf": token, "code": code_at(site, secret)})
    finally:
        site.state.records.credential = real
    assert answer.headers["location"] == "/sign-in"
    assert (await browser.get("/c/mia")).headers["location"] == "/sign-in?next=/c/mia"


async def test_an_app_is_set_up_with_the_password_and_its_first_code(site: Portal) -> None:
    browser, page = await site.as_("dana"), f"{SECURITY}/app"
    secret, sealed = form_of((await browser.get(page)).text)
    right = {"sealed": sealed, "code": code_at(site, secret), "password": DEMO_PASSWORD}
    for wrong in ({"code": "000000"}, {"password": "wrong"}, {"sealed": "x"}, {"sealed": ""}):
        answer = await browser.post(page, right | wrong, page)
        assert answer.status_code == 422, wrong
        assert "error" in answer.text
    typed_again = form_of((await browser.post(page, right | {"code": "000000"}, page)).text)
    assert typed_again == (secret, sealed)
    other = await site.as_("rosa")
    assert (await other.post(page, right, page)).status_code == 422
    assert (await browser.post(page, right, page)).status_code == 200
    assert (await browser.get(page)).headers["location"] == SECURITY


async def test_the_database_holds_neither_the_secret_nor_a_code(site: Portal) -> None:
    _, secret, codes = await with_app(site, "dana")
    rows = await site.state.records.read(
        None, lambda s: [*s.exec(select(AuthenticatorApp)), *s.exec(select(RecoveryCode))]
    )
    kept = " ".join(row.model_dump_json() for row in rows)
    assert len(rows) == 1 + RECOVERY_CODES
    assert secret not in kept
    assert not [code for code in codes if code in kept or code.replace("-", "") in kept]


async def test_a_secret_moved_to_another_person_opens_nothing(site: Portal) -> None:
    """Whoever can write the database cannot give somebody a factor of their own."""
    _, secret, _ = await with_app(site, "rosa")
    await with_app(site, "dana")

    def move(session: Any) -> None:
        own = session.get(AuthenticatorApp, ("account", "rosa")).sealed_secret
        session.get(AuthenticatorApp, ("account", "dana")).sealed_secret = own

    await site.state.records.change(None, move)
    assert (await type_code(await at_second_step(site, "dana"), code_at(site, secret))).status_code == 401


async def test_removing_an_app_takes_the_password(site: Portal) -> None:
    browser, _, _ = await with_app(site, "dana")
    page = f"{SECURITY}/app/remove"
    assert (await browser.post(page, {"password": "wrong"}, page)).status_code == 422
    assert (await browser.post(page, {"password": DEMO_PASSWORD}, page)).headers["location"] == SECURITY
    assert (await browser.get(page)).status_code == 404
    assert (await site.browser().sign_in("dana")).headers["location"] == "/"
    left = await site.state.records.read(None, lambda session: session.exec(select(RecoveryCode)).all())
    assert left == []


async def test_setting_up_the_first_factor_ends_the_sessions_that_never_showed_it(site: Portal) -> None:
    other = await site.as_("dana")
    browser, _, _ = await with_app(site, "dana")
    assert (await browser.get(SECURITY)).status_code == 200
    assert (await other.get(SECURITY)).headers["location"] == f"/sign-in?next={SECURITY}"


async def test_they_end_also_when_the_trail_does_not_answer(site: Portal) -> None:
    """Once the factor is kept, no session without it lives on, whatever else fails."""
    other, browser, page = await site.as_("dana"), await site.as_("dana"), f"{SECURITY}/app"
    secret, sealed = form_of((await browser.get(page)).text)
    token = await browser.token(page)
    fields = {"sealed": sealed, "code": code_at(site, secret), "password": DEMO_PASSWORD, "csrf": token}
    site.line.cut = True
    answer = await browser.http.post(page, data=fields)
    site.line.cut = False
    assert answer.status_code == 503
    assert (await other.get(SECURITY)).headers["location"] == f"/sign-in?next={SECURITY}"


async def test_a_password_changed_before_the_second_step_leads_nowhere(site: Portal) -> None:
    """A sign-in that was checked with the old password gets no session that waits for the second factor."""
    await with_app(site, "dana")
    browser, real = site.browser(), site.state.records.people

    async def changed_meanwhile(*args: Any) -> Any:
        await site.state.records.set_password_hash("dana", "$argon2id$another")
        return await real(*args)

    site.state.records.people = changed_meanwhile
    try:
        answer = await browser.sign_in("dana")
    finally:
        site.state.records.people = real
    assert answer.headers["location"] == "/sign-in"
    assert (await browser.get(SECOND_STEP)).headers["location"] == "/sign-in"


async def test_the_operator_can_take_a_lost_factor_away(site: Portal) -> None:
    """The next sign-in takes the password; the trail has who lost it, and without the trail nothing is taken."""
    await with_app(site, "dana")
    settings = site.state.settings
    site.line.cut = True
    with pytest.raises(NotForgottenError, match="could not be recorded"):
        await forget_second_factors(settings, "account/dana", site.clock, site.line)
    site.line.cut = False
    assert (await site.browser().sign_in("dana")).headers["location"] == SECOND_STEP
    await forget_second_factors(settings, "account/dana", site.clock, site.line)
    assert (await site.browser().sign_in("dana")).headers["location"] == "/"
    events = await site.state.authz.ask("GET", "/v1/trail?account=dana&kind=event")
    assert "second_factor.forgotten" in [entry["action"] for entry in events["entries"]]


@pytest.mark.parametrize("person", ["", "dana", "client/mia", "account/nobody", "account/dana"])
async def test_taking_away_what_is_not_there_says_so(site: Portal, person: str) -> None:
    with pytest.raises(NotForgottenError):
        await forget_second_factors(site.state.settings, person, site.clock, site.line)


# ---- where it is asked ----


async def enrol(site: Portal, browser: Browser) -> httpx.Response:
    secret, sealed = form_of((await browser.get(SET_UP)).text)
    return await browser.post(SET_UP, {"sealed": sealed, "code": code_at(site, secret)}, SET_UP)


async def test_a_family_is_led_to_set_one_up_where_its_practice_asks(site: Portal) -> None:
    """Until then nothing of that practice is shown; afterwards everything is, in the same breath."""
    before = await site.as_("uma")
    await ask_of(site, "solo", second_factor=True)
    assert (await before.get("/c/uma")).status_code == 403
    browser = site.browser()
    assert (await browser.sign_in("uma", next="/c/uma")).headers["location"] == SET_UP
    assert (await browser.get("/c/uma")).headers["location"] == "/sign-in?next=/c/uma"
    answer = await enrol(site, browser)
    assert answer.status_code == 200
    assert len(_CODE.findall(answer.text)) == RECOVERY_CODES
    assert 'href="/c/uma"' in answer.text
    assert (await browser.get("/c/uma")).status_code == 200
    assert (await site.browser().sign_in("uma")).headers["location"] == SECOND_STEP
    assert (await site.browser().sign_in("dana")).headers["location"] == "/"


async def test_setting_one_up_while_signed_in_opens_what_asks_for_it(site: Portal) -> None:
    browser, _, _ = await with_app(site, "uma")
    await ask_of(site, "solo", second_factor=True)
    assert (await browser.get("/c/uma")).status_code == 200
    page = f"{SECURITY}/app/remove"
    assert "your practice asks for one" in (await browser.get(page)).text
    token = await browser.token(SECURITY)
    assert (await browser.http.post(page, data={"csrf": token, "password": DEMO_PASSWORD})).status_code == 422
    assert (await site.browser().sign_in("uma")).headers["location"] == SECOND_STEP


async def test_staff_are_asked_where_their_practice_asks(site: Portal) -> None:
    """The owner who asks for it cannot change anything more without it, and can with it."""
    sol = await site.as_("sol")
    await ask_of(site, "solo", staff_second_factor=True)
    assert (await sol.get("/admin/clients")).status_code == 403
    browser = site.browser()
    assert (await browser.sign_in("sol")).headers["location"] == SET_UP
    assert (await enrol(site, browser)).status_code == 200
    assert (await browser.get("/admin/clients")).status_code == 200


async def test_whoever_waits_to_set_one_up_adds_none_to_one_that_is_there(site: Portal) -> None:
    """Who knows the password alone cannot put a factor of their own beside the owner's."""
    await ask_of(site, "solo", second_factor=True)
    thief = site.browser()
    await thief.sign_in("uma")
    secret, sealed = form_of((await thief.get(SET_UP)).text)
    own = Passkey(
        id="k", subject_type="account", subject_id="uma", name="Mine", public_key="", sign_count=0, is_synced=False,
        added_at=site.clock(),
    )  # fmt: skip
    await site.state.records.change(None, lambda session: session.add(own))
    answer = await thief.post(SET_UP, {"sealed": sealed, "code": code_at(site, secret)}, SET_UP)
    assert answer.status_code == 422
    assert "Please sign in again" in answer.text
    assert (await thief.get("/c/uma")).headers["location"] == "/sign-in?next=/c/uma"


# ---- browsers ----


async def told(site: Portal) -> int:
    """How many mails dana got; the text of one is kept only until it was sent."""
    found = await site.state.records.read(None, lambda session: session.exec(select(Mail)).all())
    return sum("dana" in mail.recipient for mail in found)


async def test_a_new_browser_is_told_by_mail_and_a_known_one_is_not(
    site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail says when and by what, and nothing of any client."""
    firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
    first = await site.as_("dana")
    await first.post("/sign-out", {}, "/")
    await first.sign_in("dana")
    assert await told(site) == 0
    letters: list[Letter] = []
    monkeypatch.setattr(
        entering, "letter", lambda *args, **values: letters.append(letter(*args, **values)) or letters[-1]
    )
    second = site.browser()
    second.http.headers["User-Agent"] = firefox
    await second.sign_in("dana")
    assert await told(site) == 1
    assert letters[0].subject == "A new sign-in"
    assert "Firefox" in letters[0].text
    assert "Windows" in letters[0].text
    assert f"{site.state.settings.public_url}{SECURITY}" in letters[0].text
    for word in ("Mia", "Leo", "Northgate"):
        assert word not in letters[0].text
    await second.post("/sign-out", {}, "/")
    await second.sign_in("dana")
    assert await told(site) == 1
