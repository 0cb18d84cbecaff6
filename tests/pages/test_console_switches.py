"""Stories of switches, many people at once, what new access begins with, and staff."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.pages.test_accessibility import faults, structure

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.conftest import People
    from tests.pages.stack import Stack

WIDTHS = (390, 1280)


def grant(stack: Stack, grant_id: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.backend.get(f"/v1/grants/{grant_id}").raise_for_status().json()
    return found


def press(page: Page, name: str) -> str:
    """Press a button, and what the next page says."""
    page.get_by_role("button", name=name, exact=True).click()
    return page.get_by_role("status").inner_text().strip()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_practice_switch_says_whom_it_takes_what_from_before_it_is_saved(people: People, width: int) -> None:
    """Counted and named first; nothing is changed until Save, and “Change nothing” changes nothing."""
    with people.page("jo", width) as jo, people.page("rosa") as rosa:
        jo.goto("/admin/practice")
        jo.get_by_role("checkbox", name="Service plan").uncheck()
        jo.get_by_role("button", name="Save switches").click()
        expect(jo.get_by_role("heading", name="Before you save")).to_be_visible()
        expect(jo.get_by_text("Service plan will be off for the whole practice.")).to_be_visible()
        expect(jo.get_by_text("This takes Service plan from 3 people of 3 clients.")).to_be_visible()
        expect(jo.get_by_text("Rosa Delgado").first).to_be_visible()
        assert faults(jo) + structure(jo, width) == []
        opened = rosa.goto("/c/rosa/plan")
        assert opened is not None
        assert opened.status == 200
        jo.get_by_role("link", name="Change nothing").click()
        expect(jo.get_by_role("checkbox", name="Service plan")).to_be_checked()
        jo.get_by_role("checkbox", name="Service plan").uncheck()
        jo.get_by_role("button", name="Save switches").click()
        assert press(jo, "Save") == "Saved. Service plan is now off for the whole practice."
        refused = rosa.goto("/c/rosa/plan")
        assert refused is not None
        assert refused.status == 403
        jo.get_by_role("checkbox", name="Service plan").check()
        jo.get_by_role("button", name="Save switches").click()
        expect(jo.get_by_text("This gives Service plan to 3 people of 3 clients.")).to_be_visible()
        press(jo, "Save")


def test_a_switch_turned_while_the_preview_is_open_is_shown_and_not_turned_back(people: People) -> None:
    """Between the preview and Save another administrator turns another switch: both stand in the merge."""
    with people.page("jo") as jo, people.page("priya") as priya:
        jo.goto("/admin/clients/noah")
        jo.get_by_role("checkbox", name="Reminders").uncheck()
        jo.get_by_role("button", name="Save switches").click()
        priya.goto("/admin/clients/noah")
        priya.get_by_role("checkbox", name="Calendar").uncheck()
        priya.get_by_role("button", name="Save switches").click()
        assert press(priya, "Save") == "Saved. Calendar is now off for Noah."
        jo.get_by_role("button", name="Save", exact=True).click()
        expect(jo.get_by_role("alert")).to_contain_text("Calendar is now off. Your choices are kept below.")
        expect(jo.get_by_role("checkbox", name="Reminders")).not_to_be_checked()
        jo.get_by_role("checkbox", name="Calendar").check()
        jo.get_by_role("checkbox", name="Reminders").check()
        jo.get_by_role("button", name="Save switches").click()
        assert press(jo, "Save") == "Saved. Calendar is now on for Noah."


def test_settings_say_what_they_would_do_and_a_wrong_number_is_named(people: People) -> None:
    """The plan's audience is counted; hours beyond a month are refused with everything kept."""
    with people.page("jo") as page:
        page.goto("/admin/practice")
        page.get_by_label("Who may read service plans").select_option("nobody")
        page.get_by_label("Notice for cancelling").fill("many")
        page.get_by_role("button", name="Save settings").click()
        expect(page.get_by_role("alert")).to_contain_text("type a whole number from 0 to 720")
        expect(page.get_by_label("Who may read service plans")).to_have_value("nobody")
        page.get_by_label("Notice for cancelling").fill("24")
        page.get_by_role("button", name="Save settings").click()
        expect(page.get_by_text("This takes Service plan from 3 people of 3 clients.")).to_be_visible()
        page.get_by_role("link", name="Change nothing").click()


