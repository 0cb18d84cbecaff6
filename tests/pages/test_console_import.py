"""Stories of import and export: from the file to the client's page, and a whole practice taken out."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.conftest import ROOT
from tests.pages.test_accessibility import faults, structure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.pages.conftest import People
    from tests.pages.stack import Stack

SAMPLES = ROOT / "docs" / "imports"
HEAD = "client_name,client_born,contact_name,contact_email,kind,access,toggle_basics,toggle_invoices\n"


@pytest.fixture(autouse=True)
def made_inactive(stack: Stack) -> Iterator[None]:
    """Clients of these stories leave care again, so that other stories of the stack count theirs."""
    before = set(clients(stack))
    yield
    for client_id in set(clients(stack)) - before:
        stack.backend.patch(f"/v1/clients/{client_id}", json={"active": False}, headers={"Kinguard-Actor": "staff/jo"})


def clients(stack: Stack) -> list[str]:
    found: list[str] = stack.backend.get("/v1/practices/northgate/clients?limit=500").json()["clients"]
    return found


def hand_in(page: Page, content: str | bytes, name: str) -> None:
    """Choose a file and look at what it would do."""
    page.goto("/admin/import")
    sent = content.encode() if isinstance(content, str) else content
    page.get_by_label("Table of clients and contacts").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": sent}
    )
    page.get_by_role("button", name="Show what would happen").click()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_table_of_another_product_is_shown_then_imported(people: People, width: int) -> None:
    """WebABA's contact network: what would happen in sentences, one click, and the family is on the client's page."""
    mei = f"mei{width}@example.org"
    content = (SAMPLES / "webaba.csv").read_text(encoding="utf-8").replace("mei.chen@example.org", mei)
    content = content.replace("paul.chen@example.org", f"paul{width}@example.org").replace("Chen", f"Chen{width}")
    with people.page("jo", width) as page:
        page.goto("/admin")
        page.goto("/admin/import")
        assert faults(page) + structure(page, width) == []
        hand_in(page, content.replace("Zoe,Hart", f"Zoe,Hart{width}"), "contact network.csv")
        expect(page.get_by_text("Read as a table of WebABA.")).to_be_visible()
        expect(page.get_by_text("3 clients are added.")).to_be_visible()
        expect(page.get_by_text("Access is given 3 times.")).to_be_visible()
        expect(page.get_by_text("Columns that are not used: Location.")).to_be_visible()
        assert faults(page) + structure(page, width) == []
        page.get_by_role("button", name="Import now").click()
        expect(page.get_by_role("heading", name="What happened")).to_be_visible()
        expect(page.get_by_text("Accesses given: 3")).to_be_visible()
        assert faults(page) + structure(page, width) == []
        page.goto(f"/admin/clients?q=Ivy+Chen{width}")
        page.get_by_role("link", name=f"Ivy Chen{width}").first.click()
        expect(page.get_by_text(f"Mei Chen{width}").first).to_be_visible()
        expect(page.get_by_text("Portal Access Pending").first).to_be_visible()
        page.goto("/admin/import")
        expect(page.get_by_role("link", name=re.compile("contact network.csv")).first).to_contain_text("Jo Lindqvist")


@pytest.mark.parametrize("width", [390, 1280])
def test_faults_are_named_by_line_and_column_and_can_be_downloaded(people: People, width: int) -> None:
    """A bad date, an unknown kind and one address for two people: nothing can be imported until they are mended."""
    rows = (
        "Kit Marlow,31/31/2016,Anna Marlow,anna@marlow.example,guardian,yes,yes,no\n"
        "Ben Marlow,2014-01-01,Anna Marlow,anna@marlow.example,aunt,yes,yes,no\n"
        "Eva Marlow,2012-01-01,Anna Marlow,anna@marlow.example,guardian,yes,yes,no\n"
        "Eva Marlow,2012-01-01,Otto Marlow,anna@marlow.example,guardian,yes,yes,no\n"
    )
    with people.page("jo", width) as page:
        hand_in(page, HEAD + rows, "marlow.csv")
        expect(page.get_by_role("heading", name="Rows to correct (3)")).to_be_visible()
        expect(page.get_by_text("Line 2, client_born")).to_be_visible()
        expect(page.get_by_text("Line 3, kind")).to_be_visible()
        expect(page.get_by_text("This address is that of Anna Marlow in line 4.")).to_be_visible()
        expect(page.get_by_role("button", name="Import now")).to_have_count(0)
        assert faults(page) + structure(page, width) == []
        with page.expect_download() as download:
            page.get_by_role("link", name="Download all of them as CSV").click()
        table = Path(download.value.path()).read_text(encoding="utf-8-sig")
        assert table.startswith("Line,Column,What is wrong")
        page.get_by_role("button", name="Discard this file").click()
        expect(page.get_by_role("status")).to_contain_text("Nothing was imported.")


def test_who_is_here_already_is_used_once_somebody_said_so(people: People, stack: Stack) -> None:
    """Dana's address under another name is a question; answered, she gets the second child and no second account."""
    row = "Kit Marlow,2016-05-01,Dana N.,dana@mail.example,guardian,yes,yes,no\n"
    with people.page("jo") as page:
        hand_in(page, HEAD + row, "kit.csv")
        expect(page.get_by_text("Not yet: say below who is the same person.")).to_be_visible()
        page.get_by_label("Line 2: Dana N.").select_option(label="The same person: use the one who is here")
        page.get_by_role("button", name="Show what would happen now").click()
        page.get_by_role("button", name="Import now").click()
        expect(page.get_by_text("Accesses given: 1")).to_be_visible()
    grants = stack.backend.get("/v1/accounts/dana/grants").json()["grants"]
    kit = [grant for grant in grants if grant["client_id"].startswith("c_")]
    assert [grant["status"] for grant in kit] == ["active"]
    headers = {"Kinguard-Actor": "staff/jo", "If-Match": f'"{kit[0]["etag"]}"'}
    stack.backend.patch(f"/v1/grants/{kit[0]['id']}", json={"status": "ended"}, headers=headers)


