"""The practice sends forms: to whom, what each sees of the others', and who at the practice may."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from models.tables.intake import FormTemplate
from models.tables.records import Document, Form
from tests.gateway.intake.conftest import hidden, save, sign

if TYPE_CHECKING:
    from tests.gateway.intake.conftest import Site
    from tests.gateway.portal_stack import Browser

pytestmark = pytest.mark.anyio
PAGE = "/admin/clients/mia/forms"


async def send(browser: Browser, to: list[str], templates: list[str], **fields: Any) -> Any:
    page = (await browser.get(PAGE)).text
    form = {"key": hidden(page, "key"), "to": to, "template": [f"northgate-{one}" for one in templates]}
    return await browser.post(PAGE, form | fields, PAGE)


async def ids(site: Site) -> set[str]:
    return {row.id for row in await site.rows(Form)}


async def sent(site: Site, to: list[str], templates: list[str], **fields: Any) -> list[Form]:
    """The forms that jo's page sent."""
    before = await ids(site)
    assert (await send(await site.as_("jo"), to, templates, **fields)).status_code == 303
    return [row for row in await site.rows(Form) if row.id not in before]


async def own_template(site: Site, **values: Any) -> str:
    """A copy of the notice with other settings; its short name."""
    name = f"notice_{secrets.token_hex(4)}"

    def write(session: Any) -> None:
        row = session.get_one(FormTemplate, "northgate-privacy")
        kept = {column: getattr(row, column) for column in FormTemplate.model_fields}
        session.add(FormTemplate(**(kept | {"id": f"northgate-{name}"} | values)))

    await site.change(write)
    return name


async def test_a_form_reaches_the_person_it_was_sent_to_and_nobody_else(site: Site) -> None:
    (form,) = await sent(site, ["dana"], ["consent"], due="2026-07-01")
    assert (form.filler_id, form.signer_rule, form.signer_ids) == ("dana", "named", ["dana"])
    assert (form.state, str(form.due), form.sent_by) == ("sent", "2026-07-01", "jo")
    assert "Mia is treated at Northgate Family Practice" in str(form.questions)
    dana, sam = await site.as_("dana"), await site.as_("sam")
    assert (await dana.get(f"/c/mia/forms/{form.id}")).status_code == 200
    await site.turn_on("g_sam_mia", "forms")
    assert (await sam.get(f"/c/mia/forms/{form.id}")).status_code == 404


async def test_each_guardian_fills_in_and_signs_a_copy_that_the_other_never_sees(site: Site) -> None:
    name = await own_template(site, signer_rule="each_guardian")
    await site.turn_on("g_sam_mia", "forms")
    copies = {row.filler_id: row for row in await sent(site, ["dana"], [name])}
    assert set(copies) == {"dana", "sam"}
    dana, sam = await site.as_("dana"), await site.as_("sam")
    own = f"/c/mia/forms/{copies['sam'].id}"
    assert (await dana.get(own)).status_code == 404
    await save(sam, f"{own}/steps/3", {"q.received": "yes"})
    assert (await sign(sam, own, typed_name="Sam Ortega")).status_code == 303
    form = await site.kept(copies["sam"].id)
    assert form.signature is not None
    assert form.signature["signer_id"] == "sam"
    assert (await site.kept(copies["dana"].id)).state == "sent"
    (document,) = [row for row in await site.rows(Document) if row.id == form.document_id]
    assert (await sam.get(f"/c/mia/documents/{document.id}")).status_code == 200
    assert (await dana.get(f"/c/mia/documents/{document.id}")).status_code == 404
    forms, documents = (await dana.get("/c/mia/forms")).text, (await dana.get("/c/mia/documents")).text
    assert copies["sam"].id not in forms
    assert document.id not in documents
    assert "Sam" not in forms


async def test_a_family_fills_in_one_form_together(site: Site) -> None:
    name = await own_template(site, visibility="family", signer_rule="any_guardian")
    await site.turn_on("g_sam_mia", "forms")
    (form,) = await sent(site, ["dana", "sam"], [name])
    path = f"/c/mia/forms/{form.id}"
    sam, dana = await site.as_("sam"), await site.as_("dana")
    await save(sam, f"{path}/steps/3", {"q.received": "yes"})
    handed = await sign(sam, path)
    assert handed.status_code == 303, "sam may fill it in, but guardians sign it"
    assert (await site.kept(form.id)).ready_at is not None
    assert "To be signed" in (await dana.get("/c/mia/forms")).text
    assert (await sign(dana, path)).status_code == 303
    done = await site.kept(form.id)
    assert (done.state, done.completed_by) == ("completed", "dana")
    assert (await sam.get(f"/c/mia/documents/{done.document_id}")).status_code == 200


