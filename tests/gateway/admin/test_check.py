"""The set-up check over the practice's own contacts, bulk changes and staff, in one process."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlmodel import select

from models.tables.bulk import BulkChange
from models.tables.getting_in import Contact
from models.tables.identity import Credential
from models.tables.mail import Mail

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
ADDED = datetime(2026, 6, 1, tzinfo=UTC)


def keep(site: Portal, key: str, who: tuple[str, str | None, str], email: str, **more: Any) -> None:
    """A contact of northgate's: client, account and kind."""
    client, account, kind = who
    with site.state.records.session("northgate") as session:
        session.merge(
            Contact(
                id=key,
                practice_id="northgate",
                client_id=client,
                account_id=account,
                grant_id=f"g_{account}_{client}" if account else None,
                kind=kind,
                name=more.pop("name", key.title()),
                email=email,
                added_by="jo",
                added_at=ADDED,
                **more,
            )
        )


async def titles(browser: Browser) -> str:
    page = await browser.get("/admin/check")
    assert page.status_code == 200
    return " | ".join(re.findall(r"<h2[^>]*>([^<]+)<", page.text))


async def test_a_teens_address_that_is_a_guardians_is_found_and_gone_once_it_differs(site: Portal) -> None:
    """Whatever the spelling; of two adults with one address the other rule speaks."""
    jo = await site.as_("jo")
    assert "guardian's address" not in (await titles(jo)).replace("&#39;", "'")
    keep(site, "leo_himself", ("leo", "leo", "self"), "Family@Mail.Example")
    keep(site, "leos_mother", ("leo", "dana", "guardian"), "family@mail.example")
    found = await titles(jo)
    assert "A teen&#39;s sign-in has a guardian&#39;s address" in found
    assert "One address, two people" not in found
    keep(site, "leo_himself", ("leo", "leo", "self"), "leo@mail.example")
    assert "guardian&#39;s address" not in await titles(jo)


async def test_one_address_on_two_persons_is_found_and_one_person_of_two_clients_is_not(site: Portal) -> None:
    jo = await site.as_("jo")
    keep(site, "dana_of_mia", ("mia", "dana", "guardian"), "dana@mail.example", name="Dana Novak")
    keep(site, "dana_of_leo", ("leo", "dana", "guardian"), "dana@mail.example", name="Dana Novak")
    assert "One address, two people" not in await titles(jo)
    keep(site, "other", ("noah", None, "payer"), "dana@mail.example", name="Somebody Else")
    assert "One address, two people" in await titles(jo)
    page = (await jo.get("/admin/check?rule=address_twice")).text
    assert "Somebody Else" in page
    assert "dana@mail.example" not in page


async def test_two_people_with_sole_authority_are_found_while_both_have_access(site: Portal) -> None:
    jo = await site.as_("jo")
    keep(site, "dana_of_mia", ("mia", "dana", "guardian"), "", authority="guardian_order")
    keep(site, "exa_of_mia", ("mia", "exa", "guardian"), "", authority="guardian_order")
    assert "Two people with sole authority" not in await titles(jo)  # exa's access has ended.
    keep(site, "sam_of_mia", ("mia", "sam", "co_parent"), "", authority="agency")
    assert "Two people with sole authority" in await titles(jo)


async def test_a_mend_that_the_finding_does_not_offer_is_refused(site: Portal) -> None:
    """Only what the page shows, and only for what is still found."""
    jo = await site.as_("jo")
    page = (await jo.get("/admin/check?rule=subscription_missing")).text
    finding = re.search(r'name="finding" value="(subscription_missing\.[0-9a-f]+)"', page)
    assert finding
    fields = {"finding": finding[1], "how": "unassign"}
    assert (await jo.post("/admin/check/mend", fields, "/admin/check")).status_code == 404
    assert (await jo.post("/admin/check/mend", {**fields, "how": "subscribe"}, "/admin/check")).status_code == 303
    staff = {one["id"]: one for one in await site.state.authz.staff_of("northgate")}
    assert staff["lea"]["subscribed"]
    assert (await jo.post("/admin/check/mend", {**fields, "how": "subscribe"}, "/admin/check")).status_code == 404


async def test_a_bulk_change_sent_twice_counts_once(site: Portal) -> None:
    """The second POST of one form finds that the list it showed is another now."""
    jo = await site.as_("jo")
    preview = "/admin/bulk?kind=co_parent&feature=calendar&state=off"
    page = (await jo.get(preview)).text
    fields = dict(re.findall(r'name="(once|shown)" value="([0-9a-f]+)"', page))
    fields |= {"kind": "co_parent", "feature": "calendar", "state": "off", "client": ""}
    assert (await jo.post("/admin/bulk", fields, preview)).status_code == 303
    again = await jo.post("/admin/bulk", fields, "/admin/bulk/" + fields["once"])
    assert again.status_code == 409
    with site.state.records.session("northgate") as session:
        (kept,) = session.exec(select(BulkChange)).all()
    assert sorted(kept.grant_ids) == ["g_sam_leo", "g_sam_mia"]
    assert (await (await site.as_("ken")).get("/admin/bulk")).status_code == 403
    assert (await (await site.as_("hal")).get("/admin/bulk/" + fields["once"])).status_code == 404


