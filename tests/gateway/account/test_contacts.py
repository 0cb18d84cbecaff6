"""Staff let people in: a contact is added once, invited once, and no practice learns who has a sign-in elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select

from models.tables.getting_in import Contact
from models.tables.mail import Notice
from tests.gateway.account.test_joining import PASSWORD, choose, link_to, mails
from tests.gateway.portal_stack import Browser, Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

pytestmark = pytest.mark.anyio
NEW = "/admin/clients/{}/contacts/new"
EXISTING = "/admin/clients/{}/contacts/existing"


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


async def add(browser: Browser, client: str, email: str, **fields: str) -> httpx.Response:
    """Fill in the form for somebody new and send it."""
    path = NEW.format(client)
    once = re.search(r'name="once" value="(\w+)"', (await browser.get(path)).text)
    assert once
    sent = {"once": once[1], "first_name": "Nora", "last_name": "Lind", "email": email, "kind": "guardian"}
    return await browser.post(path, {**sent, "access": "on", "switches": "usual", **fields}, path)


async def grants(site: Portal, client: str) -> dict[str, dict[str, Any]]:
    return {grant["id"]: grant for grant in await site.state.authz.grants_of_client(client)}


async def contacts(site: Portal, client: str) -> list[Contact]:
    def read(session: Any) -> list[Contact]:
        return list(session.exec(select(Contact).where(Contact.client_id == client)))

    found: list[Contact] = await site.state.records.read("northgate", read)
    return found


async def test_a_new_contact_is_pending_until_the_first_sign_in(site: Portal) -> None:
    """Portal Access Pending stands in the network and goes with the first login (row W22)."""
    jo = await site.as_("jo")
    answer = await add(jo, "mia", "nora@mail.example", switches="own", on="calendar")
    assert answer.headers["location"] == "/admin/clients/mia"
    network = (await jo.get("/admin/clients/mia")).text
    assert "Nora Lind" in network
    assert "Portal Access Pending" in network
    browser, path = site.browser(), await link_to(site, "nora@mail.example")
    assert (await choose(browser, path)).status_code == 303
    assert (await browser.get("/c/mia/calendar")).status_code == 200
    assert (await browser.get("/c/mia/documents")).status_code == 403
    assert "Portal Access Pending" not in (await jo.get("/admin/clients/mia")).text


async def templates(browser: Browser, client: str) -> list[str]:
    page = (await browser.get(NEW.format(client))).text
    return re.findall(r'name="forms" value="([^"]+)"', page)


async def test_an_invitation_carries_a_selection_of_forms(site: Portal) -> None:
    """They wait from the first sign-in on, and sending the form twice sends them once (row Y13)."""
    jo, path = await site.as_("jo"), NEW.format("mia")
    chosen = await templates(jo, "mia")
    assert len(chosen) == 3
    fields = {"once": "ab" * 16, "first_name": "Nora", "email": "nora@mail.example", "kind": "guardian"}
    sent = {**fields, "access": "on", "switches": "usual", "forms": chosen[:2]}
    for _ in range(2):
        assert (await jo.post(path, sent, path)).status_code == 303
    browser = site.browser()
    assert (await choose(browser, await link_to(site, "nora@mail.example"))).status_code == 303
    listed = (await browser.get("/c/mia/forms")).text
    assert len(set(re.findall(r'href="/c/mia/forms/([^"/?]+)"', listed))) == 2


async def test_whoever_takes_an_invitation_with_a_sign_in_of_their_own_gets_its_forms(site: Portal) -> None:
    jo = await site.as_("jo")
    chosen = await templates(jo, "noah")
    await add(jo, "noah", "vic@mail.example", first_name="Victor", forms=chosen[0])
    vic = await site.as_("vic")
    path = await link_to(site, "vic@mail.example")
    assert (await vic.post(f"{path}/add", {}, path)).status_code == 303
    assert len(set(re.findall(r'href="/c/noah/forms/([^"/?]+)"', (await vic.get("/c/noah/forms")).text))) == 1


async def test_who_can_have_no_forms_is_sent_none(site: Portal) -> None:
    jo = await site.as_("jo")
    answer = await add(jo, "mia", "pay@mail.example", kind="payer", forms=(await templates(jo, "mia"))[0])
    assert answer.status_code == 422
    assert "Untick the forms" in answer.text
    assert await mails(site, "pay@mail.example") == []


async def test_the_same_form_sent_twice_adds_one_contact_and_mails_once(site: Portal) -> None:
    jo, path = await site.as_("jo"), NEW.format("mia")
    fields = {"once": "ab" * 16, "first_name": "Nora", "email": "nora@mail.example", "kind": "payer", "access": "on"}
    for _ in range(2):
        assert (await jo.post(path, fields, path)).status_code == 303
    assert len([one for one in await contacts(site, "mia") if one.name == "Nora"]) == 1
    assert len(await mails(site, "nora@mail.example")) == 1
    assert len(await grants(site, "mia")) == 5


@pytest.mark.parametrize("way", ["link", "password"])
async def test_an_address_that_has_a_sign_in_elsewhere_looks_new_to_the_practice(site: Portal, way: str) -> None:
    """vic, of another practice: staff see what they see for a new address; the mail alone offers to add the profile."""
    jo, ways = await site.as_("jo"), "/admin/practice/ways-in"
    await jo.post(ways, {"invite_by": way}, ways)
    pages = {}
    for name, email in (("Victor", "Vic@mail.example"), ("Nobody", "nobody-yet@mail.example")):
        await add(jo, "noah", email, first_name=name, last_name="Same")
        seen = [(await jo.get("/admin/clients/noah")).text]
        for grant_id in await grants(site, "noah"):
            grant = await site.state.authz.grant(grant_id)
            if grant_id.startswith("g_a_") and grant["status"] == "pending":
                seen.append((await jo.get(f"/admin/clients/noah/grants/{grant_id}")).text)
                etag = grant["etag"]
                await site.state.authz.update_grant(grant_id, {"status": "ended"}, etag=etag, actor="staff/jo")
        pages[name] = [bare(text.replace(email, ""), name) for text in seen]
        site.clock.advance(minutes=1)
        jo = await site.as_("jo")
        network = (await jo.get("/admin/clients/noah")).text
        assert "Lund" not in network
    assert pages["Victor"][0].count("Pending") == pages["Nobody"][0].count("Pending") == 2
    assert pages["Victor"][1] == pages["Nobody"][1]
    (to_vic,) = await mails(site, "Vic@mail.example")
    assert to_vic["subject"] == "Welcome to the Client Portal"
    assert "Add to your profiles" in to_vic["text"]
    assert "Harborview" not in to_vic["text"]
    (to_nobody,) = await mails(site, "nobody-yet@mail.example")
    assert "Log in to get started!" in to_nobody["text"]


def bare(text: str, name: str) -> str:
    """A page without what is another's own: tokens, ids and the name."""
    for found in (r'value="[0-9a-f]{64}"', r"a_[0-9a-f]{20}", name, r'name="etag" value="\d+"'):
        text = re.sub(found, "", text)
    return text