@pytest.mark.parametrize("width", WIDTHS)
def test_documents_go_off_for_all_representatives_of_a_client_and_come_back(
    people: People, stack: Stack, width: int
) -> None:
    """Seen first, saved together, taken back by the link: the others' own switches are as they were."""
    with people.page("jo", width) as page, people.page("dana") as dana:
        page.goto("/admin/clients/mia")
        page.get_by_role("link", name="Change everyone at once").click()
        for kind in ("Guardian", "Co-parent"):
            page.get_by_role("checkbox", name=kind).check()
        page.get_by_label("What?").select_option("documents")
        page.get_by_role("radio", name="Off").check()
        page.get_by_role("button", name="Show whom it reaches").click()
        expect(page.get_by_role("heading", name="Documents off: Guardian and Co-parent, of Mia Novak")).to_be_visible()
        expect(page.get_by_text("This takes Documents from 2 people of 1 client.")).to_be_visible()
        said = press(page, "Save for 2 people")
        assert said == "Documents is now off for 2 people."
        assert not grant(stack, "g_dana_mia")["toggles"]["documents"]
        assert not grant(stack, "g_sam_mia")["toggles"]["documents"]
        assert grant(stack, "g_dana_leo")["toggles"]["documents"]
        answer = dana.goto("/c/mia/documents")
        assert answer is not None
        assert answer.status == 403
        assert press(page, "Take it back") == "Taken back for 2 people."
        assert grant(stack, "g_dana_mia")["toggles"]["documents"]
        assert grant(stack, "g_sam_mia")["toggles"]["documents"]
        expect(page.get_by_text("This was taken back.")).to_be_visible()
        page.goto("/admin/bulk")
        expect(page.get_by_text("Taken back").first).to_be_visible()