def test_a_table_that_nobody_knows_is_mapped_by_hand(people: People) -> None:
    """Column names of no product: each is named once, days are day first."""
    with people.page("jo") as page:
        hand_in(page, "Kind;Geboren\nUwe Sommer;24.12.2015\n", "liste.csv")
        expect(page.get_by_text("This table is of none of the shapes we know.")).to_be_visible()
        page.get_by_label("Client: whole name").select_option("Kind")
        page.get_by_label("Client: date of birth").select_option("Geboren")
        page.get_by_role("button", name="Show what would happen now").click()
        expect(page.get_by_text("1 client is added.")).to_be_visible()
        page.get_by_role("button", name="Discard this file").click()


def test_the_whole_practice_is_taken_out_and_reads_as_here_already(people: People) -> None:
    """One ZIP of CSV and JSON with a page that explains it; handed in again it finds everyone."""
    with people.page("jo") as page:
        page.goto("/admin/import")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download the export").click()
        content = Path(download.value.path()).read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            assert {"README.txt", "people.csv", "access.json", "documents.csv"} <= set(packed.namelist())
        hand_in(page, content, "northgate.zip")
        expect(page.get_by_text("Read as a table of Kinguard.")).to_be_visible()
        expect(page.get_by_text("clients are added")).to_have_count(0)
        page.get_by_role("button", name="Discard this file").click()


def test_whoever_does_not_run_the_practice_finds_no_such_page(people: People) -> None:
    """Neither in the navigation nor by its address."""
    with people.page("ken") as page:
        page.goto("/admin")
        expect(page.get_by_role("link", name=re.compile("Import and export"))).to_have_count(0)
        answer = page.goto("/admin/import")
        assert answer is not None
        assert answer.status in (403, 404)