async def test_victor_takes_the_invitation_with_his_own_sign_in(site: Portal) -> None:
    """The practice goes on calling him what it called him, and the other practice sees nothing of it."""
    jo = await site.as_("jo")
    assert (await add(jo, "noah", "vic@mail.example", first_name="V.", last_name="L.")).status_code == 303
    path, visitor = await link_to(site, "vic@mail.example"), site.browser()
    shown = (await visitor.get(path)).text
    assert f'href="/sign-in?next={path}"' in shown
    assert 'name="new_password"' not in shown
    answer = await visitor.sign_in("vic", next=path)
    assert answer.headers["location"] == path
    assert (await visitor.post(f"{path}/add", {}, path)).headers["location"] == "/"
    assert (await visitor.get("/c/noah")).status_code == 200
    assert (await visitor.get("/c/vic")).status_code == 200
    await jo.get("/admin/clients/noah")  # It also says that he was invited.
    network = (await jo.get("/admin/clients/noah")).text
    assert network.count("V. L.") == 1
    assert "Victor Lund" not in network
    assert "Ended" not in network
    hal = await site.as_("hal")
    assert "noah" not in (await hal.get("/admin/clients/vic")).text.lower()


async def test_a_second_child_needs_no_invitation_any_more(site: Portal) -> None:
    """dana has signed in before: the grant counts at once, and she is told that a profile was added (c3)."""
    jo, path = await site.as_("jo"), EXISTING.format("noah")
    found = await jo.get(path, params={"q": "nov dana"})
    chosen = re.search(r"contacts/existing\?contact=([\w-]+)", found.text)
    assert chosen
    form = f"{path}?contact={chosen[1]}"
    answer = await jo.post(path, {"contact": chosen[1], "kind": "guardian", "access": "on", "once": "cd" * 16}, form)
    assert answer.status_code == 303
    assert (await grants(site, "noah"))["g_dana_noah"]["status"] == "active"
    assert (await (await site.as_("dana")).get("/c/noah")).status_code == 200
    assert not await mails(site, "dana@mail.example")

    def read(session: Any) -> list[Notice]:
        return list(session.exec(select(Notice).where(Notice.event == "profile")))

    (notice,) = await site.state.records.read("northgate", read)
    assert (notice.subject_id, notice.path) == ("dana", "/c/noah")


