"""What a file would do is shown first; then both databases have it, once, or neither has anything."""

from __future__ import annotations

import io
import re
import zipfile
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import col, select

from gateway.admin.importing import jobs
from models.tables.getting_in import Contact, MailedLink
from models.tables.identity import Person
from models.tables.imports import ImportJob
from models.tables.mail import Mail
from models.tables.records import Client
from tests.conftest import ROOT
from tests.gateway.portal_stack import Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.gateway.portal_stack import Browser

pytestmark = pytest.mark.anyio
SAMPLES = ROOT / "docs" / "imports"
HEAD = "client_name,client_born,contact_name,contact_email,kind,access,toggle_basics,toggle_invoices\n"
KIT = "Kit Marlow,2016-05-01,Anna Marlow,anna@marlow.example,guardian,yes,yes,no\n"


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


async def hand_in(browser: Browser, content: str | bytes, name: str = "people.csv", **fields: str) -> str:
    """The page of the draft that a file became."""
    sent = content.encode() if isinstance(content, str) else content
    answer = await browser.post("/admin/import", fields, "/admin/import", files={"file": (name, sent, "text/csv")})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def run(browser: Browser, job: str) -> httpx.Response:
    page = (await browser.get(job)).text
    found = re.search(r'name="digest" value="([^"]+)"', page)
    assert found, words(page)
    return await browser.post(f"{job}/run", {"digest": found[1]}, job)


def words(page: str) -> str:
    """The page's text."""
    main = page[page.index("<main") :] if "<main" in page else page
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


async def rows(site: Portal, table: Any, *conditions: Any, practice: str | None = "northgate") -> list[Any]:
    found: list[Any] = await site.state.records.read(
        practice, lambda session: list(session.exec(select(table).where(*conditions)))
    )
    return found


async def job_of(site: Portal, path: str) -> ImportJob:
    (job,) = await rows(site, ImportJob, ImportJob.id == path.rsplit("/", 1)[1])
    return job


@pytest.mark.parametrize(
    "sample", ["procentive", "caresmartz360", "mbpractice", "webaba", "my_clients_plus", "kinguard"]
)
async def test_each_products_sample_goes_in_as_it_stands(site: Portal, sample: str) -> None:
    jo = await site.as_("jo")
    job = await hand_in(jo, (SAMPLES / f"{sample}.csv").read_bytes(), f"{sample}.csv")
    await run(jo, job)
    assert "What happened" in (await jo.get(job)).text
    again = await hand_in(jo, (SAMPLES / f"{sample}.csv").read_bytes(), f"{sample}.csv")
    assert "Nothing would change" in words((await jo.get(again)).text)


async def test_the_dry_run_changes_nothing_and_the_import_gives_access_that_waits_for_the_first_login(
    site: Portal,
) -> None:
    jo = await site.as_("jo")
    job = await hand_in(jo, HEAD + KIT)
    page = words((await jo.get(job)).text)
    assert "1 client is added." in page
    assert "Access is given once." in page
    assert "Nobody is mailed." in page
    assert await rows(site, Client, Client.name == "Kit Marlow") == []
    mails = len(await rows(site, Mail))
    await run(jo, job)
    (kit,) = await rows(site, Client, Client.name == "Kit Marlow")
    (contact,) = await rows(site, Contact, Contact.client_id == kit.id)
    assert (contact.name, contact.email) == ("Anna Marlow", "anna@marlow.example")
    (grant,) = await site.state.authz.grants_of_client(kit.id)
    assert (grant["id"], grant["status"], grant["toggles"]["invoices"]) == (contact.grant_id, "pending", False)
    assert len(await rows(site, Mail)) == mails
    assert "Portal Access Pending" in (await jo.get(f"/admin/clients/{kit.id}")).text
    done = await job_of(site, job)
    assert (done.state, done.content, done.started_by) == ("done", b"", "jo")


