"""Whoever forgot the password gets in again by the mailed link alone, and nobody learns who has a sign-in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from gateway.account.passwords import hash_password
from gateway.account.security_questions import answer_of, canonical_answer, keep_answer
from gateway.edge.attempts import FOR_ONE_NAME_MAX
from gateway.seed import DEMO_PASSWORD
from models.tables.scheduling import CalendarFeed
from models.vocabulary import SubjectType
from tests.gateway.account.test_joining import PASSWORD, choose, link_to, mails
from tests.gateway.portal_stack import Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


async def ask(site: Portal, name: str) -> str:
    answer = await site.browser().post("/forgot", {"username": name}, "/forgot")
    assert answer.status_code == 200
    return re.sub(r"“.*?”", "", re.sub(r"&[^;]+;", "", answer.text))


async def test_the_mailed_link_leads_to_a_new_password_and_ends_every_session(site: Portal) -> None:
    """By user name or by address; the old password is worth nothing, and no browser stays signed in."""
    open_browser = await site.as_("rosa")
    assert (await open_browser.get("/c/rosa")).status_code == 200
    await ask(site, "  Rosa@Mail.example ")
    path = await link_to_reset(site, "rosa@mail.example")
    answer = await choose(site.browser(), path)
    assert answer.status_code == 200
    assert "Your user name is rosa" in answer.text
    assert (await open_browser.get("/c/rosa")).headers["location"].startswith("/sign-in")
    assert (await site.browser().sign_in("rosa", DEMO_PASSWORD)).status_code == 401
    assert (await site.browser().sign_in("rosa", PASSWORD)).status_code == 303
    assert (await site.browser().get(path)).status_code == 404
    told = [mail["subject"] for mail in await mails(site, "rosa@mail.example", None)]
    assert told.count("Your password was changed") == 1


async def test_a_second_link_leaves_the_first_until_one_is_used(site: Portal) -> None:
    """Anybody may ask for one: whoever is about to use theirs must not lose it by that."""
    await ask(site, "rosa")
    first = await link_to_reset(site, "rosa@mail.example")
    await ask(site, "rosa")
    second = await link_to_reset(site, "rosa@mail.example")
    assert first != second
    assert (await site.browser().get(second)).status_code == 200
    assert (await choose(site.browser(), first)).status_code == 200
    assert (await site.browser().get(second)).status_code == 404


async def test_a_new_password_by_link_ends_the_calendar_feeds_made_with_the_old_one(site: Portal) -> None:
    """A feed needs no password, so one that a stranger made would go on."""
    feeds = [CalendarFeed(account_id=name, client_id=name, secret_hash=name) for name in ("rosa", "dana")]
    await site.state.records.change(None, lambda session: session.add_all(feeds))
    await ask(site, "rosa")
    await choose(site.browser(), await link_to_reset(site, "rosa@mail.example"))
    left = await site.state.records.read(None, lambda session: list(session.exec(select(CalendarFeed.account_id))))
    assert left == ["dana"]


async def test_the_answer_is_the_same_for_any_name(site: Portal) -> None:
    pages = {await ask(site, name) for name in ("rosa", "nobody", "pam", "jo@northgate.example", "x@y.example")}
    assert len(pages) == 1
    assert not await mails(site, "x@y.example", None)
    assert len(await mails(site, "pam@mail.example")) == 1  # her invitation, and no link beside it


async def test_an_hour_ends_every_link(site: Portal) -> None:
    await ask(site, "rosa")
    first = await link_to_reset(site, "rosa@mail.example")
    await ask(site, "rosa")
    second = await link_to_reset(site, "rosa@mail.example")
    assert (await site.browser().get(first)).status_code == 200
    assert (await site.browser().get(second)).status_code == 200
    site.clock.advance(hours=1)
    assert (await site.browser().get(second)).status_code == 404


async def test_links_are_asked_for_a_few_times_only(site: Portal) -> None:
    """Whether the name is known or not."""
    for name in ("rosa", "nobody"):
        for _ in range(FOR_ONE_NAME_MAX):
            await ask(site, name)
        answer = await site.browser().post("/forgot", {"username": name}, "/forgot")
        assert answer.status_code == 429


async def test_the_security_question_comes_on_top_of_the_link(site: Portal) -> None:
    """A wrong answer changes nothing, a right one in any spelling does; no other page asks for it."""
    hashed, now = hash_password(canonical_answer("Mühlen Straße")), site.clock()
    person = (SubjectType.ACCOUNT, "rosa")
    await site.state.records.change(None, lambda session: keep_answer(session, person, "street", hashed, now))
    await ask(site, "rosa")
    path, browser = await link_to_reset(site, "rosa@mail.example"), site.browser()
    assert "first street you lived in" in (await browser.get(path)).text
    wrong = await choose(browser, path, answer="Elm Street")
    assert wrong.status_code == 422
    assert (await site.browser().sign_in("rosa", DEMO_PASSWORD)).status_code == 303
    assert (await choose(browser, path, answer="  MUHLEN-strasse ")).status_code == 200
    assert (await site.browser().sign_in("rosa", PASSWORD)).status_code == 303


async def test_wrong_answers_are_counted(site: Portal) -> None:
    hashed, now = hash_password(canonical_answer("Elm Street")), site.clock()
    person = (SubjectType.ACCOUNT, "rosa")
    await site.state.records.change(None, lambda session: keep_answer(session, person, "street", hashed, now))
    await ask(site, "rosa")
    path, browser = await link_to_reset(site, "rosa@mail.example"), site.browser()
    answers = [(await choose(browser, path, answer="no")).status_code for _ in range(FOR_ONE_NAME_MAX)]
    assert set(answers) == {422}
    assert (await choose(browser, path, answer="Elm Street")).status_code == 429


async def test_changing_the_password_signs_every_other_browser_out(site: Portal) -> None:
    here, there = await site.as_("rosa"), await site.as_("rosa")
    path = "/account/password"
    wrong = await choose(here, path, current_password="not it")
    assert wrong.status_code == 422
    assert "not your current password" in wrong.text
    same = await choose(here, path, DEMO_PASSWORD, current_password=DEMO_PASSWORD)
    assert "Choose another" in same.text
    changed = await choose(here, path, current_password=DEMO_PASSWORD)
    assert changed.headers["location"] == "/"
    assert (await here.get("/c/rosa")).status_code == 200
    assert (await there.get("/c/rosa")).headers["location"].startswith("/sign-in")


async def test_a_password_that_was_reset_meanwhile_is_not_changed_back(site: Portal) -> None:
    """Whoever still sits in a browser with the old password cannot put theirs over the one that a link has set."""
    browser, path, real = await site.as_("rosa"), "/account/password", site.state.passwords.fits
    token, of_the_owner = await browser.token(path), hash_password(PASSWORD)

    async def reset_meanwhile(password_hash: str | None, password: str) -> bool:
        found: bool = await real(password_hash, password)
        await site.state.records.set_password_hash("rosa", of_the_owner)
        return found

    sent = {"current_password": DEMO_PASSWORD, "new_password": "a wholly other one", "csrf": token}
    site.state.passwords.fits = reset_meanwhile
    try:
        answer = await browser.http.post(path, data={**sent, "confirm_password": sent["new_password"]})
    finally:
        site.state.passwords.fits = real
    assert answer.headers["location"] == "/sign-in"
    assert (await site.state.records.credential("rosa")).password_hash == of_the_owner


async def test_a_changed_password_takes_mailed_links_with_it(site: Portal) -> None:
    """A link that lies in a mailbox opens nothing once the password was changed inside."""
    await ask(site, "rosa")
    path, browser = await link_to_reset(site, "rosa@mail.example"), await site.as_("rosa")
    await choose(browser, "/account/password", current_password=DEMO_PASSWORD)
    assert (await site.browser().get(path)).status_code == 404


async def test_what_lets_somebody_in_is_changed_with_a_record_or_not_at_all(site: Portal) -> None:
    """Password, mailed link and security question: without the trail nothing is changed, with it the trail tells."""
    now = site.clock()
    person, hashed = (SubjectType.ACCOUNT, "rosa"), hash_password("elm street")
    await site.state.records.change(None, lambda session: keep_answer(session, person, "street", hashed, now))
    await ask(site, "rosa")
    link, browser = await link_to_reset(site, "rosa@mail.example"), await site.as_("rosa")
    chosen = {"new_password": PASSWORD, "confirm_password": PASSWORD, "current_password": DEMO_PASSWORD}
    steps = {
        "/account/question": {"question": "toy", "answer": "Bear", "current_password": DEMO_PASSWORD},
        "/account/password": chosen,
        link: {**chosen, "answer": "Elm Street"},
    }
    for path, fields in steps.items():
        visitor = site.browser() if path == link else browser
        token, before = await visitor.token(path), await site.state.records.credential("rosa")
        site.line.cut = True
        answer = await visitor.http.post(path, data={**fields, "csrf": token})
        site.line.cut = False
        assert answer.status_code == 503, path
        assert await site.state.records.credential("rosa") == before, path
    question = await site.state.records.read(None, lambda session: answer_of(session, *person))
    assert question.question == "street"
    await browser.post("/account/question", steps["/account/question"], "/account/question")
    trail = await site.state.authz.ask("GET", "/v1/trail?account=rosa&kind=event")
    assert trail["entries"][0]["action"] == "security_question.change"


async def link_to_reset(site: Portal, address: str) -> str:
    return await link_to(site, address, None)