async def test_an_address_that_the_practice_knows_is_an_offer_and_no_second_person(site: Portal) -> None:
    jo = await site.as_("jo")
    answer = await add(jo, "noah", " DANA@mail.example")
    assert answer.status_code == 422
    assert "Add them as an existing contact" in answer.text
    assert not [one for one in await contacts(site, "noah") if one.name == "Nora Lind"]
    assert (await add(jo, "noah", "DANA@mail.example", ack="address_twice")).status_code == 303
    assert "g_dana_noah" not in await grants(site, "noah")


async def test_a_contact_may_be_kept_without_portal_access_and_be_let_in_later(site: Portal) -> None:
    jo = await site.as_("jo")
    await add(jo, "mia", "nora@mail.example", access="")
    assert not await mails(site, "nora@mail.example")
    network = (await jo.get("/admin/clients/mia")).text
    assert "Contacts without portal access" in network
    chosen = re.search(r"/contacts/([0-9a-f]{32})\"", network)
    assert chosen
    path = EXISTING.format("mia")
    fields = {"contact": chosen[1], "kind": "guardian", "access": "on", "once": "ef" * 16}
    assert (await jo.post(path, fields, f"{path}?contact={chosen[1]}")).status_code == 303
    assert len(await mails(site, "nora@mail.example")) == 1
    assert len([one for one in await contacts(site, "mia") if one.name == "Nora Lind"]) == 1


@pytest.mark.parametrize(
    ("client", "fields", "told"),
    [
        ("mia", {"email": ""}, "a contact needs one"),
        ("mia", {"email": "nora@"}, "such as ann@example.org"),
        ("mia", {"first_name": ""}, "Enter the first name"),
        ("mia", {"kind": "self"}, "does not manage a portal of their own"),
        ("mia", {"kind": "uncle"}, "Choose what the person is"),
        ("mia", {"kind": "adult_proxy"}, "adult clients"),
    ],
)
async def test_what_does_not_fit_is_told_and_nothing_is_kept(
    site: Portal, client: str, fields: dict[str, str], told: str
) -> None:
    jo, before = await site.as_("jo"), len(await contacts(site, client))
    answer = await add(jo, client, **{"email": "nora@mail.example", **fields})
    assert answer.status_code == 422
    assert told in answer.text
    assert 'value="Lind"' in answer.text
    assert len(await contacts(site, client)) == before
    assert not await mails(site, "nora@mail.example")


async def test_a_client_who_manages_a_portal_comes_first_or_staff_say_otherwise(site: Portal) -> None:
    """Conflict c7: with rosa's own sign-in ended, a contact is invited only after a second look."""
    jo, authz = await site.as_("jo"), site.state.authz
    assert (await add(jo, "rosa", "early@mail.example")).status_code == 303
    await authz.update_grant("g_rosa_rosa", {"status": "ended"}, etag="1", actor="staff/jo")
    answer = await add(jo, "rosa", "nora@mail.example")
    assert answer.status_code == 422
    assert "Invite this contact before Rosa" in answer.text
    assert (await add(jo, "rosa", "nora@mail.example", confirmed="on")).status_code == 303


@pytest.mark.parametrize(("name", "client", "status"), [("ken", "mia", 200), ("ken", "leo", 403), ("lea", "leo", 404)])
async def test_therapists_invite_where_they_are_let_and_assigned(
    site: Portal, name: str, client: str, status: int
) -> None:
    """Rows Y4, Y5: ken may, for his clients; lea may not; neither chooses switches."""
    staff = await site.as_(name)
    page = await staff.get(NEW.format(client))
    assert page.status_code == status
    link = f"/admin/clients/{client}/contacts/new"
    assert (link in (await staff.get(f"/admin/clients/{client}")).text) is (status == 200)
    if status == 200:
        assert 'name="on"' not in page.text
        assert (await add(staff, client, "nora@mail.example")).status_code == 303


async def test_therapists_find_the_people_of_their_own_clients_alone(site: Portal) -> None:
    """ken looks after mia and rosa, not after noah: nobody of noah's is found, chosen or named to him."""
    ken, jo, path = await site.as_("ken"), await site.as_("jo"), EXISTING.format("mia")
    assert "pam@mail.example" in (await jo.get(path, params={"q": "pam"})).text
    assert "pam@mail.example" not in (await ken.get(path, params={"q": "pam"})).text
    assert "tom@mail.example" in (await ken.get(path, params={"q": "tom"})).text
    fields = {"contact": "contact_g_pam_noah", "kind": "guardian", "access": "on", "once": "ab" * 16}
    assert (await ken.post(path, fields, path)).status_code == 404
    named = await add(ken, "mia", "pam@mail.example")
    assert (named.status_code, "Ask an administrator" in named.text, "Pam" in named.text) == (422, True, False)
    assert "g_pam_mia" not in await grants(site, "mia")


