"""E-mail to the owner: begun by a template, sent once, a copy for the sender alone (rows C13, C14)."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from gateway.edge.attempts import FOR_ONE_NAME_MAX
from models.tables.mail import Mail
from tests.gateway.messages.test_threads import key_on

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
PATH = "/c/mia/email-owner"


def opening(page: str) -> str:
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert found
    return html.unescape(found[1])


async def send(browser: Browser, text: str, subject: str = "A question", key: str = "") -> tuple[int, str]:
    key = key or await key_on(browser, PATH)
    answer = await browser.post(PATH, {"key": key, "subject": subject, "text": text}, PATH)
    return answer.status_code, answer.text


async def mails(site: Portal) -> list[Mail]:
    chosen = select(Mail).where(Mail.recipient == "priya@northgate.example").order_by(Mail.id)
    found: list[Mail] = await site.state.records.read("northgate", lambda session: list(session.exec(chosen)))
    return found


async def test_the_owner_gets_what_was_added_to_the_template(site: Portal) -> None:
    """Subject and opening lines are there; the mail names the sender and links to the client's page, and no more."""
    dana = await site.as_("dana")
    page = (await dana.get(PATH)).text
    assert 'value="A question about Mia, from Dana Novak"' in page
    begun = opening(page)
    assert begun == "Dear Priya Raman,\n\nI am writing to you about Mia.\n\n"
    status, told = await send(dana, begun)
    assert (status, "Please add your message below the opening lines." in told) == (422, True)
    status, _ = await send(dana, begun + "Could we meet?", "Our visit\r\nBcc: someone@else.example")
    assert status == 303
    (mail,) = await mails(site)
    assert mail.content is not None
    assert mail.content["subject"] == "Our visit Bcc: someone@else.example"
    assert "Dana Novak wrote to you through the family portal, about Mia:" in mail.content["text"]
    assert "Could we meet?" in mail.content["text"]
    assert "/admin/clients/mia" in mail.content["text"]
    assert "dana@mail.example" not in mail.content["text"]
    page = (await dana.get(PATH)).text
    assert "Could we meet?" in page.partition('id="sent"')[2]
    assert "Your e-mail was sent to Priya Raman." in page


async def test_the_owner_is_not_flooded(site: Portal) -> None:
    """Ten mails in a quarter of an hour; what was typed then is still there, and goes later."""
    dana = await site.as_("dana")
    assert {(await send(dana, f"Question {number}"))[0] for number in range(FOR_ONE_NAME_MAX)} == {303}
    status, told = await send(dana, "One question more")
    assert (status, "One question more" in told, "many e-mails" in told) == (429, True, True)
    assert len(await mails(site)) == FOR_ONE_NAME_MAX


async def test_the_same_form_sends_one_mail(site: Portal) -> None:
    """Sent twice it is one mail and one copy; with other words nothing is sent, and the words are still there."""
    dana = await site.as_("dana")
    key = await key_on(dana, PATH)
    assert [(await send(dana, "Once", key=key))[0] for _ in range(3)] == [303] * 3
    status, told = await send(dana, "Another", key=key)
    assert (status, "Another" in told) == (422, True)
    assert len(await mails(site)) == 1


async def test_nobody_sees_what_another_sent(site: Portal) -> None:
    """Rosa's copy is not on Tom's page about Rosa; a co-parent without the feature is refused in words."""
    rosa, tom = await site.as_("rosa"), await site.as_("tom")
    path = "/c/rosa/email-owner"
    fields = {"key": await key_on(rosa, path), "subject": "Mine", "text": "Only mine"}
    assert (await rosa.post(path, fields, path)).status_code == 303
    assert "Only mine" in (await rosa.get(path)).text
    assert "Only mine" not in (await tom.get(path)).text
    refused = await (await site.as_("sam")).get(PATH)
    assert refused.status_code == 403
    assert "E-mail to the practice is switched off for you" in refused.text
    assert (await (await site.as_("gus")).get(PATH)).status_code in {403, 404}
