"""A reviewer's draft is theirs, is never lost, and shows what it would change; it serves nowhere."""

from __future__ import annotations

import fcntl
import io
import re
import zipfile
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest

from authz_service.engine import load_policy
from tests.conftest import ROOT

if TYPE_CHECKING:
    import httpx

    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
PAGE = "/review/playground"
DRAFT = f"{PAGE}/1"
_AREA = re.compile(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="(revision|against)" value="([^"]*)">')
MORE = '\nforbid(_: Representative, _action, _: Invoice, "item.none");\n'


def fields_of(text: str) -> dict[str, str]:
    """What the form of a draft's page would send."""
    found = {name: unescape(value) for name, value in _AREA.findall(text)}
    return found | dict(_HIDDEN.findall(text))


async def started(site: Portal, name: str = "rex") -> Browser:
    browser = await site.as_(name)
    answer = await browser.post(PAGE, {"version": "serving"}, PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, DRAFT)
    return browser


async def send(browser: Browser, do: str, page: str = DRAFT, **changes: str) -> httpx.Response:
    fields = fields_of((await browser.get(page)).text)
    return await browser.post(page, {**fields, **changes, "do": do}, page)


async def read(browser: Browser, page: str = DRAFT) -> dict[str, str]:
    return fields_of((await browser.get(page)).text)


async def test_a_draft_begins_as_the_version_that_serves_letter_by_letter(site: Portal) -> None:
    rex = await started(site)
    fields = await read(rex)
    files = {name.removeprefix("file:"): text for name, text in fields.items() if name.startswith("file:")}
    folder = ROOT / "policies"
    assert files == {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in (*folder.rglob("*.polar"), folder / "facts.yaml", folder / "invariants.yaml")
    }
    assert fields["against"] == load_policy(folder).digest


async def test_a_check_shows_what_the_draft_would_change_and_breaks(site: Portal) -> None:
    rex = await started(site)
    text = (await read(rex))["file:limits/item.polar"]
    answer = await send(rex, "check", **{"file:limits/item.polar": text + MORE})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{DRAFT}#found")
    page = (await rex.get(DRAFT)).text
    assert "Newly denied" in page
    assert "Newly allowed</h4>" not in page
    assert "item.none" in page
    assert "hold in every situation" in page
    again = await send(rex, "save", **{"file:limits/item.polar": text})
    assert again.status_code == 303
    assert "The text has changed since" in (await rex.get(DRAFT)).text


async def test_a_problem_leads_to_its_line(site: Portal) -> None:
    rex = await started(site)
    text = (await read(rex))["file:limits/item.polar"]
    await send(rex, "check", **{"file:limits/item.polar": text + "\nforbid(rep: Representative"})
    page = (await rex.get(DRAFT)).text
    assert "this is no policy yet" in page
    found = re.search(r'<a href="#(file-\d+)"[^>]*data-line="(\d+)"><code>limits/item.polar:\2</code>', page)
    assert found is not None
    assert f'id="{found[1]}" name="file:limits/item.polar"' in page


async def test_a_broken_invariant_is_told_with_the_difference_that_breaks_it(site: Portal) -> None:
    rex = await started(site)
    broken = (await read(rex))["file:invariants.yaml"] + (
        "  - id: nobody_views\n    says: Nobody ever views an invoice.\n"
        "    never: {subject: account, action: view, resource: invoice}\n"
    )
    await send(rex, "check", **{"file:invariants.yaml": broken})
    page = (await rex.get(DRAFT)).text
    assert "Nobody ever views an invoice." in page
    assert "an account asks for view on an invoice" in page
    assert "every question is answered alike" in page


async def test_one_question_is_answered_by_the_copy_and_by_what_it_was_copied_from(site: Portal) -> None:
    rex = await started(site)
    text = (await read(rex))["file:limits/item.polar"]
    asked = {"subject_type": "account", "action": "view", "resource_type": "invoice", "facts": "subject.kind = payer"}
    await send(rex, "check", **{"file:limits/item.polar": text + MORE}, **asked)
    page = (await rex.get(DRAFT)).text
    assert re.search(r"Denied</span>.*The version it was copied from", page, re.DOTALL)
    wrong = await send(rex, "check", **{**asked, "facts": "subject.kind payer"})
    assert wrong.status_code == 422
    assert "A fact is written like" in wrong.text


async def test_files_are_added_removed_and_taken_back(site: Portal) -> None:
    rex = await started(site)
    assert (await send(rex, "add", new_name="limits/new.polar")).status_code == 303
    assert (await read(rex))["file:limits/new.polar"] == ""
    await send(rex, "remove:limits/item.polar")
    assert "file:limits/item.polar" not in await read(rex)
    await send(rex, "restore:limits/item.polar")
    assert (await read(rex))["file:limits/item.polar"].startswith("#")
    for name in ("../x.polar", "/x.polar", "x.py", "limits/item.polar", ""):
        answer = await send(rex, "add", new_name=name)
        assert answer.status_code == 422, name


async def test_a_draft_is_there_again_after_the_session_and_for_nobody_else(site: Portal) -> None:
    rex = await started(site)
    await send(rex, "save", **{"file:main.polar": "# mine\n"})
    site.clock.now += timedelta(hours=9)
    assert (await rex.get(DRAFT)).status_code == 303
    again = await site.as_("rex")
    assert (await read(again))["file:main.polar"] == "# mine\n"
    priya = await site.as_("priya")
    assert (await priya.get(DRAFT)).status_code in {403, 404}


