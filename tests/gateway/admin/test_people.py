"""Staff take clients on, correct contacts, keep proofs, close access and merge who was entered twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select

from gateway.admin import client_edit
from gateway.admin.three_way import Edit
from models.tables.getting_in import Contact, Proof
from models.tables.records import Client, Invoice
from models.vocabulary import SubjectType
from tests.gateway.account.test_contacts import add, contacts, grants
from tests.gateway.account.test_joining import choose, link_to, mails
from tests.gateway.portal_stack import Browser, Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

pytestmark = pytest.mark.anyio
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


async def fields_of(browser: Browser, path: str) -> dict[str, str]:
    """The hidden fields and texts of the page's form, as a browser would send them back."""
    text = (await browser.get(path)).text
    found = dict(re.findall(r'<input[^>]*name="([\w-]+)"[^>]*value="([^"]*)"', text))
    boxes = re.findall(r'type="(?:radio|checkbox)"[^>]*name="([\w-]+)"[^>]*value="([^"]*)"([^>]*)>', text)
    for name, _value, _rest in boxes:
        found.pop(name, None)
    found |= {name: value for name, value, rest in boxes if "checked" in rest}
    for select_, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[select_] = chosen[1] if chosen else ""
    return found


async def send(browser: Browser, path: str, **changes: str) -> httpx.Response:
    """Open the form at the path, change some fields, and send it."""
    return await browser.post(path, {**await fields_of(browser, path), **changes}, path)


async def new_client(site: Portal, **changes: str) -> httpx.Response:
    browser = await site.as_("jo")
    said = {"name": "Nia Lind", "born": "2018-04-01", **changes}
    return await send(browser, "/admin/clients/new", **said)


async def test_a_child_is_taken_on_by_name_and_day_of_birth_alone(site: Portal) -> None:
    """No address is asked for; the same form sent twice makes one client, who counts from then on (M5, W11, W14)."""
    before = await site.state.authz.counts("northgate")
    jo = await site.as_("jo")
    form = {**await fields_of(jo, "/admin/clients/new"), "name": "Nia Lind", "born": "2018-04-01"}
    answers = [await jo.post("/admin/clients/new", form, "/admin/clients/new") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    page = (await jo.get(answers[0].headers["location"])).text
    assert "Nia Lind" in page
    assert "Add the contact who is to use the portal" in page
    after = await site.state.authz.counts("northgate")
    assert after["active_clients"] == before["active_clients"] + 1


async def test_a_therapist_chosen_with_the_client_reaches_them_at_once(site: Portal) -> None:
    """From the list of the practice's therapists, with their names (M11); who is none is not taken."""
    jo = await site.as_("jo")
    page = (await jo.get("/admin/clients/new")).text
    assert re.search(r'<option value="ken">Ken Abara</option>', page)
    assert 'value="bea"' not in page
    refused = await new_client(site, therapist="bea")
    assert refused.status_code == 422
    assert "Choose a therapist of the practice" in refused.text
    answer = await new_client(site, therapist="ken")
    ken = await site.as_("ken")
    assert (await ken.get(answer.headers["location"])).status_code == 200
    other = await new_client(site, name="Noa Lind")
    assert (await ken.get(other.headers["location"])).status_code != 200


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"email": "nia@mail.example"}, "dependents_address", "A child or dependent has no e-mail address"),
        ({"self_managing": "yes"}, "child_manages", "a child is not invited"),
        ({"name": "Tom Becker"}, "contact_as_client", "is a contact already"),
        ({"name": "Mia Reyes", "born": "2017-03-09"}, "twin", "is a client already"),
        (
            {"born": "1990-01-01", "email": "nia@mail.example"},
            "dependents_address",
            "should have the portal themselves",
        ),
        (
            {"born": "2011-01-01", "self_managing": "shared", "email": "Dana@mail.example"},
            "guardians_address",
            "a guardian, has this address",
        ),
        ({"born": "1990-01-01", "self_managing": "yes", "email": "tom@mail.example"}, "address_twice", "too."),
    ],
)
async def test_a_warning_says_why_and_what_to_do_and_blocks_nobody(
    site: Portal, changes: dict[str, str], code: str, told: str
) -> None:
    """It must be acknowledged once; nothing that was typed is lost (W9, W11, W14, M3, Y14)."""
    jo = await site.as_("jo")
    names = {client.name for client in (await site.state.records.rows(Client, "northgate"))[0]}
    if changes.get("name") == "Mia Reyes":
        changes = {**changes, "name": next(name for name in names if name.startswith("Mia"))}
    if changes.get("name") == "Tom Becker":
        tom = next(one for one in await contacts(site, "rosa") if one.account_id == "tom")
        changes = {**changes, "name": tom.name}
    form = {**await fields_of(jo, "/admin/clients/new"), "name": "Nia Lind", "born": "2018-04-01", **changes}
    warned = await jo.post("/admin/clients/new", form, "/admin/clients/new")
    assert warned.status_code == 422
    assert told in warned.text
    assert form["name"] in warned.text
    assert (await jo.post("/admin/clients/new", {**form, "ack": code}, "/admin/clients/new")).status_code == 303


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": " "}, "Enter the name"),
        ({"born": "yesterday"}, "Enter the day of birth"),
        ({"born": "2999-01-01"}, "in the future"),
        ({"born": "1800-01-01"}, "too far back"),
        ({"self_managing": "perhaps"}, "Choose yes, no or shared"),
        ({"email": "nia@"}, "such as ann@example.org"),
    ],
)
async def test_what_is_wrong_with_a_client_is_told_beside_the_field(
    site: Portal, changes: dict[str, str], told: str
) -> None:
    answer = await new_client(site, **changes)
    assert answer.status_code == 422
    assert told in answer.text


