"""A family fills a form in, leaves, comes back, signs and sends it; the practice finds it among the documents."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw
from pypdf import PdfReader

from gateway.portal.intake.filling import save_answers
from models.tables.intake import FormAnswer
from models.tables.papers import Signature, StoredFile
from models.tables.records import Document
from tests.gateway.intake.conftest import hidden, save, sign

if TYPE_CHECKING:
    from sqlmodel import Session

    from tests.gateway.intake.conftest import Site

pytestmark = pytest.mark.anyio

INTAKE = "/c/mia/forms/form_mia_intake"  # of the cast
ABOUT = {
    "q.for_whom": "child",
    "q.full_name": "Mia Novak",
    "q.born": "2017-03-09",
    "q.phone": "(555) 0120-102",
}


async def test_the_list_has_what_is_to_complete_first_and_only_the_readers_own(site: Site) -> None:
    dana, sam, rosa = await site.as_("dana"), await site.as_("sam"), await site.as_("rosa")
    page = (await dana.get("/c/mia/forms")).text
    assert page.index("To complete") < page.index("Informed Consent for Psychotherapy")
    assert "4 of" in page, "the answers given so far are counted"
    assert (await sam.get("/c/mia/forms")).status_code == 403, "forms are off for sam"
    assert (await rosa.get("/c/rosa/forms")).text.count("Standard Intake Questionnaire") == 1
    assert (await rosa.get("/c/mia/forms")).status_code == 404


async def test_answers_are_kept_when_the_reader_goes_on_later(site: Site) -> None:
    dana, form = await site.as_("dana"), await site.give("intake")
    path = f"/c/mia/forms/{form.id}"
    left = await save(dana, f"{path}/steps/1", ABOUT | {"q.called": "Mia, she/her", "go": "later"})
    assert (left.status_code, left.headers["location"]) == (303, "/c/mia/forms")
    again = (await dana.get(f"{path}/steps/1")).text
    assert 'value="Mia, she/her"' in again
    assert (await site.kept(form.id)).state == "in_progress"


async def test_a_step_says_what_is_missing_and_keeps_what_was_typed(site: Site) -> None:
    dana, form = await site.as_("dana"), await site.give("intake")
    path = f"/c/mia/forms/{form.id}"
    answer = await save(dana, f"{path}/steps/1", ABOUT | {"q.phone": "12", "q.called": "Mimi"})
    assert answer.status_code == 422
    assert 'href="#q.phone"' in answer.text
    assert 'value="12"' in answer.text
    assert 'value="Mimi"' in answer.text
    assert "area code" in answer.text


async def test_a_part_is_asked_only_with_the_answers_that_lead_to_it(site: Site) -> None:
    dana, form = await site.as_("dana"), await site.give("intake")
    path = f"/c/mia/forms/{form.id}"
    first = await save(dana, f"{path}/steps/1", ABOUT)
    assert first.headers["location"] == f"{path}/steps/3", "the part about adults is left out for a child"
    assert (await dana.get(f"{path}/steps/2")).status_code == 404
    second = await save(dana, f"{path}/steps/1", ABOUT | {"q.for_whom": "myself"})
    assert second.headers["location"] == f"{path}/steps/2"


async def test_what_two_tabs_changed_is_joined(site: Site) -> None:
    dana, form = await site.as_("dana"), await site.give("intake")
    path = f"/c/mia/forms/{form.id}"
    page = (await dana.get(f"{path}/steps/1")).text
    await save(dana, f"{path}/steps/1", ABOUT | {"q.called": "Mimi"}, page=page)
    answer = await save(dana, f"{path}/steps/1", ABOUT | {"q.email": "d@mail.example"}, page=page)
    assert answer.status_code == 303
    answers = (await site.kept(form.id)).answers
    assert (answers["called"], answers["email"]) == ("Mimi", "d@mail.example")


async def test_where_two_tabs_disagree_the_reader_chooses(site: Site) -> None:
    dana, form = await site.as_("dana"), await site.give("intake")
    path = f"/c/mia/forms/{form.id}"
    page = (await dana.get(f"{path}/steps/1")).text
    await save(dana, f"{path}/steps/1", ABOUT | {"q.called": "Mimi"}, page=page)
    merge = await save(dana, f"{path}/steps/1", ABOUT | {"q.called": "Mia"}, page=page)
    assert merge.status_code == 409
    assert "Mimi" in merge.text
    assert 'name="q.called" value="Mia"' in merge.text
    assert (await site.kept(form.id)).answers["called"] == "Mimi"
    choice = {"version": hidden(merge.text, "version"), "asked": "called", "q.called": "Mia", "go": "next"}
    saved = await dana.post(f"{path}/steps/1", choice | {"choose.called": "saved"}, f"{path}/steps/1")
    assert saved.status_code == 303
    assert (await site.kept(form.id)).answers["called"] == "Mimi"
    await dana.post(f"{path}/steps/1", choice | {"choose.called": "typed"}, f"{path}/steps/1")
    assert (await site.kept(form.id)).answers["called"] == "Mia"


async def test_a_script_that_keeps_answers_learns_the_version_or_that_there_is_something_to_choose(
    site: Site,
) -> None:
    dana, form = await site.as_("dana"), await site.give("intake")
    path = f"/c/mia/forms/{form.id}"
    page = (await dana.get(f"{path}/steps/1")).text
    as_json = {"headers": {"accept": "application/json"}}
    first = await save(dana, f"{path}/steps/1", ABOUT | {"q.called": "Mimi"}, page=page, **as_json)
    assert (first.status_code, first.json()["version"]) == (200, int(hidden(page, "version")) + 1)
    second = await save(dana, f"{path}/steps/1", ABOUT | {"q.called": "Mia"}, page=page, **as_json)
    assert second.status_code == 409


async def test_a_form_is_sent_only_when_it_is_complete_and_signed(site: Site) -> None:
    dana, form = await site.as_("dana"), await site.give("privacy")
    path = f"/c/mia/forms/{form.id}"
    missing = await sign(dana, path)
    assert missing.status_code == 422
    assert "tick the box to confirm" in missing.text
    await save(dana, f"{path}/steps/3", {"q.received": "yes"})
    unsigned = await sign(dana, path, typed_name="", agreed="")
    assert unsigned.status_code == 422
    assert 'href="#typed_name"' in unsigned.text
    assert 'href="#agreed"' in unsigned.text
    assert (await site.kept(form.id)).state == "in_progress"


async def test_a_completed_form_is_signed_final_and_among_the_documents(site: Site) -> None:
    dana, form = await site.as_("dana"), await site.give("privacy")
    path = f"/c/mia/forms/{form.id}"
    await save(dana, f"{path}/steps/3", {"q.received": "yes"})
    sent = await sign(dana, path)
    assert (sent.status_code, sent.headers["location"]) == (303, path)
    form = await site.kept(form.id)
    assert form.state == "completed"
    assert form.signature is not None
    assert (form.signature["name"], form.signature["signer_id"]) == ("Dana Novak", "dana")
    (document,) = [row for row in await site.rows(Document) if row.id == form.document_id]
    assert (document.category, document.state, document.copy_of) == ("general", "signed", "dana")
    (file,) = [row for row in await site.rows(StoredFile) if row.id == document.file_id]
    assert file.content.startswith(b"%PDF-")
    assert [row for row in await site.rows(FormAnswer) if row.form_id == form.id] == []
    page = (await dana.get(path)).text
    assert "Dana Novak" in page
    assert f"/c/mia/documents/{document.id}" in page
    assert (await dana.get(f"{path}/steps/3")).status_code == 404
    assert (await dana.get(f"{path}/review")).status_code == 404


async def test_sending_twice_sends_once(site: Site) -> None:
    dana, form = await site.as_("dana"), await site.give("privacy")
    path = f"/c/mia/forms/{form.id}"
    await save(dana, f"{path}/steps/3", {"q.received": "yes"})
    review = (await dana.get(f"{path}/review")).text
    token = await dana.token(f"{path}/review")
    fields = {"version": hidden(review, "version"), "typed_name": "Dana Novak", "agreed": "yes", "csrf": token}
    before = len(await site.rows(Document))
    for _ in range(2):
        answer = await dana.http.post(f"{path}/submit", data=fields)
        assert answer.status_code == 303
    assert len(await site.rows(Document)) == before + 1


async def test_what_is_typed_after_the_form_was_sent_is_shown_again(site: Site) -> None:
    dana, form = await site.as_("dana"), await site.give("privacy")
    path = f"/c/mia/forms/{form.id}"
    page = (await dana.get(f"{path}/steps/3")).text
    token = await dana.token(f"{path}/steps/3")
    await save(dana, f"{path}/steps/3", {"q.received": "yes"})
    await sign(dana, path)
    fields = {"version": hidden(page, "version"), "asked": "received", "csrf": token}
    late = await dana.http.post(f"{path}/steps/3", data=fields)
    assert late.status_code == 409
    assert "was sent already" in late.text
    assert (await site.kept(form.id)).answers == {"received": True}


async def test_changed_after_the_review_is_reviewed_again(site: Site) -> None:
    dana, form = await site.as_("dana"), await site.give("privacy")
    path = f"/c/mia/forms/{form.id}"
    await save(dana, f"{path}/steps/3", {"q.received": "yes"})
    answer = await sign(dana, path, version="0")
    assert answer.status_code == 422
    assert "changed in another tab" in answer.text
    assert 'value="Dana Novak"' in answer.text


async def test_what_was_not_looked_at_is_not_sent(site: Site) -> None:
    """A form that names the version of a save still to come does not carry unfinished answers past the check."""
    dana, form = await site.as_("dana"), await site.give("privacy")
    path, authz = f"/c/mia/forms/{form.id}", site.portal.state.authz
    await save(dana, f"{path}/steps/3", {"q.received": "yes"})
    opened, real = await site.kept(form.id), authz.staff_of
    seen, now = opened.version, site.portal.clock()

    async def meanwhile(practice_id: str) -> Any:
        def undo(session: Any) -> None:
            save_answers(session, opened, seen=seen, sent={"received": None}, account_id="dana", now=now)

        await site.change(undo)
        return await real(practice_id)

    authz.staff_of = meanwhile
    try:
        answer = await sign(dana, path, version=str(seen + 1))
    finally:
        authz.staff_of = real
    assert answer.status_code == 422
    assert (await site.kept(form.id)).state == "in_progress"


async def test_nobody_else_reaches_a_form_whatever_they_send(site: Site) -> None:
    tom = await site.as_("tom")
    for path in (f"{INTAKE}/steps/1", f"{INTAKE}/submit"):
        answer = await tom.post(path, {"version": "0"}, "/c/rosa")
        assert answer.status_code == 404


async def test_the_form_speaks_spanish(site: Site) -> None:
    dana, form = await site.as_("dana"), await site.give("intake")
    path = f"/c/mia/forms/{form.id}"
    page = (await dana.get(f"{path}/steps/1", headers={"accept-language": "es"})).text
    assert "Cuestionario inicial" in page
    assert "¿Sobre quién es este cuestionario?" in page


@pytest.mark.parametrize("typed", ["Dana", "D. Novak", "Sam Ortega", "Mia Novak", "Novak Dana"])
async def test_a_form_is_signed_with_the_signers_own_full_name(site: Site, typed: str) -> None:
    dana, form = await site.as_("dana"), await site.give("privacy")
    path = f"/c/mia/forms/{form.id}"
    await save(dana, f"{path}/steps/3", {"q.received": "yes"})
    refused = await sign(dana, path, typed_name=typed)
    assert refused.status_code == 422
    assert "Type your first and last name: Dana Novak." in refused.text
    assert f'value="{typed}"' in refused.text, "what was typed is kept"
    assert (await site.kept(form.id)).state == "in_progress"


def drawing() -> str:
    """A signature as the pad sends it."""
    picture, written = Image.new("RGBA", (400, 120)), BytesIO()
    ImageDraw.Draw(picture).line([(20, 90), (180, 30), (360, 80)], fill=(20, 20, 60, 255), width=7)
    picture.save(written, "PNG")
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


async def test_a_form_is_signed_as_documents_are(site: Site) -> None:
    """Drawn as well as typed, sealed, certified on a page of the PDF, in the trail; what is changed later is found."""
    dana, form = await site.as_("dana"), await site.give("privacy")
    path, state = f"/c/mia/forms/{form.id}", site.portal.state
    await save(dana, f"{path}/steps/3", {"q.received": "yes"})
    assert (await sign(dana, path, drawn=drawing())).status_code == 303
    form = await site.kept(form.id)
    (signature,) = [row for row in await site.rows(Signature) if row.document_id == form.document_id]
    assert (signature.typed_name, signature.kinds, signature.amr) == ("Dana Novak", ["guardian"], ["pwd"])
    assert signature.drawn is not None
    assert "electronically" in signature.consent
    pdf = PdfReader(BytesIO((await dana.get(f"/c/mia/documents/{form.document_id}/download")).content))
    text = " ".join(page.extract_text() for page in pdf.pages)
    assert "Certificate of electronic signature" in text
    assert signature.content_sha256 in text.replace("\n", "")
    check = f"/verify/northgate.{signature.id}"
    assert check in (await dana.get(path)).text
    assert "as it was signed" in (await dana.get(check)).text

    def change(session: Session) -> None:
        document = session.get_one(Document, form.document_id)
        file = session.get_one(StoredFile, document.file_id)
        file.content += b" "

    await state.records.change("northgate", change)
    assert "as it was signed" not in (await dana.get(check)).text


async def test_the_privacy_notice_keeps_its_headings_wherever_it_is_read(site: Site) -> None:
    """While it is filled in, before it is sent, and once it is completed; below the page's own headings."""
    dana, form = await site.as_("dana"), await site.give("privacy")
    path = f"/c/mia/forms/{form.id}"
    assert "<h2>What we owe you</h2>" in (await dana.get(f"{path}/steps/1")).text
    await save(dana, f"{path}/steps/3", {"q.received": "yes"})
    assert "<h3>What we owe you</h3>" in (await dana.get(f"{path}/review")).text
    await sign(dana, path)
    assert "<h3>What we owe you</h3>" in (await dana.get(path)).text


async def test_staff_see_a_form_in_the_language_they_choose(site: Site) -> None:
    """The whole preview, its small words too; the page around it stays in the reader's language."""
    jo = await site.as_("jo")
    page = (await jo.get("/admin/forms/northgate-privacy?language=es")).text
    assert "<h3>Lo que le debemos</h3>" in page
    assert "What we owe you" not in page
    intake = (await jo.get("/admin/forms/northgate-intake?language=es")).text
    assert "(opcional)" in intake
    assert "(optional)" not in intake
    assert "Language of the preview" in intake
    spanish = (await jo.get("/admin/forms/northgate-privacy", headers={"accept-language": "es"})).text
    assert "Lo que le debemos" in spanish
