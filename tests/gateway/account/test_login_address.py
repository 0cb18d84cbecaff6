"""A login address is changed by whoever opens the link at the new one, and by nobody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from gateway.seed import DEMO_PASSWORD
from models.tables.getting_in import Contact, MailedLink
from models.tables.identity import Credential, Person
from models.tables.mail import Mail

if TYPE_CHECKING:
    import httpx

    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
PAGE, NEW = "/account/address", "dana.novak@new.example"
_LINK = re.compile(r"http://127\.0\.0\.1:8080(/address/[\w-]+)")


@pytest.fixture
def site(quiet_site: Portal) -> Portal:
    return quiet_site


async def ask(browser: Browser, address: str = NEW, password: str = DEMO_PASSWORD) -> httpx.Response:
    return await browser.post(PAGE, {"address": address, "current_password": password}, PAGE)


def mails(site: Portal) -> list[tuple[str, str, str]]:
    with site.state.records.session(None) as session:
        kept = session.exec(select(Mail).order_by(Mail.id)).all()
        return [(mail.recipient, mail.content["subject"], mail.content["text"]) for mail in kept]


def link_to(site: Portal, address: str = NEW) -> str:
    found = [text for recipient, _subject, text in mails(site) if recipient == address]
    link = _LINK.search(found[-1])
    assert link, found
    return link[1]


async def login_address(site: Portal) -> tuple[str | None, str | None]:
    credential = await site.state.records.credential("dana")
    with site.state.records.session(None) as session:
        person = session.get_one(Person, ("account", "dana"))
    return credential.address, person.email


async def test_nothing_changes_before_the_link_is_used_then_every_other_session_ends(site: Portal) -> None:
    dana, elsewhere = await site.as_("dana"), await site.as_("dana")
    before = await login_address(site)
    assert (await ask(dana)).status_code == 303
    assert NEW in (await dana.get(PAGE)).text, "the page says what it waits for"
    sent = {recipient: subject for recipient, subject, _text in mails(site)}
    assert sent == {
        NEW: "Confirm your new login address",
        "dana@mail.example": "A new login address was asked for",
    }
    link = link_to(site)
    assert "Use this address" in (await dana.get(link)).text, "looking at the link uses nothing up"
    assert await login_address(site) == before
    assert (await dana.post(link, {}, link)).status_code == 303
    assert await login_address(site) == (NEW, NEW)
    assert (await dana.get("/")).status_code == 200
    assert (await elsewhere.get("/")).headers["location"].startswith("/sign-in")
    assert ("dana@mail.example", "Your login address was changed") in [mail[:2] for mail in mails(site)]
    assert (await dana.get(link)).status_code == 404, "a link works once"


async def test_the_contact_books_of_practices_are_not_changed_by_it(site: Portal) -> None:
    def contacts() -> list[tuple[str, str | None]]:
        with site.state.records.session("northgate") as session:
            return sorted((row.id, row.email) for row in session.exec(select(Contact)))

    before, dana = contacts(), await site.as_("dana")
    await ask(dana)
    link = link_to(site)
    await dana.post(link, {}, link)
    assert contacts() == before


async def test_whoever_signs_in_with_the_address_signs_in_with_the_new_one(site: Portal) -> None:
    def use_address(session: object) -> None:
        row = session.get_one(Credential, "dana")  # type: ignore[attr-defined]
        values = row.model_dump() | {"username": "dana@mail.example", "address": "dana@mail.example"}
        session.delete(row)  # type: ignore[attr-defined]
        session.flush()  # type: ignore[attr-defined]
        session.add(Credential(**values))  # type: ignore[attr-defined]

    await site.state.records.change(None, use_address)
    dana = await site.as_("dana@mail.example")
    await ask(dana)
    link, stranger = link_to(site), site.browser()
    assert (await stranger.post(link, {}, link)).status_code == 200, "the mail may be opened in any browser"
    assert await site.state.records.credential("dana@mail.example") is None
    assert (await site.browser().sign_in(NEW)).headers["location"] == "/"
    assert (await site.browser().sign_in("dana@mail.example")).status_code != 303


@pytest.mark.parametrize(
    ("address", "password", "words"),
    [
        ("dana", DEMO_PASSWORD, "Type an e-mail address"),
        (" Dana@Mail.example ", DEMO_PASSWORD, "your login address already"),
        (NEW, "wrong", "This is not your current password."),
    ],
)
async def test_what_cannot_be_taken_is_said_at_its_field(site: Portal, address: str, password: str, words: str) -> None:
    dana = await site.as_("dana")
    answer = await ask(dana, address, password)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert mails(site) == []


async def test_an_address_of_somebody_else_is_answered_alike_and_changes_nothing(site: Portal) -> None:
    dana = await site.as_("dana")
    answer = await ask(dana, "rosa@mail.example")
    free = await ask(await site.as_("sam"))
    assert (answer.status_code, answer.headers["location"]) == (free.status_code, free.headers["location"])
    assert ("rosa@mail.example", "This address is a login address already") in [mail[:2] for mail in mails(site)]
    with site.state.records.session(None) as session:
        assert [link.subject_id for link in session.exec(select(MailedLink)) if link.purpose == "address"] == ["sam"]


async def test_a_new_password_a_second_thought_and_a_day_end_the_link(site: Portal) -> None:
    dana = await site.as_("dana")
    await ask(dana)
    taken_back = link_to(site)
    assert (await dana.post(f"{PAGE}/keep", {}, PAGE)).status_code == 303
    assert (await dana.get(taken_back)).status_code == 404
    await ask(dana)
    old = link_to(site)
    word = "a longer walk by the river"
    fields = {"current_password": DEMO_PASSWORD, "new_password": word, "confirm_password": word}
    assert (await dana.post("/account/password", fields, "/account/password")).status_code == 303
    assert (await dana.get(old)).status_code == 404
    await ask(dana, password=word)
    late = link_to(site)
    site.clock.advance(days=1)
    assert (await site.browser().get(late)).status_code == 404


async def test_of_two_who_want_one_address_one_has_it(site: Portal) -> None:
    dana, sam = await site.as_("dana"), await site.as_("sam")
    await ask(dana)
    first = link_to(site)
    await ask(sam)
    second = link_to(site)
    await dana.post(first, {}, first)
    assert (await sam.post(second, {}, "/account/address")).status_code == 404
    assert (await site.state.records.credential("sam")).address == "sam@mail.example"


async def test_staff_have_no_such_page(site: Portal) -> None:
    assert (await (await site.as_("jo")).get(PAGE)).status_code == 404