async def test_the_list_shows_who_is_in_care_and_how_access_stands(site: Portal) -> None:
    jo = await site.as_("jo")
    assert (await send(jo, "/admin/clients/arlo/edit", active="no")).status_code == 303
    everyone = (await jo.get("/admin/clients")).text
    assert "Portal Access Pending" in everyone
    assert "Not in care" in everyone
    in_care, rest = [(await jo.get(f"/admin/clients?care={care}")).text for care in ("in", "not")]
    assert "/admin/clients/arlo" not in in_care
    assert "/admin/clients/arlo" in rest
    assert "/admin/clients/rosa" not in rest
    assert "No client is called" in (await jo.get("/admin/clients?q=zzz&care=not")).text
    ken = (await (await site.as_("ken")).get("/admin/clients")).text
    assert "+ New client" not in ken
    assert "What your plan counts" not in ken


async def test_two_administrators_who_change_one_client_lose_nothing(site: Portal) -> None:
    """What only one of them changed stays; what both changed is shown as theirs and yours, and one of them chooses."""
    path = "/admin/clients/leo/edit"
    jo, priya = await site.as_("jo"), await site.as_("priya")
    mine, theirs = await fields_of(jo, path), await fields_of(priya, path)
    assert (await priya.post(path, {**theirs, "preferred": "Leon", "self_managing": "no"}, path)).status_code == 303
    answer = await jo.post(path, {**mine, "preferred": "Lee", "name": "Leonardo Reyes"}, path)
    assert answer.status_code == 409
    assert "What they set: Leon" in answer.text
    assert "What you set: Lee" in answer.text
    stored = await site.state.records.client("leo")
    assert stored[0].preferred == "Leon"
    choice = {"theirs-preferred": "Leon", "keep-preferred": "yours"}
    again = await jo.post(path, {**mine, "preferred": "Lee", "name": "Leonardo Reyes", **choice}, path)
    assert again.status_code == 303
    row = (await site.state.records.client("leo"))[0]
    assert (row.preferred, row.name) == ("Lee", "Leonardo Reyes")
    assert (await site.state.authz.client("leo"))["self_managing"] == "no"