async def test_taking_back_leaves_who_was_changed_since(site: Portal) -> None:
    jo, authz = await site.as_("jo"), site.state.authz
    preview = "/admin/bulk?kind=co_parent&feature=calendar&state=off"
    fields = dict(re.findall(r'name="(once|shown)" value="([0-9a-f]+)"', (await jo.get(preview)).text))
    fields |= {"kind": "co_parent", "feature": "calendar", "state": "off", "client": ""}
    await jo.post("/admin/bulk", fields, preview)
    mia = await authz.grant("g_sam_mia")
    await authz.update_grant("g_sam_mia", {"status": "ended"}, etag=mia["etag"], actor="staff/priya")
    change = "/admin/bulk/" + fields["once"]
    assert (await jo.post(change, {}, change)).status_code == 303
    assert (await authz.grant("g_sam_leo"))["toggles"]["calendar"]
    assert not (await authz.grant("g_sam_mia"))["toggles"]["calendar"]
    assert (await jo.post(change, {}, "/admin/bulk?kind=payer&feature=forms&state=off")).status_code == 409


async def test_a_new_staff_member_chooses_a_password_by_the_mailed_link(site: Portal) -> None:
    """One person, one mail, however often the form is sent; the link opens where a password is chosen."""
    jo = await site.as_("jo")
    page = (await jo.get("/admin/staff/new")).text
    once = re.search(r'name="once" value="([0-9a-f]{16})"', page)
    assert once
    fields = {"once": once[1], "name": "Mara Quill", "email": "Mara@Mail.Example", "roles": "scheduler"}
    for _ in range(2):
        assert (await jo.post("/admin/staff/new", fields, "/admin/staff/new")).status_code == 303
    members = [one for one in await site.state.authz.staff_of("northgate") if one["id"].startswith("mara_quill")]
    assert [one["roles"] for one in members] == [["scheduler"]]
    with site.state.records.session(None) as session:
        credential = session.exec(select(Credential).where(Credential.subject_id == members[0]["id"])).one()
        mails = session.exec(select(Mail).where(Mail.recipient == "Mara@Mail.Example").order_by(Mail.id)).all()
    assert (credential.username, credential.address) == ("mara@mail.example", "mara@mail.example")
    assert len(mails) == 1
    link = re.search(r"/reset/([\w-]+)", str(mails[0].content))
    assert link
    visitor = site.browser()
    assert (await visitor.get(f"/reset/{link[1]}")).status_code == 200


async def test_an_address_that_is_a_sign_in_already_is_not_given_away(site: Portal) -> None:
    """The answer is the same, and the new sign-in has a name of its own (conflict c1)."""
    jo = await site.as_("jo")
    with site.state.records.session(None) as session:
        taken = session.exec(select(Credential).where(Credential.subject_id == "dana")).one()
        taken.address = "dana@mail.example"
        session.add(taken)
    fields = {"once": "0123456789abcdef", "name": "Dana Twin", "email": "dana@mail.example", "roles": "biller"}
    assert (await jo.post("/admin/staff/new", fields, "/admin/staff/new")).status_code == 303
    with site.state.records.session(None) as session:
        made = session.get(Credential, "dana_twin_012345")
        assert made is not None
        assert made.address == "dana_twin_012345"


async def test_who_leaves_is_signed_out_at_once(site: Portal) -> None:
    jo, lea = await site.as_("jo"), await site.as_("lea")
    assert (await lea.get("/admin/clients")).status_code == 200
    answer = await jo.post("/admin/staff/lea/end", {"heir": "ken"}, "/admin/staff/lea/end")
    assert answer.status_code == 303
    assert (await lea.get("/admin/clients")).status_code == 303
    staff = {one["id"]: one for one in await site.state.authz.staff_of("northgate")}
    assert staff["lea"]["assigned"] == []
    assert {"leo", "noah"} <= set(staff["ken"]["assigned"])


@pytest.mark.parametrize("path", ["/admin/staff/hal", "/admin/staff/nobody", "/admin/staff/hal/end"])
async def test_another_practices_staff_are_not_found(site: Portal, path: str) -> None:
    jo = await site.as_("jo")
    assert (await jo.get(path)).status_code == 404