async def test_invitations_go_out_once_when_asked(site: Portal) -> None:
    jo = await site.as_("jo")
    two = KIT + KIT.replace("Kit Marlow,2016-05-01", "Ada Marlow,2018-05-01")
    job = await hand_in(jo, HEAD + two)
    await jo.post(job, {"invite": "on"}, job)
    assert "1 person is told by mail." in words((await jo.get(job)).text)
    await run(jo, job)
    assert len(await rows(site, MailedLink, MailedLink.address == "anna@marlow.example", practice=None)) == 1


async def test_people_who_are_here_are_used_and_never_doubled(site: Portal) -> None:
    jo = await site.as_("jo")
    dana = "Mia Novak,2017-03-09,Dana Novak,DANA@mail.example,emergency_contact,yes,yes,no\n"
    job = await hand_in(jo, HEAD + dana)
    assert "Here: Mia Novak" in words((await jo.get(job)).text)
    await run(jo, job)
    assert len(await rows(site, Client, Client.name == "Mia Novak")) == 1
    grants = {
        grant["account_id"]: grant
        for grant in await site.state.authz.grants_of_client("mia")
        if grant["kind"] == "emergency_contact"
    }
    assert grants["dana"]["status"] == "active"
    assert len(await rows(site, Person, Person.name == "Dana Novak", practice=None)) == 1


async def test_an_address_under_another_name_is_a_question_and_left_out_is_left_out(site: Portal) -> None:
    jo = await site.as_("jo")
    job = await hand_in(jo, HEAD + "Mia Novak,2017-03-09,Dan Nowak,dana@mail.example,payer,yes,yes,no\n")
    assert "say below who is the same person" in words((await jo.get(job)).text)
    assert (await jo.post(f"{job}/run", {"digest": "x"}, job)).status_code == 303
    assert (await job_of(site, job)).state == "draft"
    await jo.post(job, {"choice p dana@mail.example": "leave"}, job)
    await run(jo, job)
    assert all(grant["kind"] != "payer" for grant in await site.state.authz.grants_of_client("mia"))


async def test_an_address_that_signs_in_elsewhere_reveals_nothing(site: Portal) -> None:
    """Vic signs in at another practice: here the address reads like any new one, and gets an account of its own."""
    jo = await site.as_("jo")
    row = "Kit Marlow,2016-05-01,{},{},guardian,yes,yes,no\n"
    seen = await hand_in(jo, HEAD + row.format("Vic L", "vic@mail.example"))
    new = await hand_in(jo, HEAD + row.format("Vic L", "nobody@mail.example"))
    pages = [words((await jo.get(job)).text).replace(job.rsplit("/", 1)[1], "") for job in (seen, new)]
    assert pages[0] == pages[1]
    await run(jo, seen)
    (kit,) = await rows(site, Client, Client.name == "Kit Marlow")
    (grant,) = await site.state.authz.grants_of_client(kit.id)
    assert grant["account_id"] != "vic"
    assert grant["status"] == "pending"


async def test_a_change_since_the_dry_run_makes_it_be_shown_anew(site: Portal) -> None:
    jo, priya = await site.as_("jo"), await site.as_("priya")
    job, other = await hand_in(jo, HEAD + KIT), await hand_in(priya, HEAD + KIT)
    page = (await jo.get(job)).text
    await run(priya, other)
    found = re.search(r'name="digest" value="([^"]+)"', page)
    assert found
    await jo.post(f"{job}/run", {"digest": found[1]}, job)
    assert (await job_of(site, job)).state == "draft"
    shown = words((await jo.get(job)).text)
    assert "Nothing would change" in shown
    assert len(await rows(site, Client, Client.name == "Kit Marlow")) == 1


