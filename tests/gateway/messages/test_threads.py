"""A family's conversations: who sees which, who may write, and that a form counts once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
_KEY = re.compile(r'name="key" value="([0-9a-f]{32})"')
_LISTED = re.compile(r'href="/c/[^/]+/messages/(thr_[^"?]+)"')


async def key_on(browser: Browser, page: str) -> str:
    found = _KEY.search((await browser.get(page)).text)
    assert found, page
    return found[1]


async def write(browser: Browser, path: str, text: str, **fields: str) -> httpx.Response:
    return await browser.post(path, {"key": await key_on(browser, path), "text": text, **fields}, path)


async def test_each_sees_the_threads_they_take_part_in_and_no_other(site: Portal) -> None:
    """Rosa has hers, Tom none of Rosa's, Dana hers about Mia and none of Leo's."""
    expected = {
        ("rosa", "rosa"): {"thr_rosa_ken"},
        ("tom", "rosa"): set(),
        ("dana", "mia"): {"thr_dana_ken"},
        ("leo", "leo"): {"thr_leo_lea"},
    }
    for (name, client), threads in expected.items():
        browser = await site.as_(name)
        answer = await browser.get(f"/c/{client}/messages")
        assert answer.status_code == 200, (name, client)
        assert set(_LISTED.findall(answer.text)) == threads, (name, client)
    assert (await (await site.as_("tom")).get("/c/rosa/messages/thr_rosa_ken")).status_code == 404
    refused = await (await site.as_("dana")).get("/c/leo/messages")
    assert refused.status_code == 403
    assert "Messages are switched off for you on Leo" in refused.text


async def test_a_message_is_sent_and_read(site: Portal) -> None:
    """What was typed arrives as it was typed: line breaks and signs, no trailing blanks, nothing made a link."""
    dana = await site.as_("dana")
    path = "/c/mia/messages/thr_dana_ken"
    page = (await dana.get(path)).text
    assert "Mia Novak's portal" in page
    answer = await write(dana, path, "  Two lines,\r\n<b>and</b> https://example.org \N{PARTY POPPER}  \r\n\r\n")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}#m5")
    page = (await dana.get(path)).text
    assert "  Two lines,\n&lt;b&gt;and&lt;/b&gt; https://example.org \N{PARTY POPPER}</p>" in page
    assert "Your message was sent." in page


async def test_ten_thousand_characters_are_sent_and_one_more_is_told_plainly(site: Portal) -> None:
    """The limit counts characters, an emoji as one; a draft that is too long is still there."""
    rosa, path = await site.as_("rosa"), "/c/rosa/messages/thr_rosa_ken"
    assert (await write(rosa, path, "\N{SLIGHTLY SMILING FACE}" * 10_000)).status_code == 303
    answer = await write(rosa, path, "x" * 10_001)
    assert answer.status_code == 422
    assert "This message has 10,001 characters. Please shorten it to 10,000" in answer.text
    assert "x" * 10_001 in answer.text
    assert (await write(rosa, path, " \n ")).status_code == 422


async def test_leo_reads_but_cannot_write_and_is_told_why(site: Portal) -> None:
    """Lea has no subscription: the page says so, says who can change it, and keeps what was typed before it knew."""
    leo, path = await site.as_("leo"), "/c/leo/messages/thr_leo_lea"
    page = (await leo.get(path)).text
    assert "Lea Fontaine cannot receive messages here at the moment" in page
    assert "Northgate Family Practice can switch messages on for Lea Fontaine." in page
    assert 'name="text"' not in page
    answer = await leo.post(path, {"text": "Are you there?"}, "/c/leo/messages/new")
    assert answer.status_code == 403
    assert "Are you there?" in answer.text


async def test_a_thread_begins_with_whom_the_policy_allows(site: Portal) -> None:
    """Dana may write to Ken and Jo about Mia; to Lea, who is neither assigned nor subscribed, she may not."""
    dana, path = await site.as_("dana"), "/c/mia/messages/new"
    page = (await dana.get(path)).text
    assert re.findall(r'<option value="([^"]+)"', page) == ["ken", "jo"]
    refused = await write(dana, path, "Hello", to="lea", subject="Hi")
    assert refused.status_code == 422
    assert "Please choose whom you write to." in refused.text
    begun = await write(dana, path, "Hello Jo", to="jo", subject="A question")
    assert begun.status_code == 303
    thread = begun.headers["location"].rsplit("/", 1)[-1]
    assert set(_LISTED.findall((await dana.get("/c/mia/messages")).text)) == {"thr_dana_ken", thread}
    assert "Hello Jo" in (await dana.get(f"/c/mia/messages/{thread}")).text


async def test_a_form_that_comes_twice_is_sent_once(site: Portal) -> None:
    """The same key and words again lead to the same message; the same key with other words sends nothing."""
    dana, path = await site.as_("dana"), "/c/mia/messages/thr_dana_ken"
    key = await key_on(dana, path)
    places = {(await dana.post(path, {"key": key, "text": "Once"}, path)).headers["location"] for _ in range(3)}
    assert places == {f"{path}#m5"}
    other = await dana.post(path, {"key": key, "text": "Twice"}, path)
    assert other.status_code == 422
    assert "Twice" in other.text
    assert (await dana.get(path)).text.count('class="said-text"') == 5
