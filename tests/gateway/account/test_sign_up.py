"""Who signs up waits for a review, and never becomes a client, nor a second one, by itself (c13)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import func, select

from models.tables.getting_in import SignUp
from models.tables.records import Client
from tests.gateway.portal_stack import Browser, Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

pytestmark = pytest.mark.anyio
PAGE = "/sign-up/northgate"
IRA = {"first_name": "Ira", "last_name": "Moss", "email": "ira@mail.example", "born": "1991-04-05"}


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


async def sign_up(browser: Browser, **fields: str) -> httpx.Response:
    once = re.search(r'name="once" value="(\w+)"', (await browser.get(PAGE)).text)
    assert once
    return await browser.post(PAGE, {"once": once[1], **IRA, **fields}, PAGE)


async def waiting(jo: Browser) -> list[str]:
    return re.findall(r'href="(/admin/sign-ups/\w+)"', (await jo.get("/admin/sign-ups")).text)


async def clients(site: Portal) -> int:
    def read(session: Any) -> int:
        return int(session.exec(select(func.count()).select_from(Client)).one())

    return int(await site.state.records.read("northgate", read))


async def test_a_sign_up_waits_and_makes_no_client(site: Portal) -> None:
    before, browser = await clients(site), site.browser()
    assert "Sent to the practice" in (await sign_up(browser)).text
    assert await clients(site) == before
    jo = await site.as_("jo")
    (path,) = await waiting(jo)
    assert "duplicate" not in (await jo.get(path)).text
    for name in ("ken", "bea", "hal"):
        assert (await (await site.as_(name)).get(path)).status_code in (403, 404)


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({"email": "Rosa@Mail.example"}, "e-mail address"),
        ({"phone": "+1 555 0120 101"}, "telephone"),
        ({"first_name": "rosa", "last_name": "DELGADO", "born": "1988-02-19"}, "name and day of birth"),
    ],
)
async def test_a_likely_duplicate_is_shown_and_linked(site: Portal, fields: dict[str, str], same: str) -> None:
    """By address, telephone, or name and birthday; a new client then needs a second look."""
    await sign_up(site.browser(), **fields)
    jo, before = await site.as_("jo"), await clients(site)
    (path,) = await waiting(jo)
    shown = (await jo.get(path)).text
    assert "Likely a duplicate" in shown
    assert same in shown
    refused = await jo.post(path, {"decision": "create"}, path)
    assert refused.status_code == 422
    linked = await jo.post(path, {"decision": "link", "client": "rosa"}, path)
    assert linked.headers["location"] == "/admin/clients/rosa"
    assert (await waiting(jo), await clients(site)) == ([], before)


async def test_a_new_client_is_made_once_however_often_it_is_sent(site: Portal) -> None:
    """The practice's page and the service both have them; the second window is told that it is decided."""
    await sign_up(site.browser())
    jo, before = await site.as_("jo"), await clients(site)
    (path,) = await waiting(jo)
    token = await jo.token(path)
    made = await jo.http.post(path, data={"decision": "create", "csrf": token})
    place = made.headers["location"]
    assert re.fullmatch(r"/admin/clients/c_[0-9a-f]{20}", place)
    assert "Ira Moss" in (await jo.get(place)).text
    assert (await jo.http.post(path, data={"decision": "create", "csrf": token})).status_code == 404
    assert await clients(site) == before + 1