async def test_the_key_of_a_form_writes_over_nobody_else(site: Portal) -> None:
    """A form that bears the id of another client's contact is no form of ours: that contact stays as it is."""
    jo, ken = await site.as_("jo"), await site.as_("ken")
    assert (await add(jo, "noah", "nora@mail.example", once="ab" * 16)).status_code == 303
    assert (await add(ken, "mia", "other@mail.example", once="ab" * 16)).status_code == 404
    (nora,) = [one for one in await contacts(site, "noah") if one.id == "ab" * 16]
    assert (nora.name, nora.email) == ("Nora Lind", "nora@mail.example")
    assert not [one for one in (await grants(site, "mia")).values() if one["account_id"] == nora.account_id]


async def test_staff_send_an_invitation_again_and_the_older_link_is_over(site: Portal) -> None:
    jo, page = await site.as_("jo"), "/admin/clients/noah/grants/g_pam_noah"
    first = await link_to(site, "pam@mail.example")
    assert "Portal Access Pending" in (await jo.get(page)).text
    site.clock.advance(minutes=2)
    for _ in range(2):  # The second press at once mails nothing.
        answer = await jo.post("/admin/clients/noah/invitations", {"grant": "g_pam_noah"}, page)
        assert answer.headers["location"] == page
    assert len(await mails(site, "pam@mail.example")) == 2
    assert (await site.browser().get(first)).status_code == 404
    assert (await site.browser().get(await link_to(site, "pam@mail.example"))).status_code == 200


async def test_staff_mail_the_practices_own_way_to_sign_in(site: Portal) -> None:
    """Row Y22, to whoever has signed in before; bea may send nothing."""
    jo, page = await site.as_("jo"), "/admin/clients/mia/grants/g_dana_mia"
    await jo.post("/admin/clients/mia/invitations", {"grant": "g_dana_mia"}, page)
    (mail,) = await mails(site, "dana@mail.example")
    assert "/sign-in/northgate" in mail["text"]
    assert "Northgate Family Practice" in (await site.browser().get("/sign-in/northgate")).text
    assert (await site.browser().get("/sign-in/nowhere")).status_code == 404
    other = await jo.post("/admin/clients/noah/invitations", {"grant": "g_dana_mia"}, page)
    assert other.status_code == 404


async def test_a_practice_may_mail_one_time_passwords_that_must_be_changed(site: Portal) -> None:
    """Rows C3 to C6: the mailed one opens nothing but Change Password, where a question is registered too."""
    jo, ways = await site.as_("jo"), "/admin/practice/ways-in"
    await jo.post(ways, {"invite_by": "password", "asks_question": "on"}, ways)
    await add(jo, "mia", "nora@mail.example")
    (mail,) = await mails(site, "nora@mail.example")
    one_time = re.search(r"One-time password: (\S+)", mail["text"])
    assert one_time
    assert "User name: nora@mail.example" in mail["text"]
    browser = site.browser()
    answer = await browser.sign_in("nora@mail.example", one_time[1])
    assert answer.headers["location"] == "/account/password"
    assert (await browser.get("/c/mia")).headers["location"] == "/account/password"
    window = "/account/password"
    page = (await browser.get(window)).text
    for label in ("Current password", "New password", "Confirm password", "Security question"):
        assert label in page
    fields = {"current_password": one_time[1], "question": "street", "answer": "Elm"}
    assert (await choose(browser, window, **fields)).headers["location"] == "/"
    assert (await browser.get("/c/mia")).status_code == 200
    assert (await site.browser().sign_in("nora@mail.example", one_time[1])).status_code == 401
    assert (await site.browser().sign_in("nora@mail.example", PASSWORD)).status_code == 303


@pytest.mark.parametrize("over", ["expired", "ended"])
async def test_a_one_time_password_dies_with_its_time_and_its_grant(site: Portal, over: str) -> None:
    jo, ways = await site.as_("jo"), "/admin/practice/ways-in"
    await jo.post(ways, {"invite_by": "password"}, ways)
    await add(jo, "mia", "nora@mail.example")
    (mail,) = await mails(site, "nora@mail.example")
    one_time = re.search(r"One-time password: (\S+)", mail["text"])
    assert one_time
    if over == "expired":
        site.clock.advance(hours=24)
    else:
        (grant,) = [g for g in (await grants(site, "mia")).values() if g["status"] == "pending"]
        ended = {"status": "ended"}
        await site.state.authz.update_grant(grant["id"], ended, etag=grant["etag"], actor="staff/jo")
    assert (await site.browser().sign_in("nora@mail.example", one_time[1])).status_code == 401
