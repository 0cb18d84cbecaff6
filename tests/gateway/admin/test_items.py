"""One item: who sees it and why, its marks, safety blocks, and two people side by side."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from gateway.admin.client_items import SHELVES

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
SEEN = "/admin/clients/mia/seen"


async def words(browser: Browser, path: str, status: int = 200) -> str:
    answer = await browser.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    text = re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2].partition("</main>")[0])
    return " ".join(unescape(text).split())


def of(person: str, page: str) -> str:
    """What the page says from the person's name on."""
    return page.partition(f"{person} ")[2]


async def test_a_clients_items_are_found_by_type_and_words(site: Portal) -> None:
    """Each type lists what the staff member may see; a search narrows it, and says so when nothing is found."""
    jo = await site.as_("jo")
    for kind in SHELVES:
        await words(jo, f"{SEEN}?type={kind}")
    assert "inv_mia_1" in (await jo.get(f"{SEEN}?type=invoice")).text
    found = await words(jo, f"{SEEN}?type=document&q=school")
    assert "What helps Mia at school" in found
    assert "Nothing was found." in await words(jo, f"{SEEN}?type=document&q=zebra")
    assert "thr_dana_ken" not in (await jo.get(f"{SEEN}?type=thread")).text
    assert "thr_dana_ken" in (await (await site.as_("ken")).get(f"{SEEN}?type=thread")).text


@pytest.mark.parametrize(
    ("client", "item", "person", "sentence"),
    [
        ("mia", "document/doc_mia_letter", "Sam Ortega", "Kept from Sam Ortega alone."),
        ("mia", "document/doc_mia_school", "Gus", "Guarantor: this kind of access never includes it."),
        ("leo", "document/doc_leo_private", "Dana Novak", "It is the minor's own: Leo consented to this care alone."),
        ("rosa", "document/doc_rosa_draft", "Rosa", "It is a draft, which no family sees."),
        ("arlo", "invoice/inv_arlo_1", "Tom", "Invoices: off for Tom"),
        ("rosa", "service_plan/plan_rosa", "Tom", "Emergency contact: this kind of access never includes it."),
    ],
)
async def test_the_deciding_sentence_names_level_and_reason(
    site: Portal, client: str, item: str, person: str, sentence: str
) -> None:
    """Kept by name, never for the kind, the minor's own, a draft, a toggle: each in a sentence an office reads."""
    page = await words(await site.as_("jo"), f"/admin/clients/{client}/seen/{item}")
    told = of(person, page)
    assert sentence in told, page
    assert "Does not see it" in told


async def test_who_sees_it_is_what_the_service_answers(site: Portal) -> None:
    """Dana sees Mia's school letter and Sam does not; with documents off for Mia nobody does, and the page says why."""
    jo, authz = await site.as_("jo"), site.state.authz
    page = await words(jo, f"{SEEN}/document/doc_mia_letter")
    assert page.count("Does not see it") >= 2
    assert "Sees it" in of("Dana Novak", page).partition("Gus")[0]
    await authz.set_client_switch("mia", "documents", on=False, actor="staff/jo")
    page = await words(jo, f"{SEEN}/document/doc_mia_letter")
    assert "Documents: off for everyone of Mia. By Jo" in of("Dana Novak", page)
    assert " Sees it " not in page.replace("Does not see it", "")


async def test_nobody_reads_why_who_may_not_see_the_item_or_the_grants(site: Portal) -> None:
    """A conversation of others, another client's item, an unknown type: the same 404; no grants, no page."""
    jo = await site.as_("jo")
    for path in ("thread/thr_dana_ken", "document/doc_leo_school", "document/none", "clinical_note/note_rosa_1"):
        assert (await jo.get(f"{SEEN}/{path}")).status_code == 404, path
    for name in ("bea", "sky", "rex"):
        assert (await (await site.as_(name)).get(f"{SEEN}/document/doc_mia_school")).status_code in (403, 404)