async def test_faults_are_listed_by_line_and_downloaded_and_nothing_can_be_run(site: Portal) -> None:
    jo = await site.as_("jo")
    job = await hand_in(jo, HEAD + KIT + "Ben Lee,31/31/2016,=1+1,ben@x.example,aunt,yes,yes,no\n")
    page = (await jo.get(job)).text
    assert "Import now" not in page
    assert "Line 3, client_born" in words(page)
    table = (await jo.get(f"{job}/errors.csv")).content.decode("utf-8-sig").splitlines()
    assert table[0] == "Line,Column,What is wrong"
    assert any(line.startswith("3,client_born,") for line in table)
    await jo.post(f"{job}/run", {"digest": (await job_of(site, job)).digest}, job)
    assert await rows(site, Client, Client.name == "Kit Marlow") == []


async def test_columns_that_nobody_knows_are_named_by_the_person(site: Portal) -> None:
    jo = await site.as_("jo")
    job = await hand_in(jo, "Kind,Geboren,Mutter,Post\nKit Marlow,01.05.2016,Anna Marlow,anna@marlow.example\n")
    assert "none of the shapes we know" in words((await jo.get(job)).text)
    named = {"client_name": "Kind", "client_born": "Geboren", "contact_name": "Mutter", "contact_email": "Post"}
    await jo.post(job, {"shape": "mapped", "dates": "dmy", **{f"column {k}": v for k, v in named.items()}}, job)
    assert "What the contact is to the client is missing" in words((await jo.get(job)).text)


