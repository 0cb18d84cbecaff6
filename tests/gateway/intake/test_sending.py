"""The practice sends forms: to whom, what each sees of the others', and who at the practice may."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from models.tables.intake import FormTemplate
from models.tables.mail import Notice
from models.tables.records import Document, Form
from tests.gateway.intake.conftest import hidden, kept, rows, save, sign

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
PAGE = "/admin/clients/mia/forms"


async def send(browser: Browser, to: list[str], templates: list[str], **fields: Any) -> Any:
    page = (await browser.get(PAGE)).text
    form = {"key": hidden(page, "key"), "to": to, "template": [f"northgate-{one}" for one in templates]}
    return await browser.post(PAGE, form | fields, PAGE)


async def set_template(site: Portal, name: str, **values: Any) -> None:
    def write(session: Any) -> None:
        row = session.get_one(FormTemplate, f"northgate-{name}")
        for key, value in values.items():
            setattr(row, key, value)

    await site.state.records.change("northgate", write)


async def new_forms(site: Portal) -> list[Form]:
    return [row for row in await rows(site, Form) if row.sent_by]


async def turn_on(site: Portal, grant: str, *features: str) -> None:
    authz = site.state.authz
    etag = (await authz.grant(grant))["etag"]
    await authz.update_grant(grant, {"toggles": dict.fromkeys(features, True)}, etag=etag, actor="staff/jo")


async def test_a_form_reaches_the_person_it_was_sent_to_and_nobody_else(site: Portal) -> None:
    jo = await site.as_("jo")
    answer = await send(jo, ["dana"], ["consent"], due="2026-07-01")
    assert answer.status_code == 303
    (form,) = await new_forms(site)
    assert (form.filler_id, form.signer_rule, form.signer_ids) == ("dana", "named", ["dana"])
    assert (form.state, str(form.due), form.sent_by) == ("sent", "2026-07-01", "jo")
    assert "Mia is treated at Northgate Family Practice" in str(form.questions)
    told = [row.subject_id for row in await rows(site, Notice) if row.item_id == form.id]
    assert told == ["dana"]
    dana, sam = await site.as_("dana"), await site.as_("sam")
    assert (await dana.get(f"/c/mia/forms/{form.id}")).status_code == 200
    await turn_on(site, "g_sam_mia", "forms")
    assert (await sam.get(f"/c/mia/forms/{form.id}")).status_code == 404


async def test_each_guardian_fills_in_and_signs_a_copy_that_the_other_never_sees(site: Portal) -> None:
    await set_template(site, "privacy", signer_rule="each_guardian")
    await turn_on(site, "g_sam_mia", "forms")
    assert (await send(await site.as_("jo"), ["dana"], ["privacy"])).status_code == 303
    copies = {row.filler_id: row for row in await new_forms(site)}
    assert set(copies) == {"dana", "sam"}
    dana, sam = await site.as_("dana"), await site.as_("sam")
    own = f"/c/mia/forms/{copies['sam'].id}"
    assert (await dana.get(own)).status_code == 404
    await save(sam, f"{own}/steps/3", {"q.received": "yes"})
    assert (await sign(sam, own, name="Sam Ortega")).status_code == 303
    form = await kept(site, copies["sam"].id)
    assert form.signature is not None
    assert form.signature["signer_id"] == "sam"
    assert (await kept(site, copies["dana"].id)).state == "sent"
    (document,) = [row for row in await rows(site, Document) if row.id == form.document_id]
    assert (await sam.get(f"/c/mia/documents/{document.id}")).status_code == 200
    assert (await dana.get(f"/c/mia/documents/{document.id}")).status_code == 404
    forms, documents = (await dana.get("/c/mia/forms")).text, (await dana.get("/c/mia/documents")).text
    assert copies["sam"].id not in forms
    assert document.id not in documents
    assert "Sam" not in forms


async def test_a_family_fills_in_one_form_together(site: Portal) -> None:
    await set_template(site, "privacy", visibility="family", signer_rule="any_guardian")
    await turn_on(site, "g_sam_mia", "forms")
    await send(await site.as_("jo"), ["dana", "sam"], ["privacy"])
    (form,) = await new_forms(site)
    path = f"/c/mia/forms/{form.id}"
    sam, dana = await site.as_("sam"), await site.as_("dana")
    await save(sam, f"{path}/steps/3", {"q.received": "yes"})
    handed = await sign(sam, path)
    assert handed.status_code == 303, "sam may fill it in, but guardians sign it"
    assert (await kept(site, form.id)).ready_at is not None
    assert "To be signed" in (await dana.get("/c/mia/forms")).text
    assert (await sign(dana, path)).status_code == 303
    done = await kept(site, form.id)
    assert (done.state, done.completed_by) == ("completed", "dana")
    assert (await sam.get(f"/c/mia/documents/{done.document_id}")).status_code == 200


async def test_what_only_the_practice_reads_is_no_document_at_home(site: Portal) -> None:
    await set_template(site, "privacy", visibility="practice")
    await send(await site.as_("jo"), ["dana"], ["privacy"])
    (form,) = await new_forms(site)
    dana = await site.as_("dana")
    await save(dana, f"/c/mia/forms/{form.id}/steps/3", {"q.received": "yes"})
    await sign(dana, f"/c/mia/forms/{form.id}")
    done = await kept(site, form.id)
    assert (await dana.get(f"/c/mia/documents/{done.document_id}")).status_code == 404
    assert (await dana.get(f"/c/mia/forms/{form.id}")).status_code == 200, "whoever filled it in may read it back"
    assert (await (await site.as_("jo")).get(f"{PAGE}/{form.id}")).status_code == 200


async def test_the_same_page_sent_twice_sends_once(site: Portal) -> None:
    jo = await site.as_("jo")
    form = {"key": "0" * 32, "to": "dana", "template": "northgate-intake"}
    for _ in range(2):
        assert (await jo.post(PAGE, form, PAGE)).status_code == 303
    assert len(await new_forms(site)) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"to": []}, 'href="#to"'),
        ({"template": []}, 'href="#template"'),
        ({"due": "2026-06-14"}, 'href="#due"'),
        ({"due": "soon"}, 'href="#due"'),
        ({"to": ["harbor"]}, 'href="#to"'),
        ({"to": ["exa"]}, 'href="#to"'),
    ],
)
async def test_nothing_is_sent_until_the_page_is_right(site: Portal, fields: dict[str, Any], said: str) -> None:
    answer = await send(await site.as_("jo"), **({"to": ["dana"], "templates": ["intake"]} | _named(fields)))
    assert answer.status_code == 422
    assert said in answer.text
    assert await new_forms(site) == []


def _named(fields: dict[str, Any]) -> dict[str, Any]:
    return {"templates" if key == "template" else key: value for key, value in fields.items()}


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
async def test_the_practices_pages_open_for_whoever_the_policy_lets_in(site: Portal, name: str) -> None:
    browser = await site.as_(name)
    for _name, path, status in (entry for entry in WHO if entry[0] == name):
        assert (await browser.get(path)).status_code == status, path


async def test_a_therapist_who_may_not_invite_sends_nothing(site: Portal) -> None:
    lea = await site.as_("lea")
    page = (await lea.get("/admin/clients/leo/forms")).text
    assert "Send forms" not in page
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert token, "signing out is a form"
    form = {"key": "1" * 32, "to": "leo", "template": "northgate-intake", "csrf": token[1]}
    assert (await lea.http.post("/admin/clients/leo/forms", data=form)).status_code == 403
    assert await new_forms(site) == []


async def test_answers_are_the_familys_own_until_the_form_is_sent(site: Portal) -> None:
    jo = await site.as_("jo")
    page = (await jo.get(f"{PAGE}/form_mia_intake")).text
    assert "remembering every dog" not in page
    page = (await jo.get("/admin/clients/rosa/forms/form_rosa_intake")).text
    assert "I have not slept properly since the winter." in page
