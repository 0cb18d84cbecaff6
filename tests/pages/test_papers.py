"""Papers in a browser: both parents sign their own copies, a file is handed in, a document is sent once."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING

from playwright.sync_api import expect
from pypdf import PdfReader

from tests.gateway.papers.conftest import pdf_file
from tests.pages.test_accessibility import faults

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.pages.conftest import People

AGREE = re.compile("I agree to sign this document electronically")


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def words(path: Path) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(path.read_bytes())).pages)


def test_each_parent_signs_a_copy_of_their_own_and_sees_nothing_of_the_others(people: People) -> None:
    """Dana draws on her telephone, Sam types without JavaScript; the practice sees both (P8)."""
    with people.page("dana", 390) as page:
        page.goto("/c/mia/documents/doc_mia_consent")
        page.get_by_role("link", name="Open your copy").click()
        heading(page, "Consent to play sessions at school (copy for Dana Novak)")
        page.get_by_role("button", name="Sign", exact=True).click()  # The browser itself asks for the name first.
        expect(page.get_by_label("Your full name")).to_be_focused()
        page.get_by_label("Your full name").fill("Dana Novak")
        pad = page.get_by_role("img", name="Draw it too")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 30, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 200, box["y"] + 20, steps=8)
        page.mouse.up()
        page.get_by_label(AGREE).check()
        assert faults(page) == []
        page.get_by_role("button", name="Sign", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Your signature was saved")
        expect(page.get_by_text("You signed this as Dana Novak")).to_be_visible()
        expect(page.get_by_role("button", name="Sign", exact=True)).to_have_count(0)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename == "Consent to play sessions at school (copy for Dana Novak).pdf"
        certified = words(download.value.path())
        assert "Certificate of electronic signature" in certified
        page.get_by_role("link", name="Check this signature").click()
        expect(page.get_by_text("The document is as it was signed.")).to_be_visible()
        assert "Dana" not in page.locator("main").inner_text()
        assert faults(page) == []
    with people.page("sam", 1280, java_script_enabled=False) as page:
        page.goto("/c/mia/documents/doc_mia_consent_sam")
        expect(page.locator("canvas")).to_be_hidden()
        page.get_by_label("Your full name").fill("Sam Ortega")
        page.get_by_label(AGREE).check()
        page.get_by_role("button", name="Sign", exact=True).click()
        expect(page.get_by_text("You signed this as Sam Ortega")).to_be_visible()
        page.goto("/c/mia/documents/doc_mia_consent")
        assert "Dana" not in page.locator("main").inner_text()
    with people.page("jo") as page:
        page.goto("/admin/clients/mia")
        page.get_by_role("link", name="Documents", exact=True).click()
        page.get_by_role("link", name="Consent to play sessions at school").first.click()
        expect(page.get_by_text("signed as Dana Novak")).to_be_visible()
        expect(page.get_by_text("signed as Sam Ortega")).to_be_visible()
        expect(page.get_by_text("As it was signed")).to_have_count(2)
        assert faults(page) == []


def test_a_file_is_handed_in_and_taken_out_again_by_the_practice(people: People) -> None:
    """Uma sends a PDF in Spanish words, sol finds it with her name and removes it; then it is gone for her."""
    with people.page("uma", 390, locale="es-US") as page:
        page.goto("/c/uma/documents")
        chooser = page.get_by_label("Archivo", exact=True)
        chooser.set_input_files(
            {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"x" * (10 * 1024 * 1024 + 1)}
        )
        assert "pesa más de 10 MB" in chooser.evaluate("field => field.validationMessage")
        page.get_by_label("Archivo", exact=True).set_input_files(
            {"name": "informe.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"}
        )
        page.get_by_role("button", name="Enviar el archivo").click()
        expect(page.get_by_role("alert")).to_contain_text("No se aceptan archivos de este tipo")
        assert faults(page) == []
        page.get_by_label("Archivo", exact=True).set_input_files(
            {"name": "informe.pdf", "mimeType": "application/pdf", "buffer": pdf_file()}
        )
        page.get_by_label("Qué es (opcional)").fill("Informe escolar")
        page.get_by_role("button", name="Enviar el archivo").click()
        expect(page.get_by_role("status")).to_contain_text("Su archivo se envió al consultorio")
        page.get_by_role("link", name="Informe escolar").click()
        heading(page, "Informe escolar")
        address = page.url
        with people.page("sol") as practice:
            practice.goto("/admin/clients/uma/documents")
            practice.get_by_role("link", name="Informe escolar").click()
            expect(practice.get_by_text("handed in by Uma")).to_be_visible()
            practice.get_by_role("button", name="Withdraw").click()
            expect(practice.get_by_role("status")).to_contain_text("withdrawn")
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 404


def test_the_practice_sends_one_document_once(people: People) -> None:
    """Jo chooses a person and says why; the page shows the passcode once, and lists what was sent (P13)."""
    with people.page("jo", 390) as page:
        page.goto("/admin/clients/arlo/documents")
        expect(page.get_by_text("There are no documents yet.")).to_be_visible()
        page.goto("/admin/clients/rosa/documents/doc_rosa_summary")
        page.get_by_role("link", name="Send once to one person").click()
        page.get_by_label("To whom").select_option(label="Tom Delgado")
        page.get_by_label("Why").fill("Asked for by telephone")
        page.get_by_role("button", name="Send the link").click()
        expect(page.get_by_role("status")).to_contain_text("The link is on its way to Tom Delgado.")
        expect(page.get_by_role("status").locator("strong")).to_have_text(re.compile(r"\d{6}"))
        assert faults(page) == []
        page.reload()
        expect(page.get_by_text("not opened yet · Asked for by telephone")).to_be_visible()
