"""Which files are taken, under which name, and how much of them."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from gateway.records import files
from gateway.records.files import Upload, UploadRefused, attachment, keep_file, read_upload
from tests.gateway.papers.conftest import pdf_file, photo

if TYPE_CHECKING:
    from gateway.records.store import RecordsStore


def word_file(*names: str, size: int = 10) -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            packed.writestr(name, b"0" * size)
    return written.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kept_as"),
    [
        ("report.pdf", pdf_file(), "report.pdf"),
        ("C:\\Users\\x\\Scan 1.PDF", pdf_file(), "Scan 1.pdf"),
        ("../../etc/passwd.txt", b"text", "passwd.txt"),
        ("a\r\nSet-Cookie: x.txt", b"text", "a Set-Cookie x.txt"),
        ("informe médico.txt", "ñ".encode(), "informe médico.txt"),
        (".txt", b"text", "file.txt"),
        ("a" * 500 + ".txt", b"text", "a" * 120 + ".txt"),
        ("photo.jpeg", photo(), "photo.jpeg"),
        ("photo.png", photo("PNG"), "photo.png"),
        ("letter.docx", word_file("word/document.xml", "[Content_Types].xml"), "letter.docx"),
    ],
)
def test_a_file_is_kept_under_a_plain_name(name: str, content: bytes, kept_as: str) -> None:
    """No folder, no line end, no sign that steers; the ending is that of its kind."""
    assert read_upload(name, content).name == kept_as


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", b"<script>"),
        ("a.svg", b"<svg/>"),
        ("a.pdf.exe", pdf_file()),
        ("a", pdf_file()),
        ("a.pdf", b"%PDF-1.7 without an end"),
        ("a.jpg", b"\xff\xd8\xff broken"),
        ("a.png", pdf_file()),
        ("a.txt", b"a\x00b"),
        ("a.docx", b"PK\x03\x04 broken"),
        ("a.docx", word_file("other.xml")),
        ("a.docx", word_file("word/document.xml", "word/vbaProject.bin")),
        ("a.docx", word_file("word/document.xml", size=files.UNPACKED_BYTES_MAX + 1)),
    ],
)
def test_what_is_not_what_its_name_says_is_refused(name: str, content: bytes) -> None:
    """The name and the first bytes must agree, and nothing that runs or explodes is taken."""
    with pytest.raises(UploadRefused):
        read_upload(name, content)


def test_a_picture_beyond_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of pixels is looked at before the picture is unpacked."""
    monkeypatch.setattr(files, "PIXELS_MAX", 799)
    with pytest.raises(UploadRefused):
        read_upload("a.jpg", photo())


def test_a_turned_photo_stays_upright() -> None:
    """The turn that a camera notes is carried out before the note is dropped."""
    notes = Image.Exif()
    notes[0x0112] = 6
    written = BytesIO()
    Image.new("RGB", (40, 20), "red").save(written, "JPEG", exif=notes)
    assert Image.open(BytesIO(read_upload("a.jpg", written.getvalue()).content)).size == (20, 40)


def test_a_client_has_only_so_much_room(store: RecordsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of one client together stay below the limit, and a refused one leaves nothing."""
    monkeypatch.setattr(files, "CLIENT_BYTES_MAX", 10)
    upload = Upload("a.txt", "text/plain", b"123456")
    with store.session("northgate", writing=True) as session:
        keep_file(session, upload, practice_id="northgate", client_id="mia", by="account/dana")
        keep_file(session, upload, practice_id="northgate", client_id="leo", by="account/dana")
        with pytest.raises(UploadRefused):
            keep_file(session, upload, practice_id="northgate", client_id="mia", by="account/dana")
        session.rollback()


def test_a_name_cannot_leave_its_header() -> None:
    """Quotes and line ends in a name stay out of the plain form; the full name is in the encoded one."""
    header = attachment('a"b\r\nñ.txt', "text/plain", b"").headers["content-disposition"]
    assert header == "attachment; filename=\"abn.txt\"; filename*=UTF-8''a%22b%0D%0A%C3%B1.txt"
