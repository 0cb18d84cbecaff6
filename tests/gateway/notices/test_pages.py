"""People choose what they hear about, on pages that show nobody else's clients, and from the mail itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gateway.notices.notify import Event
from tests.gateway.notices.conftest import words

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tests.gateway.notices.conftest import Post
    from tests.gateway.portal_stack import Browser

pytestmark = pytest.mark.anyio
HOME = "/account/notices"


async def save(browser: Browser, path: str = HOME, **fields: str) -> int:
    answer = await browser.post(path, {name.replace("_", "-"): value for name, value in fields.items()}, path)
    return answer.status_code


async def test_what_was_chosen_is_shown_and_holds(office: Post) -> None:
    dana = await office.site.as_("dana")
    assert 'value="daily" selected' in (await dana.get(HOME)).text
    assert await save(dana, wanted="on", choice_document="at_once", choice_message="never", language="es") == 303
    page = (await dana.get(HOME)).text
    assert re.search(r'name="choice-message".*?value="never" selected', page, re.DOTALL)
    assert 'value="es" lang="es" selected' in page
    await office.notify(Event.DOCUMENT, "mia", ("document", "doc_mia_letter"))
    await office.notify(Event.MESSAGE, "mia", ("thread", "thr_dana_ken"))
    assert await office.subjects() == {"dana": "M.: Un documento nuevo"}


async def test_a_label_replaces_the_initial(office: Post) -> None:
    dana = await office.site.as_("dana")
    assert await save(dana, f"{HOME}/mia", label="Little bird", choice_message="at_once") == 303
    assert "In mails: Little bird" in (await dana.get(HOME)).text
    await office.notify(Event.MESSAGE, "mia", ("thread", "thr_dana_ken"))
    assert await office.subjects() == {"dana": "Little bird: A new message"}
    assert await save(dana, f"{HOME}/mia", label="") == 303
    assert "In mails: M." in (await dana.get(HOME)).text


async def test_a_label_that_names_or_confuses_is_refused_and_kept_in_the_form(office: Post) -> None:
    """Family names, labels that are too long, and the label of another child."""
    dana = await office.site.as_("dana")
    for label in ("Mia Novak", "M. novak", "x" * 25, "L."):
        answer = await dana.post(f"{HOME}/mia", {"label": label, "choice-message": "never"}, f"{HOME}/mia")
        assert answer.status_code == 422, label
        assert f'value="{label}"' in answer.text
        assert 'value="never" selected' in answer.text
    assert "In mails: M." in (await dana.get(HOME)).text


async def test_nobody_has_a_page_for_a_client_of_others(office: Post) -> None:
    """The same page as for a client who does not exist; access that ended has none either."""
    for name, client in (("dana", "rosa"), ("exa", "mia"), ("dana", "nosuch"), ("ken", "mia")):
        browser = await office.site.as_(name)
        assert (await browser.get(f"{HOME}/{client}")).status_code == 404
        assert (await browser.post(f"{HOME}/{client}", {"label": "x"}, HOME)).status_code == 404
    assert (await office.site.browser().get(HOME)).status_code == 303


async def test_only_what_can_come_is_offered(office: Post) -> None:
    """Sam has mia's calendar and documents, and no invoices; gus has only invoices."""
    anyone = {"profile", "request", "release"}
    for name, offered in (("sam", {"appointment", "document", "sign"}), ("gus", {"invoice"})):
        page = (await (await office.site.as_(name)).get(f"{HOME}/mia")).text
        assert set(re.findall(r'name="choice-(\w+)"', page)) == offered | anyone


async def test_staff_choose_for_all_clients_alike(office: Post) -> None:
    ken = await office.site.as_("ken")
    assert "For each person" not in (await ken.get(HOME)).text
    assert await save(ken, wanted="on", choice_payment="never") == 303
    await office.notify_staff(Event.PAYMENT, "mia", "jo", "ken")
    assert set(await office.subjects()) == {"jo"}


async def stop_link(office: Post) -> tuple[EmailMessage, str]:
    await office.notify(Event.MESSAGE, "mia", ("thread", "thr_dana_ken"))
    (mail,) = await office.mails()
    link = re.search(r"http://127\.0\.0\.1:8080(/notices/stop/[\w-]+)", words(mail))
    assert link
    return mail, link[1]


async def test_the_link_in_a_mail_ends_the_notices_without_signing_in(office: Post) -> None:
    """Opening it changes nothing; the button does, twice as well as once, and a wrong secret is a missing page."""
    mail, path = await stop_link(office)
    assert mail["List-Unsubscribe"] == f"<http://127.0.0.1:8080{path}>"
    stranger = office.site.browser()
    assert "Stop notices by mail?" in (await stranger.get(path)).text
    await stop_link(office)
    for _ in range(2):
        assert "have stopped" in (await stranger.http.post(path, data={"List-Unsubscribe": "One-Click"})).text
    await office.notify(Event.MESSAGE, "mia", ("thread", "thr_dana_ken"))
    assert await office.mails() == []
    wrong = path[:-4] + ("AAAA" if not path.endswith("AAAA") else "BBBB")
    assert (await stranger.get(wrong)).status_code == (await stranger.http.post(wrong, data={})).status_code == 404
    dana = await office.site.as_("dana")
    assert 'name="wanted" value="on" aria' in (await dana.get(HOME)).text
    assert await save(dana, wanted="on") == 303
    await stop_link(office)


async def test_the_secret_of_the_link_is_kept_as_a_hash_and_ends(office: Post) -> None:
    _, path = await stop_link(office)
    token = path.rpartition("/")[2]
    assert token.encode() not in (office.folder / "records.db").read_bytes()
    office.site.clock.advance(days=181)
    assert (await office.site.browser().get(path)).status_code == 404
