"""Handing in, signing, releasing and sending documents, through the pages and the real service."""

from __future__ import annotations

import asyncio
import base64
import re
import threading
import time
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw
from pypdf import PdfReader
from sqlmodel import select

from gateway.portal.papers import documents
from gateway.records import files
from gateway.records.papers import content_sha256
from models.tables.mail import Mail, Notice
from models.tables.papers import DocumentRelease, Signature, StoredFile
from models.tables.records import Document
from tests.gateway.papers.conftest import pdf_file, photo

if TYPE_CHECKING:
    import httpx

    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
CONSENT = "doc_mia_consent_dana"
SIGNED = {"typed_name": "Dana Novak", "agreed": "yes"}


async def rows(site: Portal, table: type[Any], *conditions: Any) -> list[Any]:
    return await site.state.records.read(
        "northgate", lambda session: list(session.exec(select(table).where(*conditions)))
    )


async def one(site: Portal, document_id: str) -> Document:
    (found,) = await rows(site, Document, Document.id == document_id)
    return found


async def hand_in(browser: Browser, client: str, name: str, content: bytes, **fields: str) -> httpx.Response:
    page = f"/c/{client}/documents"
    return await browser.post(page, fields, page, files={"file": (name, content)})


async def test_a_file_sent_twice_by_one_form_is_kept_once(site: Portal) -> None:
    """A double click; another form brings another file, and so does (the control) a form without its key."""
    rosa = await site.as_("rosa")
    for once, kept in (("ab" * 16, 1), ("ab" * 16, 1), ("cd" * 16, 2), ("", 3)):
        answer = await hand_in(rosa, "rosa", "card.pdf", pdf_file(), title="Insurance card", once=once)
        assert answer.status_code == 303
        assert len(await rows(site, Document, Document.title == "Insurance card")) == kept
    twice = await asyncio.gather(
        *(hand_in(rosa, "rosa", "card.pdf", pdf_file(), title="Both", once="ef" * 16) for _ in range(2))
    )
    assert [answer.status_code for answer in twice] == [303, 303]
    assert len(await rows(site, Document, Document.title == "Both")) == 1


async def sign(browser: Browser, client: str, document_id: str, **changes: str) -> httpx.Response:
    page = f"/c/{client}/documents/{document_id}"
    shown = re.search(r'name="shown" value="([0-9a-f]{64})"', (await browser.get(page)).text)
    fields = {"shown": shown[1] if shown else "", **SIGNED, **changes}
    return await browser.post(f"{page}/sign", fields, page)


async def add(site: Portal, client: str, **fields: Any) -> str:
    """A draft by jo; its id."""
    jo = await site.as_("jo")
    page = f"/admin/clients/{client}/documents"
    form = {"title": "Paper", "text": "One.\n\nTwo.", "category": "general", "signer_rule": "nobody", **fields}
    files = form.pop("files", {"file": ("", b"")})
    answer = await jo.post(page, form, page, files=files)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rsplit("/", 1)[-1]


async def act(site: Portal, client: str, document_id: str, what: str) -> None:
    jo = await site.as_("jo")
    page = f"/admin/clients/{client}/documents/{document_id}"
    answer = await jo.post(f"{page}/{what}", {}, page)
    assert answer.status_code == 303, answer.text


def words(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)


async def test_a_text_is_downloaded_as_a_pdf_with_title_and_language(site: Portal) -> None:
    """A document that is text comes as PDF: letterhead, title, paragraphs; the same bytes each time."""
    dana = await site.as_("dana")
    first = await dana.get("/c/mia/documents/doc_mia_school/download")
    again = await dana.get("/c/mia/documents/doc_mia_school/download")
    assert first.headers["content-type"] == "application/pdf"
    assert first.headers["content-disposition"].startswith("attachment;")
    assert first.content == again.content
    reader = PdfReader(BytesIO(first.content))
    assert (reader.metadata.title, reader.root_object["/Lang"]) == ("What helps Mia at school", "en")
    assert "picture cards" in words(first.content)
    assert "Northgate Family Practice" in words(first.content)


