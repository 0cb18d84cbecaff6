"""An invitation lets in the person it was mailed to, once, and never more than the practice still wants."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select

from gateway.account.mailed_links import LIFE, Purpose
from gateway.mail.carriers import mail_folder
from models.tables.mail import Mail
from tests.gateway.portal_stack import Browser, Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio
PASSWORD = "ferry boats at seven"


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


async def mails(site: Portal, to: str, practice: str | None = "northgate") -> list[dict[str, Any]]:
    """The mails of a practice, or of none, to an address, the newest last: subject, text and html."""
    folder = mail_folder(site.state.settings)

    def read(session: Any) -> list[dict[str, Any]]:
        chosen = select(Mail).where(Mail.recipient == to, Mail.practice_id == practice).order_by(Mail.id)
        return [dict(mail.content or delivered(folder / f"{mail.id}.eml")) for mail in session.exec(chosen)]

    found: list[dict[str, Any]] = await site.state.records.read(practice, read)
    return found


def delivered(path: Path) -> dict[str, str]:
    """A mail that has left already, as the demo keeps it."""
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    bodies = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
    text, html = (body.get_content() if body else "" for body in bodies.values())
    return {"subject": str(message["subject"]), "text": text, "html": html}


async def link_to(site: Portal, address: str, practice: str | None = "northgate") -> str:
    """The path of the newest link that was mailed to an address."""
    text = (await mails(site, address, practice))[-1]["text"]
    found = re.search(r"http://[^/\s]+(/(?:join|reset)/[\w-]{43})", text)
    assert found, text
    return found[1]


async def choose(browser: Browser, path: str, password: str = PASSWORD, **fields: str) -> Any:
    sent = {"new_password": password, "confirm_password": password, **fields}
    return await browser.post(path, sent, path)


async def test_pam_follows_her_invitation_from_the_mail_to_noahs_portal(site: Portal) -> None:
    """Before it she cannot sign in; with it she chooses a password, is signed in, and the pending grant is active."""
    assert (await site.browser().sign_in("pam@mail.example", PASSWORD)).status_code == 401
    (mail,) = await mails(site, "pam@mail.example")
    assert mail["subject"] == "Welcome to the Client Portal"
    assert "Log in to get started!" in mail["html"]
    assert "Noah" not in mail["text"]
    browser, path = site.browser(), await link_to(site, "pam@mail.example")
    shown = await browser.get(path)
    assert 'value="pam@mail.example"' in shown.text
    answer = await choose(browser, path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Noah" in (await browser.get("/c/noah")).text
    assert (await site.state.authz.grant("g_pam_noah"))["status"] == "active"
    again = site.browser()
    assert (await again.sign_in("PAM@mail.example", PASSWORD)).status_code == 303


async def test_a_used_a_wrong_and_an_expired_link_read_the_same(site: Portal) -> None:
    path = await link_to(site, "pam@mail.example")
    open_page = await site.browser().get(path)
    site.clock.advance(seconds=LIFE[Purpose.JOIN].total_seconds())
    expired = await site.browser().get(path)
    site.clock.advance(seconds=-1)
    browser = site.browser()
    assert (await browser.get(path)).status_code == open_page.status_code == 200
    assert (await choose(browser, path)).status_code == 303
    used = await site.browser().get(path)
    wrong = await site.browser().get("/join/" + "x" * 43)
    assert {answer.status_code for answer in (expired, used, wrong)} == {404}
    bare = {re.sub(r'name="csrf" value="\w+"', "", answer.text) for answer in (expired, used, wrong)}
    assert len({re.sub(r"/join/[\w-]+", "", text) for text in bare}) == 1


@pytest.mark.parametrize("status", ["suspended", "ended"])
async def test_a_link_dies_with_its_grant(site: Portal, status: str) -> None:
    """What the practice takes back is over at home too, also when the page is open already."""
    path, browser = await link_to(site, "pam@mail.example"), site.browser()
    token = await browser.token(path)
    grant = await site.state.authz.grant("g_pam_noah")
    await site.state.authz.update_grant("g_pam_noah", {"status": status}, etag=grant["etag"], actor="staff/jo")
    sent = {"new_password": PASSWORD, "confirm_password": PASSWORD, "csrf": token}
    assert (await browser.http.post(path, data=sent)).status_code == 404
    assert (await browser.get(path)).status_code == 404
    assert await site.state.records.credential("pam@mail.example") is None


@pytest.mark.parametrize(
    ("password", "confirmation", "told"),
    [
        ("short", "short", "Use at least 8 characters"),
        ("whitfield", "whitfield", "must remain without them"),
        ("Password123!", "Password123!", "among the first that are guessed"),
        ("mnopqrst6789", "mnopqrst6789", "a row of keys"),
        (PASSWORD, PASSWORD + "!", "not the same as the new password"),
    ],
)
async def test_a_password_that_is_not_taken_is_told_beside_the_field(
    site: Portal, password: str, confirmation: str, told: str
) -> None:
    path, browser = await link_to(site, "pam@mail.example"), site.browser()
    answer = await browser.post(path, {"new_password": password, "confirm_password": confirmation}, path)
    assert answer.status_code == 422
    assert answer.text.count(told) >= 2  # above the form and beside the field
    assert f'value="{password}"' not in answer.text
    assert (await browser.get(path)).status_code == 200


async def test_whoever_has_another_sign_in_adds_the_profile_to_it(site: Portal) -> None:
    """vic, of another practice, follows pam's link with his own sign-in: one login, and pam's account stays empty."""
    path, browser = await link_to(site, "pam@mail.example"), await site.as_("vic")
    assert "signed in as Victor Lund" in (await browser.get(path)).text
    answer = await browser.post(f"{path}/add", {}, path)
    assert answer.headers["location"] == "/"
    assert (await browser.get("/c/noah")).status_code == 200
    assert (await site.browser().get(path)).status_code == 404
    assert (await site.state.authz.grant("g_pam_noah"))["status"] == "ended"


async def test_two_windows_that_send_the_same_link_make_one_sign_in(site: Portal) -> None:
    """The second is told that the link is over; the first password holds."""
    path, first, second = await link_to(site, "pam@mail.example"), site.browser(), site.browser()
    tokens = await first.token(path), await second.token(path)
    sent = {"new_password": PASSWORD, "confirm_password": PASSWORD}
    assert (await first.http.post(path, data={**sent, "csrf": tokens[0]})).status_code == 303
    other = {"new_password": "another one entirely", "confirm_password": "another one entirely"}
    assert (await second.http.post(path, data={**other, "csrf": tokens[1]})).status_code == 404
    assert (await site.browser().sign_in("pam@mail.example", PASSWORD)).status_code == 303