async def test_without_the_comparison_the_later_one_would_win_in_silence(
    site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same two edits, with what was read left out of account, lose the first one's name."""
    monkeypatch.setattr(client_edit, "read_edit", lambda _form, entered, stored: Edit(stored, entered, stored, {}))
    path = "/admin/clients/leo/edit"
    jo, priya = await site.as_("jo"), await site.as_("priya")
    mine, theirs = await fields_of(jo, path), await fields_of(priya, path)
    assert (await priya.post(path, {**theirs, "preferred": "Leon"}, path)).status_code == 303
    assert (await jo.post(path, {**mine, "preferred": "Lee"}, path)).status_code == 303
    assert (await site.state.records.client("leo"))[0].preferred == "Lee"


async def test_a_choice_counts_only_between_what_was_shown(site: Portal) -> None:
    """A third change, made while the choice was open, is shown again and never written over."""
    path = "/admin/clients/leo/edit"
    jo, priya = await site.as_("jo"), await site.as_("priya")
    mine = await fields_of(jo, path)
    for name in ("Leon", "Leonid"):
        assert (await send(priya, path, preferred=name)).status_code == 303
    choice = {"preferred": "Lee", "theirs-preferred": "Leon", "keep-preferred": "yours"}
    answer = await jo.post(path, {**mine, **choice}, path)
    assert answer.status_code == 409
    assert "What they set: Leonid" in answer.text


async def test_a_new_address_of_a_pending_invitation_gets_it_and_the_old_link_is_over(site: Portal) -> None:
    jo = await site.as_("jo")
    await add(jo, "mia", "nora@mail.exampel")
    old = await link_to(site, "nora@mail.exampel")
    grant_id = next(key for key in await grants(site, "mia") if key.startswith("g_a_"))
    path = f"/admin/clients/mia/grants/{grant_id}/contact"
    answer = await send(jo, path, email="nora@mail.example")
    assert answer.status_code == 303
    assert (await site.browser().get(old)).status_code == 404
    browser = site.browser()
    assert (await choose(browser, await link_to(site, "nora@mail.example"))).status_code == 303
    assert (await browser.get("/c/mia/calendar")).status_code == 200
    page = (await jo.get(f"/admin/clients/mia/grants/{grant_id}")).text
    assert "nora@mail.example" in page
    assert "Last signed in here" in page


async def test_the_practices_book_is_corrected_and_the_persons_own_sign_in_is_not(site: Portal) -> None:
    """Dana is known at two practices: northgate changes its own book for both children, and nothing else."""
    jo, hal = await site.as_("jo"), await site.as_("hal")
    path = "/admin/clients/mia/grants/g_dana_mia/contact"
    answer = await send(jo, path, email="dana.reyes@mail.example", authority="parent_order")
    assert answer.status_code == 303
    by_client = {one.client_id: one for one in await all_contacts(site) if one.account_id == "dana"}
    assert {one.email for one in by_client.values()} == {"dana.reyes@mail.example"}
    assert (by_client["mia"].authority, by_client["leo"].authority) == ("parent_order", "")
    assert (await site.state.records.credential("dana")).subject_id == "dana"
    assert "dana.reyes@mail.example" not in (await hal.get("/admin/clients/wren/grants/g_dana_wren")).text
    assert not await mails(site, "dana.reyes@mail.example")
    person = (await site.state.records.people(SubjectType.ACCOUNT, ["dana"]))["dana"]
    assert person.email != "dana.reyes@mail.example"


async def all_contacts(site: Portal) -> list[Contact]:
    def read(session: Any) -> list[Contact]:
        return list(session.exec(select(Contact).where(Contact.practice_id == "northgate")))

    found: list[Contact] = await site.state.records.read("northgate", read)
    return found


async def test_two_who_correct_one_contact_lose_nothing(site: Portal) -> None:
    path = "/admin/clients/mia/grants/g_dana_mia/contact"
    jo, priya = await site.as_("jo"), await site.as_("priya")
    mine = await fields_of(jo, path)
    assert (await send(priya, path, phone="555 0100")).status_code == 303
    answer = await jo.post(path, {**mine, "phone": "555 0199"}, path)
    assert answer.status_code == 409
    assert "What they set: 555 0100" in answer.text
    assert {one.phone for one in await all_contacts(site) if one.account_id == "dana"} == {"555 0100"}


async def test_a_teen_with_a_guardians_address_is_warned_of(site: Portal) -> None:
    jo = await site.as_("jo")
    path = "/admin/clients/leo/grants/g_leo_leo/contact"
    answer = await send(jo, path, email="dana@mail.example")
    assert answer.status_code == 422
    assert "guardian&#39;s mail" in answer.text
    assert (await send(jo, path, email="dana@mail.example", ack="guardians_address")).status_code == 303


async def test_a_court_order_is_kept_once_and_read_by_those_who_run_the_practice(site: Portal) -> None:
    """The grant says that a proof is on file, its days stay; whoever may not change grants reads no paper."""
    jo, path = await site.as_("jo"), "/admin/clients/mia/grants/g_dana_mia/proofs"
    fields = {**await fields_of(jo, path), "proof": "court_order", "note": "No. 12", "last_day": "2026-12-31"}
    nothing = await jo.post(path, {**fields, "proof": ""}, path)
    assert (nothing.status_code, "Choose what the proof is." in nothing.text) == (422, True)
    fields["csrf"] = await jo.token(path)
    answer = await jo.http.post(path, data=fields, files={"file": ("order.pdf", PDF)})
    assert answer.status_code == 303
    again = await jo.http.post(path, data=fields, files={"file": ("order.pdf", PDF)})
    assert again.status_code == 303  # The same form, late: kept once.
    grant = await site.state.authz.grant("g_dana_mia")
    assert (grant["proof"], grant["until"]) == ("on_file", None)
    page = (await jo.get(path)).text
    (kept,) = set(re.findall(rf'href="({path}/\w+)"', page))
    paper = await jo.get(kept)
    assert (paper.content, "attachment" in paper.headers["content-disposition"]) == (PDF, True)
    assert (await (await site.as_("ken")).get(kept)).status_code in (403, 404)
    assert (await (await site.as_("hal")).get(kept)).status_code == 404
    assert (await jo.post(f"{kept}/remove", {}, f"{kept}/remove")).status_code == 303
    assert (await site.state.authz.grant("g_dana_mia"))["proof"] == "none"
    assert (await jo.get(kept)).status_code == 404
    rows = await site.state.records.read("northgate", lambda session: list(session.exec(select(Proof))))
    assert [row.removed_by for row in rows] == ["jo"]


async def test_a_new_contact_comes_with_authority_proof_and_days(site: Portal) -> None:
    jo = await site.as_("jo")
    days = {"authority": "guardian_order", "proof": "court_order", "first_day": "2026-06-01", "last_day": "2026-08-31"}
    assert (await add(jo, "mia", "nora@mail.example", **days)).status_code == 303
    (grant,) = [one for one in (await grants(site, "mia")).values() if one["account_id"].startswith("a_")]
    assert (grant["proof"], grant["from"], grant["until"]) == ("on_file", "2026-06-01", "2026-09-01")
    assert "Legal guardian, by court order" in (await jo.get(f"/admin/clients/mia/grants/{grant['id']}")).text
    wrong = await add(jo, "mia", "other@mail.example", access="", **days)
    assert "belong to access" in wrong.text
    wrong = await add(jo, "mia", "other@mail.example", **{**days, "last_day": "2026-05-01"})
    assert "lies before the first day" in wrong.text


@pytest.mark.parametrize(
    ("step", "undo", "status"), [("suspend", "resume", "suspended"), ("lock", "unlock", "suspended")]
)
async def test_access_is_closed_and_given_back_as_it_was(site: Portal, step: str, undo: str, status: str) -> None:
    """From the very next request; what Sam has of Leo goes with a lockout and stays with a suspension."""
    jo, sam, base = await site.as_("jo"), await site.as_("sam"), "/admin/clients/mia/grants/g_sam_mia"
    assert (await sam.get("/c/mia/documents")).status_code == 200
    assert (await send(jo, f"{base}/{step}")).status_code == 303
    assert (await sam.get("/c/mia/documents")).status_code in (403, 404)
    assert (await sam.get("/c/leo/documents")).status_code == (200 if step == "suspend" else 403)
    assert (await site.state.authz.grant("g_sam_mia"))["status"] == status
    assert (await jo.get(f"{base}/{step}")).status_code == 404
    assert (await send(jo, f"{base}/{undo}")).status_code == 303
    assert (await sam.get("/c/mia/documents")).status_code == 200


async def test_an_invitation_that_was_suspended_is_pending_again(site: Portal) -> None:
    """Resuming opens nothing that nobody ever signed in to (row W22)."""
    jo, base = await site.as_("jo"), "/admin/clients/noah/grants/g_pam_noah"
    await send(jo, f"{base}/suspend")
    assert (await send(jo, f"{base}/resume")).status_code == 303
    assert (await site.state.authz.grant("g_pam_noah"))["status"] == "pending"


async def test_revoking_takes_the_name_and_ends_the_open_invitation(site: Portal) -> None:
    jo = await site.as_("jo")
    await add(jo, "mia", "nora@mail.example")
    link = await link_to(site, "nora@mail.example")
    grant_id = next(key for key in await grants(site, "mia") if key.startswith("g_a_"))
    path = f"/admin/clients/mia/grants/{grant_id}/revoke"
    wrong = await send(jo, path, typed="Nora")
    assert wrong.status_code == 422
    assert "Type the name as it stands here: Nora Lind." in wrong.text
    assert (await send(jo, path, typed="nora  LIND")).status_code == 303
    assert (await site.state.authz.grant(grant_id))["status"] == "ended"
    assert (await site.browser().get(link)).status_code == 404


async def test_a_step_decided_on_an_old_page_is_shown_what_was_done_meanwhile(site: Portal) -> None:
    jo, priya, path = await site.as_("jo"), await site.as_("priya"), "/admin/clients/mia/grants/g_sam_mia/suspend"
    mine = await fields_of(jo, path)
    assert (await send(priya, path)).status_code == 303
    answer = await jo.post(path, mine, "/admin/clients/mia/edit")
    assert answer.status_code == 409
    assert "They set: Suspended. You asked for: Suspend access." in answer.text


@pytest.mark.parametrize("step", ["suspend", "revoke", "lock", "proofs", "merge"])
async def test_therapists_close_nobodys_access(site: Portal, step: str) -> None:
    ken = await site.as_("ken")
    assert (await ken.get(f"/admin/clients/mia/grants/g_sam_mia/{step}")).status_code in (403, 404)


async def test_whoever_is_invited_may_decline_and_staff_see_it(site: Portal) -> None:
    jo = await site.as_("jo")
    await add(jo, "mia", "nora@mail.example")
    browser, link = site.browser(), await link_to(site, "nora@mail.example")
    assert "I do not want this access" in (await browser.get(link)).text
    answer = await browser.post(f"{link}/decline", {}, f"{link}/decline")
    assert "You declined" in answer.text
    assert (await browser.get(link)).status_code == 404
    assert (await browser.get(f"{link}/decline")).status_code == 404
    assert "Declined" in (await jo.get("/admin/clients/mia")).text


async def test_the_last_visit_is_the_practices_own(site: Portal) -> None:
    """What Dana opens at harborview is nothing northgate learns of."""
    jo, dana = await site.as_("jo"), await site.as_("dana")
    await dana.get("/c/wren")
    assert "last signed in here" not in (await jo.get("/admin/clients/mia")).text
    await dana.get("/c/mia")
    assert "last signed in here June 15, 2026" in (await jo.get("/admin/clients/mia")).text


async def test_two_contact_records_become_one_and_the_older_is_kept(site: Portal) -> None:
    """Nora was entered twice; the one who signed in is kept, gets the other's client, and invoices follow."""
    jo = await site.as_("jo")
    await add(jo, "mia", "nora@mail.example")
    nora = site.browser()
    await choose(nora, await link_to(site, "nora@mail.example"))
    await add(jo, "leo", "nora.lind@mail.example")
    (first,) = [one for one in await contacts(site, "mia") if one.name == "Nora Lind"]
    (second,) = [one for one in await contacts(site, "leo") if one.name == "Nora Lind"]

    def address(session: Any) -> None:
        bill = session.get(Invoice, "inv_mia_3")
        bill.addressee_id = second.account_id
        session.add(bill)

    await site.state.records.change("northgate", address)
    path = f"/admin/clients/leo/grants/{second.grant_id}/merge"
    preview = await jo.get(path, params={"with": first.id})
    assert "Is this one person?" in preview.text
    assert "moves to the record that is kept" in preview.text
    assert "Invoices that move: 1" in preview.text
    fields = {"with": first.id, "keep": first.id}
    for _ in range(2):  # A late second POST changes nothing more.
        assert (await jo.post(path, fields, "/admin/clients/mia/edit")).status_code in (303, 404)
    assert (await nora.get("/c/leo/calendar")).status_code == 200
    found = [one for one in await contacts(site, "leo") if one.name == "Nora Lind"]
    assert {one.merged_into is None for one in found} == {True, False}
    (standing,) = [one for one in found if one.merged_into is None]
    assert (standing.account_id, standing.email) == (first.account_id, "nora@mail.example")
    assert (await grants(site, "leo"))[str(second.grant_id)]["status"] == "ended"
    bill = await site.state.records.read("northgate", lambda session: session.get(Invoice, "inv_mia_3"))
    assert bill.addressee_id == first.account_id
    assert len(re.findall("Nora Lind", (await jo.get("/admin/clients/mia/contacts/existing?q=nora")).text)) == 1


async def test_an_empty_client_entered_twice_gives_way_and_a_full_one_does_not(site: Portal) -> None:
    jo = await site.as_("jo")
    answer = await new_client(site, name="Mia Again", born="2017-03-09")
    empty = answer.headers["location"]
    full = await jo.get("/admin/clients/mia/merge", params={"with": empty.rpartition("/")[2]})
    assert "is not empty" in full.text
    assert "let that one give way" in full.text
    assert "is kept" in (await jo.get(f"{empty}/merge", params={"with": "mia"})).text
    merged = await jo.post(f"{empty}/merge", {"with": "mia"}, f"{empty}/merge?with=mia")
    assert merged.headers["location"] == "/admin/clients/mia"
    assert "Mia Again" not in (await jo.get("/admin/clients")).text
    assert "gave way to another one" in (await jo.get(empty)).text
    refused = await jo.post("/admin/clients/mia/merge", {"with": "leo"}, "/admin/clients/mia/merge?with=leo")
    assert refused.status_code in (404, 409)
    assert (await site.state.authz.client("mia"))["active"] is True
