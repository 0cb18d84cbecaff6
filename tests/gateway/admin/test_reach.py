"""What staff of the console reach stays their own: names, ids and mails of others, and days outside the calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from models.tables.mail import Mail
from models.vocabulary import SubjectType
from tests.gateway.account.test_contacts import add, grants
from tests.gateway.admin.test_people import fields_of, send

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Portal

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "path",
    [
        "/admin/trail?kind=all&person={}",
        "/admin/clients/wren/grants/g_dana_wren/hand-over?to={}",
    ],
)
async def test_the_id_of_somebody_elsewhere_tells_no_name(site: Portal, path: str) -> None:
    """Rosa is a person of another practice: whoever types her id learns neither her name nor that there is one."""
    hal = await site.as_("hal")
    people = await site.state.records.people(SubjectType.ACCOUNT, ["rosa"])
    answers = [(await hal.get(path.format(each))).text.replace(each, "") for each in ("rosa", "nobody")]
    assert people["rosa"].name not in answers[0]
    assert answers[0] == answers[1]
    assert (await hal.get(path.format("dana"))).status_code == 200


async def test_access_is_handed_over_to_nobody_whom_the_practice_does_not_know(site: Portal) -> None:
    hal, page = await site.as_("hal"), "/admin/clients/wren/grants/g_dana_wren/hand-over"
    form = {"successor": "rosa", "on": "2026-07-01", "reason": "x"}
    for action in (f"{page}/preview", page):
        assert (await hal.post(action, form, page)).status_code == 422
    assert {one["account_id"] for one in (await grants(site, "wren")).values()} == {"dana"}


async def test_a_staff_member_of_another_practice_is_not_let_in_under_ones_own_form(site: Portal) -> None:
    """The id of a new staff member is made of name and key: one that is taken elsewhere gets no person and no link."""
    await site.state.authz.create_staff("northgate", {"id": "ann_123abc", "roles": ["reviewer"]}, actor="staff/jo")
    hal, page = await site.as_("hal"), "/admin/staff/new"
    fields = {"once": "123abc0000000000", "name": "Ann", "email": "ann@mail.example", "roles": "reviewer"}
    assert (await hal.post(page, fields, page)).status_code == 422
    assert await site.state.records.people(SubjectType.STAFF, ["ann_123abc"]) == {}
    assert await site.state.records.credential("ann@mail.example") is None


async def test_a_therapist_moves_no_invitation_that_opens_clients_of_others(site: Portal) -> None:
    """Ken may invite for Mia; who is invited for Leo too keeps the address that the practice entered."""
    jo, ken = await site.as_("jo"), await site.as_("ken")
    await add(jo, "mia", "nora@mail.exampel")
    (grant,) = [one for key, one in (await grants(site, "mia")).items() if key.startswith("g_a_")]
    path = f"/admin/clients/mia/grants/{grant['id']}/contact"
    assert (await send(ken, path, email="nora@mail.example")).status_code == 303
    await site.state.authz.create_grant(
        "leo", {"account_id": grant["account_id"], "kind": "guardian"}, actor="staff/jo"
    )
    refused = await send(ken, path, email="ken@mail.example")
    assert refused.status_code == 422
    assert "other clients" in refused.text
    with site.state.records.session(None) as session:
        assert "ken@mail.example" not in {mail.recipient for mail in session.exec(select(Mail))}
    assert (await send(jo, path, email="nora@new.example")).status_code == 303


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
async def test_days_outside_the_calendar_are_told_beside_the_field(site: Portal, day: str) -> None:
    jo, proofs = await site.as_("jo"), "/admin/clients/mia/grants/g_dana_mia/proofs"
    for query in (f"until={day}", f"from={day}", f"from={day}&until={day}"):
        assert (await jo.get(f"/admin/clients/mia/disclosures?{query}")).status_code == 422
    fields = {**await fields_of(jo, proofs), "proof": "", "first_day": "", "last_day": day}
    assert (await jo.post(proofs, fields, proofs)).status_code == 422