async def test_what_only_the_practice_reads_is_no_document_at_home(site: Site) -> None:
    (form,) = await sent(site, ["dana"], [await own_template(site, visibility="practice")])
    dana = await site.as_("dana")
    await save(dana, f"/c/mia/forms/{form.id}/steps/3", {"q.received": "yes"})
    await sign(dana, f"/c/mia/forms/{form.id}")
    done = await site.kept(form.id)
    assert (await dana.get(f"/c/mia/documents/{done.document_id}")).status_code == 404
    assert (await dana.get(f"/c/mia/forms/{form.id}")).status_code == 200, "whoever filled it in may read it back"
    assert (await (await site.as_("jo")).get(f"{PAGE}/{form.id}")).status_code == 200


async def test_the_same_page_sent_twice_sends_once(site: Site) -> None:
    jo = await site.as_("jo")
    form = {"key": "0" * 32, "to": "dana", "template": "northgate-intake"}
    before = await ids(site)
    for _ in range(2):
        assert (await jo.post(PAGE, form, PAGE)).status_code == 303
    assert len(await ids(site) - before) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"to": []}, 'href="#to"'),
        ({"templates": []}, 'href="#template"'),
        ({"due": "2026-06-14"}, 'href="#due"'),
        ({"due": "soon"}, 'href="#due"'),
        ({"to": ["harbor"]}, 'href="#to"'),
        ({"to": ["exa"]}, 'href="#to"'),
    ],
)
async def test_nothing_is_sent_until_the_page_is_right(site: Site, fields: dict[str, Any], said: str) -> None:
    before = await ids(site)
    answer = await send(await site.as_("jo"), **({"to": ["dana"], "templates": ["intake"]} | fields))
    assert answer.status_code == 422
    assert said in answer.text
    assert await ids(site) == before


WHO = [
    ("priya", "/admin/forms", 200),
    ("jo", "/admin/forms", 200),
    ("jo", "/admin/forms/northgate-intake", 200),
    ("jo", "/admin/forms/northgate-intake?language=es", 200),
    ("jo", "/admin/forms/northgate-intake/edit", 200),
    ("jo", "/admin/forms/northgate-intake/edit/1", 200),
    ("jo", "/admin/forms/northgate-intake/edit/99", 404),
    ("jo", "/admin/forms/solo-intake", 404),
    ("jo", "/admin/clients/rosa/forms/form_rosa_intake", 200),
    ("ken", "/admin/forms", 200),
    ("ken", "/admin/forms/northgate-intake", 200),
    ("ken", "/admin/forms/northgate-intake/edit", 403),
    ("ken", "/admin/clients/mia/forms", 200),
    ("lea", "/admin/forms", 403),
    ("lea", "/admin/clients/leo/forms", 200),
    ("lea", "/admin/clients/mia/forms", 403),
    ("bea", "/admin/forms", 403),
    ("bea", "/admin/clients/mia/forms", 403),
    ("rex", "/admin/clients/mia/forms", 403),
    ("hal", "/admin/clients/mia/forms", 404),
    ("hal", "/admin/forms/northgate-intake", 404),
    ("dana", "/admin/forms", 404),
]


@pytest.mark.parametrize("name", sorted({name for name, _, _ in WHO}))
async def test_the_practices_pages_open_for_whoever_the_policy_lets_in(site: Site, name: str) -> None:
    browser = await site.as_(name)
    for _name, path, status in (entry for entry in WHO if entry[0] == name):
        assert (await browser.get(path)).status_code == status, path


async def test_a_therapist_who_may_not_invite_sends_nothing(site: Site) -> None:
    lea = await site.as_("lea")
    page = (await lea.get("/admin/clients/leo/forms")).text
    assert "Send forms" not in page
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert token, "signing out is a form"
    form = {"key": "1" * 32, "to": "leo", "template": "northgate-intake", "csrf": token[1]}
    before = await ids(site)
    assert (await lea.http.post("/admin/clients/leo/forms", data=form)).status_code == 403
    assert await ids(site) == before


async def test_answers_are_the_familys_own_until_the_form_is_sent(site: Site) -> None:
    jo = await site.as_("jo")
    page = (await jo.get(f"{PAGE}/form_mia_intake")).text
    assert "remembering every dog" not in page
    page = (await jo.get("/admin/clients/rosa/forms/form_rosa_intake")).text
    assert "I have not slept properly since the winter." in page