@pytest.mark.parametrize("broken_off", ["before the service", "between the two", "after both"])
async def test_an_import_that_is_broken_off_is_visible_and_brought_to_its_end_once(
    site: Portal, monkeypatch: pytest.MonkeyPatch, broken_off: str
) -> None:
    jo = await site.as_("jo")
    job = await hand_in(jo, HEAD + KIT)

    def fail(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if broken_off == "before the service":
            site.line.cut = False
            patched.setattr(jobs, "finish", fail)
            patched.setattr("gateway.admin.importing.pages.finish", fail)
        elif broken_off == "between the two":
            patched.setattr(jobs, "write_records", fail)
        with pytest.raises(KeyboardInterrupt) if broken_off != "after both" else nullcontext():
            await run(jo, job)
    here = await rows(site, Client, Client.name == "Kit Marlow")
    if broken_off == "between the two":
        # The control: without being taken up again, the access is there and the names are not.
        assert here == []
        assert (await job_of(site, job)).placed_at is not None
        assert "under way" in words((await jo.get(job)).text)
    assert await jobs.resume_imports(site.state) == 0  # It may be running in another process just now.
    site.clock.advance(minutes=2)
    await jobs.resume_imports(site.state)
    await jobs.resume_imports(site.state)
    (kit,) = await rows(site, Client, Client.name == "Kit Marlow")
    assert len(await rows(site, Contact, Contact.client_id == kit.id)) == 1
    assert len(await site.state.authz.grants_of_client(kit.id)) == 1
    assert (await job_of(site, job)).state == "done"


async def test_a_job_that_the_service_refuses_is_a_draft_again_and_says_why(site: Portal) -> None:
    jo = await site.as_("jo")
    job = await hand_in(jo, HEAD + KIT)
    found = await job_of(site, job)
    shown = jobs.unpack(found.plan)
    reader = type("Reader", (), {"id": "jo"})
    assert await jobs.start(site.state, found, shown, reader)
    assert not await jobs.start(site.state, found, shown, reader)  # Two at once: one starts it.
    ken = "Ken"
    await site.state.records.change(
        "northgate", lambda s: setattr(s.get(ImportJob, found.id), "started_by", ken.lower())
    )
    await jobs.finish(site.state, "northgate", found.id)
    assert (await job_of(site, job)).state == "draft"
    assert "Nothing was imported" in words((await jo.get(job)).text)


@pytest.mark.parametrize("name", ["ken", "bea", "sky", "rex"])
async def test_only_who_runs_the_practice_sees_the_page(site: Portal, name: str) -> None:
    jo, other = await site.as_("jo"), await site.as_(name)
    job = await hand_in(jo, HEAD + KIT)
    assert (await other.get("/admin/import")).status_code in (403, 404)
    assert (await other.get(job)).status_code in (403, 404)
    assert (await other.post("/admin/export", {}, "/admin")).status_code in (403, 404)


async def test_another_practice_finds_no_such_import(site: Portal) -> None:
    jo, hal = await site.as_("jo"), await site.as_("hal")
    job = await hand_in(jo, HEAD + KIT, "of_northgate.csv")
    assert (await hal.get(job)).status_code == 404
    assert "of_northgate" not in (await hal.get("/admin/import")).text


async def test_the_export_holds_the_practice_and_only_it_and_is_recorded(site: Portal) -> None:
    jo = await site.as_("jo")
    answer = await jo.post("/admin/export", {"files": "on"}, "/admin/import")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        texts = {name: packed.read(name).decode("utf-8-sig") for name in packed.namelist() if "/" not in name}
    assert "Mia Novak" in texts["people.csv"]
    assert "doc_mia_letter" in texts["withheld.csv"]
    assert "doc_rosa_summary" in texts["documents.csv"]
    assert all("Victor" not in text and "wren" not in text for text in texts.values())
    assert "note_rosa_1" not in "".join(texts.values())
    entries = await site.state.authz.ask("GET", "/v1/trail?action=records.export")
    assert "staff/jo" in str(entries["entries"][0])
    assert "Latest exports" in (await jo.get("/admin/import")).text


async def test_an_export_brought_in_where_everything_is_changes_nothing(site: Portal) -> None:
    jo = await site.as_("jo")
    content = (await jo.post("/admin/export", {}, "/admin/import")).content
    job = await hand_in(jo, content, "northgate.zip")
    page = words((await jo.get(job)).text)
    assert "Rows to correct" not in page, page
    assert "Nothing would change" in page or "left out" in page
    assert "added" not in page.partition("Your choices")[0]


async def test_a_file_that_is_no_table_says_so_and_is_not_kept(site: Portal) -> None:
    jo = await site.as_("jo")
    answer = await jo.post("/admin/import", {}, "/admin/import", files={"file": ("x.csv", b"\x00\x01", "text/csv")})
    assert answer.status_code == 422
    assert "is no text" in answer.text
    assert await rows(site, ImportJob, col(ImportJob.id).is_not(None)) == []


async def test_whatever_is_handed_in_is_a_clear_answer(site: Portal) -> None:
    """Bytes of no sense, an export with a broken half, days and ids out of range: never a failure of the site."""
    jo = await site.as_("jo")
    people = (SAMPLES / "kinguard.csv").read_bytes()
    broken = [
        b"{",
        b"[]",
        b'{"clients": 1}',
        b'{"clients": [], "withheld": [{"client_id": "kit"}], "blocks": [], "assigned": []}',
    ]
    none = b'"withheld": [], "blocks": [], "assigned": []'
    odd = b'{"clients": [{"id": "kit", "switches": 5}], "practice": {"x": 1}, ' + none + b"}"
    sent = [b"\xff\xfe\x00", b"\xef\xbb\xbf", b'"', b"a;b\n1;2", HEAD.encode() + b"=1,0001-01-01,-,@,guardian,,,\n"]
    for content in [*sent, *(zipped(people, access) for access in [*broken, odd])]:
        answer = await jo.post("/admin/import", {}, "/admin/import", files={"file": ("x.csv", content, "text/csv")})
        assert answer.status_code in (303, 422), (content, answer.status_code)
        if answer.status_code == 303:
            assert (await jo.get(answer.headers["location"])).status_code == 200
            await jo.post(answer.headers["location"], {"settings": "on"}, answer.headers["location"])
            assert (await jo.get(answer.headers["location"])).status_code == 200


def zipped(people: bytes, access: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("people.csv", people)
        packed.writestr("access.json", access)
    return out.getvalue()