async def test_two_tabs_with_one_draft_lose_neither_text(site: Portal) -> None:
    rex = await started(site)
    first, second = await read(rex), await read(rex)
    await rex.post(DRAFT, {**first, "file:main.polar": "# first\n", "do": "save"}, DRAFT)
    answer = await rex.post(DRAFT, {**second, "file:main.polar": "# second\n", "do": "check"}, DRAFT)
    assert answer.headers["location"] == f"{PAGE}/2"
    assert (await read(rex))["file:main.polar"] == "# first\n"
    assert (await read(rex, f"{PAGE}/2"))["file:main.polar"] == "# second\n"


async def test_a_text_sent_to_a_draft_that_was_deleted_is_kept(site: Portal) -> None:
    rex = await started(site)
    fields = await read(rex)
    await send(rex, "discard")
    assert (await rex.get(DRAFT)).status_code == 404
    answer = await rex.post(DRAFT, {**fields, "file:main.polar": "# late\n", "do": "save"}, PAGE)
    assert (await read(rex, answer.headers["location"]))["file:main.polar"] == "# late\n"


async def test_where_every_place_is_taken_nothing_is_overwritten(site: Portal) -> None:
    rex = await started(site)
    fields = await read(rex)
    for number in range(2, 10):
        assert (await rex.post(PAGE, {"version": "serving"}, PAGE)).headers["location"] == f"{PAGE}/{number}"
    assert (await rex.post(PAGE, {"version": "serving"}, PAGE)).status_code == 409
    await rex.post(DRAFT, {**fields, "file:main.polar": "# first\n", "do": "save"}, DRAFT)
    answer = await rex.post(DRAFT, {**fields, "file:main.polar": "# second\n", "do": "save"}, DRAFT)
    assert answer.status_code == 409
    shown = fields_of(answer.text)
    assert (shown["file:main.polar"], shown["revision"]) == ("# second\n", fields["revision"])
    assert (await read(rex))["file:main.polar"] == "# first\n"


async def test_the_download_is_the_text_of_the_form(site: Portal) -> None:
    rex = await started(site)
    answer = await send(rex, "download", **{"file:main.polar": "# now\r\n"})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read("main.polar") == b"# now\n"
        assert "facts.yaml" in archive.namelist()
    assert (await read(rex))["file:main.polar"] != "# now\n"


async def test_nothing_that_is_tried_reaches_what_serves(site: Portal) -> None:
    rex = await started(site)
    before = (await rex.get("/review/diagrams/account/view/invoice")).text
    text = (await read(rex))["file:limits/item.polar"]
    await send(rex, "check", **{"file:limits/item.polar": text + MORE})
    assert (await rex.get("/review/diagrams/account/view/invoice")).text == before


async def test_a_version_that_there_is_not_cannot_be_copied(site: Portal) -> None:
    rex = await site.as_("rex")
    assert (await rex.post(PAGE, {"version": "0" * 64}, PAGE)).status_code == 404
    for place in ("0", "10", "x", "²"):
        assert (await rex.get(f"{PAGE}/{place}")).status_code in {404, 400}


@pytest.mark.parametrize("name", ["sky", "dana"])
async def test_nobody_else_has_a_playground(site: Portal, name: str) -> None:
    other = await site.as_(name)
    assert (await other.get(PAGE)).status_code in {403, 404}


async def test_a_draft_is_staged_without_its_suites_and_does_not_serve(site: Portal) -> None:
    rex = await started(site)
    fields = await read(rex)
    text = fields["file:limits/item.polar"]
    await send(rex, "add", new_name="suites/mine.yaml")
    answer = await send(rex, "stage", note="Nobody sees invoices", **{"file:limits/item.polar": text + MORE})
    assert answer.status_code == 303, answer.text
    digest = answer.headers["location"].rpartition("/")[2]
    shelf = await site.state.authz.versions(actor="staff/rex")
    staged = {each["digest"]: each for each in shelf["versions"]}[digest]
    assert (staged["state"], staged["note"], shelf["serving"]) == ("staged", "Nobody sees invoices", fields["against"])
    kept = await site.state.authz.texts(digest, actor="staff/rex")
    assert kept["limits/item.polar"] == text + MORE
    assert "suites/mine.yaml" not in kept


async def test_what_is_no_policy_cannot_be_staged_and_the_reasons_are_told(site: Portal) -> None:
    rex = await started(site)
    answer = await send(rex, "stage", **{"file:limits/item.polar": "forbid(rep: Representativ"})
    assert answer.status_code == 422
    assert "limits/item.polar:1" in answer.text
    assert (await read(rex))["file:limits/item.polar"] == "forbid(rep: Representativ"


async def test_while_others_try_copies_the_text_is_kept_and_the_wait_is_told(site: Portal) -> None:
    rex = await started(site)
    folder = site.state.settings.data_dir
    with (folder / "playground-0.lock").open("w") as first, (folder / "playground-1.lock").open("w") as second:
        fcntl.flock(first, fcntl.LOCK_EX)
        fcntl.flock(second, fcntl.LOCK_EX)
        answer = await send(rex, "check", **{"file:main.polar": "# mine"})
    assert answer.status_code == 429
    assert "try again in half a minute" in answer.text
    assert (await read(rex))["file:main.polar"] == "# mine"