def test_what_changed_since_the_preview_is_looked_at_again_and_nobody_is_changed(people: People, stack: Stack) -> None:
    """All or nothing, and only what was shown."""
    with people.page("jo") as page:
        page.goto("/admin/bulk?kind=co_parent&feature=calendar&state=off")
        before = grant(stack, "g_sam_leo")
        stack.backend.patch(
            "/v1/grants/g_sam_leo",
            json={"toggles": {"forms": True}},
            headers={"Kinguard-Actor": "staff/priya", "If-Match": f'"{before["etag"]}"'},
        ).raise_for_status()
        page.get_by_role("button", name="Save for 1 person").click()
        expect(page.get_by_role("alert")).to_contain_text("Somebody changed access in the meantime.")
        assert grant(stack, "g_sam_mia")["toggles"]["calendar"]
        after = grant(stack, "g_sam_leo")
        stack.backend.patch(
            "/v1/grants/g_sam_leo",
            json={"toggles": {"forms": False}},
            headers={"Kinguard-Actor": "staff/priya", "If-Match": f'"{after["etag"]}"'},
        ).raise_for_status()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_practice_chooses_what_new_access_begins_with(people: People, stack: Stack, width: int) -> None:
    """What the kind can never have is not on offer; the next grant begins as chosen."""
    with people.page("jo", width) as page:
        page.goto("/admin/practice/kinds/payer")
        expect(page.get_by_label("Documents")).to_be_disabled()
        page.get_by_label("Calendar").select_option("off")
        assert "begins like this from now on" in press(page, "Save")
        expect(page.get_by_text("Your choice")).to_be_visible()
        found = stack.backend.get("/v1/practices/northgate/kind-defaults").json()["kinds"]
        assert next(one for one in found if one["kind"] == "payer")["chosen"] == {"calendar": False}
        page.goto("/admin/practice/kinds/payer")
        page.get_by_label("Calendar").select_option("usual")
        press(page, "Save")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_staff_member_comes_gets_clients_and_leaves(people: People, stack: Stack, width: int) -> None:
    """From the mailed link to the last day: roles, assignment, hand-over and the end of every session."""
    name = f"Mara Quill {width}"
    with people.page("jo", width) as page:
        page.goto("/admin/staff")
        expect(page.get_by_text("have no second factor")).to_be_visible()
        page.get_by_role("link", name="+ Add staff member").click()
        page.get_by_label("Name").fill(name)
        page.get_by_label("E-mail address").fill(f"mara{width}@mail.example")
        page.get_by_label("Profession or title").fill("Speech therapist")
        page.get_by_role("button", name="Add and mail the link").click()
        expect(page.get_by_role("alert")).to_contain_text("Tick at least one role.")
        expect(page.get_by_label("Name")).to_have_value(name)
        page.get_by_role("checkbox", name="Therapist").check()
        page.get_by_role("checkbox", name="Portal subscription").check()
        assert press(page, "Add and mail the link") == f"{name} works here now, and was mailed how to sign in."
        page.get_by_label("Find a client to assign").fill("noah")
        page.get_by_role("button", name="Find").click()
        page.get_by_role("button", name=re.compile(r"^Assign\s*: Noah Whitfield")).click()
        expect(page.get_by_role("status")).to_contain_text("Noah Whitfield is assigned now.")
        staff_id = page.url.rpartition("/")[2].partition("#")[0].partition("?")[0]
        members = {one["id"]: one for one in stack.backend.get("/v1/practices/northgate/staff").json()["staff"]}
        assert members[staff_id]["assigned"] == ["noah"]
        assert members[staff_id]["subscribed"]
        assert faults(page) + structure(page, width) == []
        page.get_by_role("link", name=f"{name} leaves the practice").click()
        page.get_by_label("Who takes over their clients?").select_option(label="Lea Fontaine")
        assert press(page, "End of employment") == f"{name} no longer works here, and is signed out everywhere."
        members = {one["id"]: one for one in stack.backend.get("/v1/practices/northgate/staff").json()["staff"]}
        assert (members[staff_id]["state"], members[staff_id]["assigned"]) == ("inactive", [])
        assert "noah" in members["lea"]["assigned"]


def test_two_administrators_of_one_staff_member_lose_nothing(people: People) -> None:
    """The second sees what the first set, keeps the own choice, and saves both."""
    with people.page("jo") as jo, people.page("priya") as priya:
        jo.goto("/admin/staff/sky")
        priya.goto("/admin/staff/sky")
        jo.get_by_role("checkbox", name="Biller").check()
        priya.get_by_role("checkbox", name="May invite").check()
        press(priya, "Save")
        jo.get_by_role("button", name="Save", exact=True).click()
        expect(jo.get_by_role("alert")).to_contain_text("May invite is now on. Your choices are kept below.")
        expect(jo.get_by_role("checkbox", name="Biller")).to_be_checked()
        press(jo, "Save")
        expect(jo.get_by_role("checkbox", name="May invite")).to_be_checked()
        jo.get_by_role("checkbox", name="Biller").uncheck()
        jo.get_by_role("checkbox", name="May invite").uncheck()
        press(jo, "Save")


def test_nobody_ends_their_own_employment_or_the_owners(people: People) -> None:
    with people.page("jo") as page:
        for name in ("jo", "priya"):
            page.goto(f"/admin/staff/{name}")
            expect(page.get_by_text("leaves the practice")).to_have_count(0)
            answer = page.goto(f"/admin/staff/{name}/end")
            assert answer is not None
            assert answer.status == 404