async def test_what_one_parent_hands_in_is_the_practices_and_that_parents(site: Portal) -> None:
    """An uploaded file is seen by the practice and by whoever sent it, and by the other parent only once shared."""
    dana, sam, ken = await site.as_("dana"), await site.as_("sam"), await site.as_("ken")
    assert (await hand_in(dana, "mia", "../../r\u202eeport.pdf", pdf_file(), title="School report")).status_code == 303
    (row,) = await rows(site, Document, Document.uploaded_by == "dana")
    assert (row.title, row.copy_of, row.state) == ("School report", "dana", "released")
    (file,) = await rows(site, StoredFile)
    assert (file.name, file.kept_by, file.media_type) == ("r eport.pdf", "account/dana", "application/pdf")
    page = f"/c/mia/documents/{row.id}"
    assert "handed in by you" in (await dana.get("/c/mia/documents")).text
    kept = await dana.get(f"{page}/download")
    assert (kept.content, kept.headers["content-security-policy"]) != (b"", "")
    assert kept.content == file.content
    assert kept.headers["x-content-type-options"] == "nosniff"
    assert (await sam.get(page)).status_code == 404
    assert row.id not in (await sam.get("/c/mia/documents")).text
    assert "handed in by Dana Novak" in (await ken.get("/admin/clients/mia/documents")).text
    await act(site, "mia", row.id, "share")
    assert (await sam.get(page)).status_code == 200
    assert "handed in by the family" in (await sam.get("/c/mia/documents")).text
    told = await rows(site, Notice, Notice.event == "document")
    assert {notice.subject_id for notice in told} == {"jo", "ken"}


REFUSED_FILES = [
    ("a.exe", b"MZ", "not taken"),
    ("a.pdf", b"<html>", "cannot be read"),
    ("a.png", photo("JPEG"), "cannot be read"),
    ("a.pdf", b"", "empty"),
    ("a.txt", b"\xff\xfe\x00", "cannot be read"),
    ("a.pdf", b"%PDF-" + b"x" * (10 * 1024 * 1024), "larger than 10 MB"),
    ("", b"", "Choose a file first"),
]


async def test_a_file_that_is_not_taken_is_refused_in_words(site: Portal) -> None:
    """Wrong kind, wrong content, empty, too large or none: 422, the reason, and the title still there."""
    rosa = await site.as_("rosa")
    for name, content, sentence in REFUSED_FILES:
        answer = await hand_in(rosa, "rosa", name, content, title="My <paper>")
        assert (answer.status_code, sentence in answer.text) == (422, True), (name, sentence)
        assert 'value="My &lt;paper&gt;"' in answer.text
    assert await rows(site, StoredFile) == []


async def test_only_a_form_for_files_takes_a_large_body_and_nobody_signed_out_does(site: Portal) -> None:
    """Beyond 12 MiB the upload is cut off; elsewhere at 1 MiB; without a session nothing large is read."""
    rosa = await site.as_("rosa")
    assert (await hand_in(rosa, "rosa", "a.pdf", b"x" * (13 * 1024 * 1024))).status_code == 413
    page = "/c/mia/documents/doc_mia_consent"
    dana = await site.as_("dana")
    assert (await dana.post(f"{page}/copy", {"x": "y" * (2 * 1024 * 1024)}, page)).status_code == 413
    stranger = site.browser()
    token = await stranger.token()
    sent = await stranger.http.post("/c/rosa/documents", data={"csrf": token}, files={"file": ("a.pdf", pdf_file())})
    assert sent.status_code in {303, 403}
    assert await rows(site, StoredFile) == []


async def test_pictures_lose_what_the_camera_noted(site: Portal) -> None:
    """Place and device are gone from a kept picture."""
    rosa = await site.as_("rosa")
    assert b"Secretcam" in photo()
    assert (await hand_in(rosa, "rosa", "IMG 1.JPG", photo())).status_code == 303
    (file,) = await rows(site, StoredFile)
    assert file.name == "IMG 1.jpg"
    assert b"Secretcam" not in file.content
    assert not Image.open(BytesIO(file.content)).getexif()