async def create_while(site: Portal, monkeypatch: pytest.MonkeyPatch, decision: dict[str, str]) -> tuple[str, str]:
    """What two members of the staff are told, one of whom decides while the service takes the other's client on."""
    await sign_up(site.browser())
    jo, priya = await site.as_("jo"), await site.as_("priya")
    (path,) = await waiting(jo)
    tokens = await jo.token(path), await priya.token(path)
    create, begun, go_on = site.state.authz.create_client, asyncio.Event(), asyncio.Event()

    async def slowly(*args: Any, **known: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await create(*args, **known)

    monkeypatch.setattr(site.state.authz, "create_client", slowly)
    creating = asyncio.create_task(jo.http.post(path, data={"decision": "create", "csrf": tokens[0]}))
    await begun.wait()
    other = await priya.http.post(path, data={**decision, "csrf": tokens[1]})
    go_on.set()
    made = await creating
    return (await jo.get(made.headers["location"])).text, (await priya.get(other.headers["location"])).text


@pytest.mark.parametrize("decision", [{"decision": "decline"}, {"decision": "link", "client": "rosa"}], ids=str)
async def test_of_two_who_decide_at_once_one_wins(
    site: Portal, monkeypatch: pytest.MonkeyPatch, decision: dict[str, str]
) -> None:
    """Whoever is being made a client is not declined or linked meanwhile; the other is told so."""
    before = await clients(site)
    created, other = await create_while(site, monkeypatch, decision)
    assert "Ira Moss is a client now" in created
    assert "Somebody else decided on this request first." in other
    assert await clients(site) == before + 1


async def test_declined_first_nobody_is_made_a_client(site: Portal) -> None:
    await sign_up(site.browser())
    jo, before = await site.as_("jo"), await clients(site)
    (path,) = await waiting(jo)
    token = await jo.token(path)
    answers = await asyncio.gather(
        jo.http.post(path, data={"decision": "decline", "csrf": token}),
        jo.http.post(path, data={"decision": "create", "csrf": token}),
    )
    declined = [answer.headers.get("location") for answer in answers].count("/admin/sign-ups")
    assert await clients(site) == before + (0 if declined == 2 or answers[1].status_code == 404 else 1)


async def test_without_taking_the_request_first_it_is_declined_and_a_client_all_the_same(
    site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control."""
    monkeypatch.setattr("gateway.admin.sign_ups._take", lambda *_: True)
    created, other = await create_while(site, monkeypatch, {"decision": "decline"})
    assert "Ira Moss is a client now" in created
    assert "The request was declined." in other


async def test_a_declined_request_is_gone_from_the_queue(site: Portal) -> None:
    await sign_up(site.browser())
    jo = await site.as_("jo")
    (path,) = await waiting(jo)
    assert (await jo.post(path, {"decision": "link", "client": "wren"}, path)).status_code == 422
    assert (await jo.post(path, {"decision": "decline"}, path)).headers["location"] == "/admin/sign-ups"
    assert await waiting(jo) == []


async def test_the_same_form_sent_twice_is_one_request(site: Portal) -> None:
    browser = site.browser()
    for _ in range(2):
        assert (await browser.post(PAGE, {"once": "ab" * 16, **IRA}, PAGE)).status_code == 200

    def read(session: Any) -> int:
        return int(session.exec(select(func.count()).select_from(SignUp)).one())

    assert await site.state.records.read("northgate", read) == 1


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"first_name": ""}, "Enter your first name"),
        ({"email": "ira"}, "such as ann@example.org"),
        ({"born": "2099-01-01"}, "Enter the day of birth"),
        ({"born": "05/04/91"}, "Enter the day of birth"),
    ],
)
async def test_what_is_wrong_is_told_and_the_rest_is_kept(site: Portal, fields: dict[str, str], told: str) -> None:
    answer = await sign_up(site.browser(), **fields)
    assert answer.status_code == 422
    assert answer.text.count(told) == 2
    assert 'value="Moss"' in answer.text


async def test_a_practice_that_takes_no_sign_ups_has_no_such_page(site: Portal) -> None:
    jo, ways = await site.as_("jo"), "/admin/practice/ways-in"
    await jo.post(ways, {"invite_by": "link"}, ways)
    assert (await site.browser().get(PAGE)).status_code == 404
    assert "/sign-up/" not in (await site.browser().get("/sign-in/northgate")).text
    assert (await site.browser().get("/sign-up/nowhere")).status_code == 404