async def test_a_safety_block_needs_a_reason_that_the_person_never_reads(site: Portal) -> None:
    """Put with a reason, shown with who and when, lifted again; Sam reads the page of an address that is none."""
    jo, sam, path = await site.as_("jo"), await site.as_("sam"), "/admin/clients/mia/grants/g_sam_mia/block"
    assert (await jo.post(path, {"do": "block", "reason": " "}, path)).status_code == 422
    await jo.post(path, {"do": "block", "reason": "a threat on 3 May"}, path)
    page = await words(jo, path)
    assert "The block stands. By Jo" in page
    assert "a threat on 3 May" in page
    missing = await sam.get("/c/nobody/documents")
    blocked = await sam.get("/c/mia/documents")
    assert (blocked.status_code, blocked.text) == (404, missing.text)
    why = await words(jo, f"{SEEN}/document/doc_mia_school")
    assert "A safety block stands between Sam Ortega and Mia." in why
    ken = await site.as_("ken")
    assert (await ken.get(path)).status_code in (403, 404)
    assert (await ken.post(path, {"do": "lift"}, "/admin/clients/mia/documents")).status_code in (403, 404)
    await jo.post(path, {"do": "lift"}, path)
    assert (await sam.get("/c/mia/documents")).status_code == 200


async def test_two_people_stand_side_by_side_with_what_makes_the_difference(site: Portal) -> None:
    """Dana and Sam: messages differ by his own switch, the letter by what is kept from him; the rest is the same."""
    jo, path = await site.as_("jo"), "/admin/clients/mia/compare?a=dana&b=sam"
    page = await words(jo, path)
    assert "differs" in page
    assert "same" in page
    assert "This item: Kept from Sam Ortega alone." in page
    only = await words(jo, f"{path}&only=differences")
    assert " same " not in only
    assert "This item: Kept from Sam Ortega alone." in only
    assert "thr_dana_ken" not in (await jo.get(path)).text
    await words(jo, "/admin/clients/mia/compare?a=nobody&b=nobody")


async def test_a_category_is_changed_after_it_was_seen_what_that_does(site: Portal) -> None:
    """First the page says who loses it, then it is saved; minor-consented, it is gone from Dana, and in the trail."""
    jo, dana = await site.as_("jo"), await site.as_("dana")
    path, paper = "/admin/clients/mia/documents/doc_mia_school/marks", "/c/mia/documents/doc_mia_school"
    seen = {"seen_category": "general", "seen_signer_rule": "nobody"}
    wanted = {**seen, "category": "minor_consented", "signer_rule": "nobody"}
    preview = await jo.post(path, {**wanted, "step": "look"}, path)
    assert "Dana Novak no longer sees it." in unescape(preview.text)
    assert (await dana.get(paper)).status_code == 200
    saved = await jo.post(path, {**wanted, "step": "save"}, path)
    assert saved.headers["location"] == "/admin/clients/mia/documents/doc_mia_school"
    assert (await dana.get(paper)).status_code == 404
    late = await jo.post(path, {**wanted, "category": "legal", "step": "save"}, path)
    assert late.status_code == 409
    assert "Somebody else changed this first" in late.text
    assert (await dana.get(paper)).status_code == 404


async def test_who_signs_stays_once_somebody_has_signed(site: Portal) -> None:
    """The form says so, and a form sent all the same changes nothing: signed papers stay attributed."""
    jo, dana = await site.as_("jo"), await site.as_("dana")
    path = "/admin/clients/mia/documents/doc_mia_consent/marks"
    own = "/c/mia/documents/doc_mia_consent_dana"
    page = (await dana.get(own)).text
    shown = re.search(r'name="shown" value="([^"]+)"', page)
    assert shown
    signed = {"typed_name": "Dana Novak", "agreed": "yes", "shown": shown[1]}
    done = await dana.post(f"{own}/sign", signed, own)
    assert done.status_code == 303, done.text
    assert "Somebody has signed already" in (await jo.get(path)).text
    seen = {"seen_category": "legal", "seen_signer_rule": "each_guardian"}
    category = re.search(r'name="seen_category" value="([^"]+)"', (await jo.get(path)).text)
    assert category
    seen["seen_category"] = category[1]
    sent = {**seen, "category": category[1], "signer_rule": "nobody", "step": "save"}
    assert (await jo.post(path, sent, path)).status_code == 422
    assert (await dana.get(own)).text.count("You signed this as Dana Novak") == 1