async def test_few_files_are_read_at_once_and_none_where_requests_are_answered(
    site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures and papers take memory and time: two at a time, in threads, whatever number arrives."""
    lock, now, most, threads = threading.Lock(), [0], [0], set[int]()

    def counted(work: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
                threads.add(threading.get_ident())
            time.sleep(0.05)
            try:
                return work(*args, **kwargs)
            finally:
                with lock:
                    now[0] -= 1

        return run

    rosa = await site.as_("rosa")
    token = await rosa.token("/c/rosa/documents")
    monkeypatch.setattr(files, "read_upload", counted(files.read_upload))
    monkeypatch.setattr(documents, "print_document", counted(documents.print_document))
    sent = {"data": {"csrf": token}, "files": {"file": ("a.jpg", photo())}}
    await asyncio.gather(*(rosa.http.post("/c/rosa/documents", **sent) for _ in range(6)))
    assert (len(await rows(site, StoredFile)), most[0]) == (6, 2)
    await asyncio.gather(*(rosa.get("/c/rosa/documents/doc_rosa_summary/download") for _ in range(6)))
    assert most[0] == 2
    assert threading.get_ident() not in threads


async def test_both_parents_sign_their_own_copies_and_neither_sees_the_others(site: Portal) -> None:
    """Sealed both-sign (P8): the original waits for nobody who has a copy; staff see both signatures, a parent one."""
    dana, sam, jo = await site.as_("dana"), await site.as_("sam"), await site.as_("jo")
    waiting = (await dana.get("/c/mia/documents")).text.partition("Other documents")[0]
    assert re.findall(r'href="/c/mia/documents/([^"]+)"', waiting.partition("<main")[2]) == [CONSENT]
    original = (await dana.get("/c/mia/documents/doc_mia_consent")).text
    assert f'href="/c/mia/documents/{CONSENT}"' in original
    assert 'name="typed_name"' not in original
    assert (await sign(dana, "mia", CONSENT)).status_code == 303
    assert (await one(site, CONSENT)).state == "signed"
    assert (await one(site, "doc_mia_consent_sam")).state == "released"
    assert (await sam.get(f"/c/mia/documents/{CONSENT}")).status_code == 404
    assert "Dana" not in (await sam.get("/c/mia/documents/doc_mia_consent")).text.partition("<main")[2]
    assert (await sign(sam, "mia", "doc_mia_consent_sam", typed_name="Sam Ortega")).status_code == 303
    staff = (await jo.get("/admin/clients/mia/documents/doc_mia_consent")).text
    assert "signed as Dana Novak" in staff
    assert "signed as Sam Ortega" in staff
    assert "2 signed" in staff
    assert "Waiting for your signature" not in (await dana.get("/c/mia/documents")).text
    download = words((await dana.get(f"/c/mia/documents/{CONSENT}/download")).content)
    assert "Certificate of electronic signature" in download
    assert "Sam" not in download


async def test_a_guardian_who_came_later_gets_a_copy_of_her_own(site: Portal) -> None:
    """Where each guardian signs, whoever has no copy yet opens one from the original; twice is the same copy."""
    document = await add(site, "leo", signer_rule="each_guardian", title="Camp")
    await act(site, "leo", document, "release")
    copies = await rows(site, Document, Document.original_id == document)
    assert {copy.copy_of for copy in copies} == {"dana", "sam"}
    await site.state.records.remove("document", next(copy for copy in copies if copy.copy_of == "dana"))
    dana, page = await site.as_("dana"), f"/c/leo/documents/{document}"
    assert "Open my copy" in (await dana.get(page)).text
    first = await dana.post(f"{page}/copy", {}, page)
    again = await dana.post(f"{page}/copy", {}, "/c/leo/documents")
    assert first.headers["location"] == again.headers["location"]
    assert (await sign(dana, "leo", first.headers["location"].rsplit("/", 1)[-1])).status_code == 303


async def test_nobody_signs_the_original_of_which_each_signs_a_copy(site: Portal) -> None:
    """A signature on the original, by a form of one's own making, would close it for the other parent: a 404."""
    document = await add(site, "leo", signer_rule="each_guardian", title="Camp")
    await act(site, "leo", document, "release")
    dana, page = await site.as_("dana"), f"/c/leo/documents/{document}"
    shown = content_sha256(await one(site, document), None)
    answer = await dana.post(f"{page}/sign", {**SIGNED, "shown": shown}, "/c/leo/documents")
    assert answer.status_code == 404
    assert (await one(site, document)).state == "released"
    assert await rows(site, Signature) == []


async def test_a_signature_needs_a_name_and_consent_and_keeps_what_was_typed(site: Portal) -> None:
    """A missing name or tick: 422 with each fault beside its field; nothing is signed."""
    dana = await site.as_("dana")
    unnamed = await sign(dana, "mia", CONSENT, typed_name=" ")
    assert (unnamed.status_code, "it is your signature" in unnamed.text) == (422, True)
    half = await sign(dana, "mia", CONSENT, typed_name="Dana")
    assert (half.status_code, "Type your first and last name: Dana Novak." in half.text) == (422, True)
    undecided = await sign(dana, "mia", CONSENT, agreed="")
    assert (undecided.status_code, 'value="Dana Novak"' in undecided.text) == (422, True)
    scribble = await sign(dana, "mia", CONSENT, drawn="data:image/png;base64,AAAA")
    assert (scribble.status_code, "could not be read" in scribble.text) == (422, True)
    assert await rows(site, Signature) == []


async def test_a_drawn_signature_is_kept_and_printed(site: Portal) -> None:
    """The drawing becomes black lines on the certificate; a second click changes nothing."""
    picture = Image.new("RGBA", (400, 120), (0, 0, 0, 0))
    ImageDraw.Draw(picture).line([(10, 100), (390, 20)], fill=(200, 220, 255, 255), width=6)
    written = BytesIO()
    picture.save(written, "PNG")
    drawn = "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()
    dana = await site.as_("dana")
    assert (await sign(dana, "mia", CONSENT, drawn=drawn)).status_code == 303
    again = await dana.post(f"/c/mia/documents/{CONSENT}/sign", dict(SIGNED), "/c/mia/documents")
    assert again.status_code == 303
    (signature,) = await rows(site, Signature)
    assert Image.open(BytesIO(signature.drawn)).getextrema() == (0, 255)
    assert (signature.kinds, signature.amr, signature.number) == (["guardian"], ["pwd"], 1)
    content = (await dana.get(f"/c/mia/documents/{CONSENT}/download")).content
    assert sum(len(page.images) for page in PdfReader(BytesIO(content)).pages) == 1
    assert signature.content_sha256 in words(content).replace("\n", "")


async def test_nobody_signs_what_changed_after_it_was_opened(site: Portal) -> None:
    """The hash of what was shown must still fit: otherwise 409, and the changed text is on the page."""
    dana = await site.as_("dana")
    page = f"/c/mia/documents/{CONSENT}"
    shown = re.search(r'name="shown" value="([0-9a-f]{64})"', (await dana.get(page)).text)[1]
    row = await one(site, CONSENT)
    row.body = "I agree to everything."
    await site.state.records.save("document", row)
    answer = await dana.post(f"{page}/sign", {**SIGNED, "shown": shown}, page)
    assert answer.status_code == 409
    assert "I agree to everything." in answer.text
    assert await rows(site, Signature) == []


async def test_a_change_after_signing_and_an_edited_record_are_found(site: Portal) -> None:
    """/verify says intact, changed after signing, or record altered; and names neither document nor person."""
    dana = await site.as_("dana")
    await sign(dana, "mia", CONSENT)
    (signature,) = await rows(site, Signature)
    stranger, path = site.browser(), f"/verify/northgate.{signature.id}"
    intact = (await stranger.get(path)).text
    assert "as it was signed" in intact
    assert "Dana" not in intact
    assert "Mia" not in intact
    row = await one(site, CONSENT)
    body, row.body = row.body, "Something else."
    await site.state.records.save("document", row)
    assert "changed after it was signed" in (await stranger.get(path)).text
    jo = await site.as_("jo")
    assert "Changed after signing" in (await jo.get("/admin/clients/mia/documents/doc_mia_consent")).text
    row.body = body
    await site.state.records.save("document", row)
    assert "as it was signed" in (await stranger.get(path)).text
    signature.typed_name = "Somebody Else"
    await site.state.records.change("northgate", lambda session: session.merge(signature))
    assert "record of this signature was altered" in (await stranger.get(path)).text
    for wrong in ("northgate.wrong", f"harborview.{signature.id}", "x" * 500):
        assert (await stranger.get(f"/verify/{wrong}")).status_code in {400, 404}


async def test_named_signers_must_all_sign_and_learn_no_more_of_each_other_than_the_day(site: Portal) -> None:
    """State `signed` comes with the last of the named; who has signed is not asked again."""
    document = await add(site, "mia", signer_rule="named", signer=["dana", "sam"])
    await act(site, "mia", document, "release")
    dana, sam = await site.as_("dana"), await site.as_("sam")
    assert (await sign(dana, "mia", document)).status_code == 303
    assert (await one(site, document)).state == "released"
    page = (await dana.get(f"/c/mia/documents/{document}")).text
    assert "complete when everyone who is asked has signed" in page
    assert 'name="typed_name"' not in page
    assert "Signed by another person" in (await sam.get(f"/c/mia/documents/{document}")).text
    assert (await sign(sam, "mia", document, typed_name="Sam Ortega")).status_code == 303
    assert (await one(site, document)).state == "signed"
    assert len(await rows(site, Signature)) == 2


async def test_only_whom_the_rule_names_signs(site: Portal) -> None:
    """The signer rule decides (P21), also when the form is sent by hand."""
    rosa, tom = await site.as_("rosa"), await site.as_("tom")
    for rule, signs in (("nobody", False), ("any_guardian", False), ("client", True)):
        document = await add(site, "rosa", signer_rule=rule)
        await act(site, "rosa", document, "release")
        assert (await sign(tom, "rosa", document)).status_code == 404
        assert (await sign(rosa, "rosa", document, typed_name="Rosa Delgado")).status_code == (303 if signs else 404), (
            rule
        )
        assert (await one(site, document)).state == ("signed" if signs else "released")


async def test_drafts_are_never_shown_and_a_withdrawn_document_is_gone(site: Portal) -> None:
    """Draft, released, withdrawn: 404, 200, 404; and what is signed stays released."""
    document = await add(site, "mia", signer_rule="any_guardian")
    dana, page = await site.as_("dana"), f"/c/mia/documents/{document}"
    assert (await dana.get(page)).status_code == 404
    await act(site, "mia", document, "release")
    assert (await dana.get(page)).status_code == 200
    await act(site, "mia", document, "withdraw")
    assert (await dana.get(page)).status_code == 404
    await act(site, "mia", document, "release")
    assert (await sign(dana, "mia", document)).status_code == 303
    await act(site, "mia", document, "withdraw")
    assert (await one(site, document)).state == "signed"


async def test_a_signed_file_gets_the_certificate_after_its_last_page(site: Portal) -> None:
    """An uploaded PDF keeps its pages; the certificate is one more."""
    files = {"file": ("c.pdf", pdf_file("The contract."))}
    document = await add(site, "rosa", text="", signer_rule="client", files=files)
    await act(site, "rosa", document, "release")
    rosa, page = await site.as_("rosa"), f"/c/rosa/documents/{document}"
    assert (await rosa.get(f"{page}/download")).content == pdf_file("The contract.")
    await sign(rosa, "rosa", document, typed_name="Rosa Delgado")
    content = (await rosa.get(f"{page}/download")).content
    pages = PdfReader(BytesIO(content)).pages
    assert ["The contract." in pages[0].extract_text(), "Signed as" in pages[-1].extract_text()] == [True, True]


async def test_a_new_document_tells_each_by_what_they_are_to_do(site: Portal) -> None:
    """On release the signers get a notice to sign, each on their own copy; the others one of a document."""
    document = await add(site, "mia", signer_rule="each_guardian")
    await act(site, "mia", document, "release")
    notices = await rows(site, Notice, Notice.client_id == "mia")
    copies = {row.copy_of: row.id for row in await rows(site, Document, Document.original_id == document)}
    told = {(notice.event, notice.subject_id, notice.item_id) for notice in notices}
    assert {("sign", "dana", copies["dana"]), ("sign", "sam", copies["sam"])} <= told
    assert ("document", "gus", document) in told
    assert not any(event == "document" and subject in copies for event, subject, _ in told)


async def test_the_practices_form_says_what_is_missing(site: Portal) -> None:
    """Each fault of a new document is beside its field, and what was typed stays."""
    jo, page = await site.as_("jo"), "/admin/clients/mia/documents"
    wrong = {"title": "", "text": "Kept text", "category": "psychotherapy", "signer_rule": "named"}
    answer = await jo.post(page, wrong, page, files={"file": ("", b"")})
    assert answer.status_code == 422
    for sentence in ("Give the document a title", "Choose a category", "Tick at least one person", "Kept text"):
        assert sentence in answer.text
    picture = {"title": "T", "text": "", "category": "general", "signer_rule": "client"}
    refused = await jo.post(page, picture, page, files={"file": ("a.png", photo("PNG"))})
    assert (refused.status_code, "Only a text or a PDF can be signed" in refused.text) == (422, True)


async def send_once(site: Portal, client: str, document: str, account: str, **fields: str) -> httpx.Response:
    jo, page = await site.as_("jo"), f"/admin/clients/{client}/documents/{document}/send"
    key = re.search(r'name="key" value="([0-9a-f]{24})"', (await jo.get(page)).text)
    assert key
    form = {"key": key[1], "account": account, "reason": "Asked for by phone", **fields}
    answer = await jo.post(page, form, page)
    if answer.status_code == 200:
        again = await jo.post(page, form, page)
        assert (again.status_code, again.headers["location"]) == (303, page)  # The same form counts once.
    return answer


async def mails(site: Portal) -> list[Mail]:
    """The mails that bring a document, the oldest first."""
    sent = await rows(site, Mail, Mail.practice_id == "northgate")
    return sorted(
        (mail for mail in sent if mail.content and "/released/" in mail.content["text"]), key=lambda mail: mail.id
    )


async def link_of(site: Portal) -> str:
    mail = (await mails(site))[-1]
    found = re.search(r"(/released/[^\s)]+)", mail.content["text"])
    assert found
    assert "Letter about" not in mail.content["text"] + mail.content["subject"]
    return found[1]


async def test_a_document_is_sent_once_to_one_person_and_the_link_works_once(site: Portal) -> None:
    """Kiosk (P13, c18): past the switches, one document, one person, once; the portal shows that person no more."""
    answer = await send_once(site, "rosa", "doc_rosa_summary", "harbor")
    assert "on its way to" in answer.text
    path, stranger = await link_of(site), site.browser()
    opened = await stranger.get(path)
    assert (opened.status_code, "Summary of the first" in opened.text) == (200, False)
    assert (await stranger.get(path)).status_code == 200  # Looking at it does not use it up.
    given = await stranger.post(path, {}, path)
    assert given.headers["content-type"] == "application/pdf"
    assert "Sleep comes first" in words(given.content)
    used, never = await stranger.get(path), await stranger.get("/released/northgate.nothing")
    assert (used.status_code, never.status_code) == (404, 404)
    main = [answer.text.partition("<main")[2].partition("</main>")[0] for answer in (used, never)]
    assert main[0] == main[1]
    harbor = await site.as_("harbor")
    assert (await harbor.get("/c/rosa/documents/doc_rosa_summary")).status_code == 403
    assert site.line.paths.count("/v1/trail") >= 2
    jo = await site.as_("jo")
    assert "opened on June 15, 2026" in (await jo.get("/admin/clients/rosa/documents/doc_rosa_summary/send")).text


async def test_a_link_ends_after_three_days_and_is_kept_only_as_a_hash(site: Portal) -> None:
    """72 hours, then the page of a used link; the database has no secret."""
    await send_once(site, "rosa", "doc_rosa_summary", "tom")
    path, stranger = await link_of(site), site.browser()
    (release,) = await rows(site, DocumentRelease)
    assert path.rpartition(".")[2] not in repr(release.model_dump())
    site.clock.advance(hours=71, minutes=59)
    assert (await stranger.get(path)).status_code == 200
    site.clock.advance(minutes=2)
    assert (await stranger.get(path)).status_code == 404


async def test_a_wrong_passcode_is_counted_and_the_fifth_ends_the_link(site: Portal) -> None:
    """The link alone opens nothing where a passcode is asked."""
    sent = await send_once(site, "rosa", "doc_rosa_summary", "tom", passcode="yes")
    passcode = re.search(r'<strong class="number">(\d{6})</strong>', sent.text)[1]
    path, stranger = await link_of(site), site.browser()
    wrong = "000000" if passcode != "000000" else "111111"
    for left in (4, 3, 2, 1):
        answer = await stranger.post(path, {"passcode": wrong}, path)
        assert (answer.status_code, f"{left} tr" in answer.text) == (422, True)
    assert (await stranger.post(path, {"passcode": passcode}, path)).headers["content-type"] == "application/pdf"
    await send_once(site, "rosa", "doc_rosa_summary", "tom", passcode="yes")
    second = await link_of(site)
    token = await stranger.token(second)
    answers = [await stranger.http.post(second, data={"csrf": token, "passcode": "x"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 404, 404]


async def test_what_may_never_leave_is_not_sent(site: Portal) -> None:
    """Drafts, another's copy, the minor's own, withheld items, blocks and ended access stay, whatever the reason."""
    cases = [
        ("rosa", "doc_rosa_draft", "tom", "A draft cannot be sent"),
        ("mia", CONSENT, "sam", "another person&#39;s own copy"),
        ("leo", "doc_leo_private", "dana", "minor&#39;s own"),
        ("mia", "doc_mia_letter", "sam", "withheld from this person"),
        ("mia", "doc_mia_school", "exa", "Choose a person of the list"),
        ("mia", "doc_mia_school", "tom", "Choose a person of the list"),
    ]
    for client, document, account, sentence in cases:
        answer = await send_once(site, client, document, account)
        assert (answer.status_code, sentence in answer.text) == (422, True), (document, account)
    addiction = await add(site, "rosa", category="part2", title="Protected")
    await act(site, "rosa", addiction, "release")
    assert "written consent first" in (await send_once(site, "rosa", addiction, "tom")).text
    assert await mails(site) == []
    assert (await send_once(site, "rosa", addiction, "tom", consent="yes")).status_code == 200
    path, stranger = await link_of(site), site.browser()
    assert "42 CFR part 2 prohibits" in words((await stranger.post(path, {}, path)).content)


@pytest.mark.parametrize("days", [{"until": "2026-06-15"}, {"from": "2026-06-16"}])
async def test_outside_the_days_of_an_access_nothing_is_released(site: Portal, days: dict[str, str]) -> None:
    """A window that a court's order sets holds for the one-off release too: for a new one, and for one on its way."""
    await send_once(site, "rosa", "doc_rosa_summary", "tom")
    path, stranger, authz = await link_of(site), site.browser(), site.state.authz
    etag = (await authz.grant("g_tom_rosa"))["etag"]
    await authz.update_grant("g_tom_rosa", days, etag=etag, actor="staff/jo")
    assert (await stranger.post(path, {}, path)).status_code == 404
    answer = await send_once(site, "rosa", "doc_rosa_summary", "tom")
    assert (answer.status_code, "no access to the client, or none any more" in answer.text) == (422, True)


async def test_a_disclosure_that_cannot_be_recorded_does_not_happen(site: Portal) -> None:
    """Without the trail no link is mailed and no document is given out; the link stays good."""
    await send_once(site, "rosa", "doc_rosa_summary", "tom")
    path, stranger = await link_of(site), site.browser()
    token = await stranger.token(path)
    site.line.cut = True
    assert (await stranger.http.post(path, data={"csrf": token})).status_code == 503
    site.line.cut = False
    assert (await stranger.post(path, {}, path)).headers["content-type"] == "application/pdf"


async def test_other_staff_and_other_practices_find_no_papers(site: Portal) -> None:
    """A biller, a therapist of others and another practice's administrator get no list, no page, no form."""
    for name in ("bea", "lea", "hal", "rex", "sky"):
        browser = await site.as_(name)
        for place in ("", "/doc_mia_school", "/doc_mia_school/download", "/doc_mia_school/send"):
            assert (await browser.get(f"/admin/clients/mia/documents{place}")).status_code in {403, 404}, (name, place)
