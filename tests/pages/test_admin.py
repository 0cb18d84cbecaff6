"""What an administrator sees and changes: toggles, switches, settings, and two of them at once."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gateway.records.store import RecordsStore
from models.tables.records import Client, ClientHome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.pages.conftest import People
    from tests.pages.stack import Stack, Visitor

MANY = 400


def box(page: Page, label: str) -> str:
    """What stands beside a feature's box: what the person really has."""
    return (
        page.locator(".tick", has=page.get_by_role("checkbox", name=label, exact=True)).locator(".state").inner_text()
    )


def save(page: Page, button: str = "Save") -> str:
    """Save, past the page that shows whom it reaches where there is one, and what the page says then."""
    with page.expect_navigation():  # What is asked of the page next does not wait by itself.
        page.get_by_role("button", name=button, exact=True).click()
    if page.get_by_role("heading", name="Before you save").count():
        page.get_by_role("button", name="Save", exact=True).click()
    return page.get_by_role("status").inner_text().strip()


def test_the_contact_network_names_everyone_with_kind_and_status(people: People) -> None:
    """A client's page lists each grant, active ones first, with what is pending or ended marked."""
    with people.page("jo") as page:
        page.goto("/admin/clients/mia")
        rows = page.locator("section", has=page.get_by_role("heading", name="Contact network")).get_by_role("listitem")
        texts = [" ".join(text.split()) for text in rows.all_inner_texts()]
        assert [text for text in texts if "Dana Novak" in text and "Guardian" in text and "Active" in text]
        assert [text for text in texts if "Sam Ortega" in text and "Co-parent" in text]
        assert "Exa Rowntree" in texts[-1]
        assert "Ended" in texts[-1]
        page.goto("/admin/clients/noah")
        expect(page.get_by_text("Portal Access Pending")).to_be_visible()


def test_each_box_shows_what_the_person_has_and_which_level_says_no(people: People) -> None:
    """Beside the toggle stands the effect: had, off here, off for the practice, or never for this kind."""
    with people.page("jo") as page:
        page.goto("/admin/clients/rosa/grants/g_tom_rosa")
        assert box(page, "Calendar") == "Has it"
        assert box(page, "Service plan") == "Never for this kind"
        page.goto("/admin/practice")
        page.get_by_role("checkbox", name="Documents").uncheck()
        assert save(page, "Save switches") == "Saved. Documents is now off for the whole practice."
        page.goto("/admin/clients/rosa/grants/g_tom_rosa")
        assert box(page, "Documents") == "Off for the whole practice"
        page.goto("/admin/clients/rosa")
        assert box(page, "Documents") == "Off for the whole practice"
        page.goto("/admin/practice")
        page.get_by_role("checkbox", name="Documents").check()
        save(page, "Save switches")
        page.goto("/admin/clients/rosa/grants/g_tom_rosa")
        assert box(page, "Documents") == "Has it"


def test_a_practice_switch_closes_the_page_for_everyone_at_once(people: People) -> None:
    """The ceiling holds for the client herself too, on her next request, and is named in the refusal."""
    with people.page("jo") as jo, people.page("rosa") as rosa:
        rosa.goto("/c/rosa/invoices")
        jo.goto("/admin/practice")
        jo.get_by_role("checkbox", name="Invoices").uncheck()
        save(jo, "Save switches")
        answer = rosa.reload()
        assert answer is not None
        assert answer.status == 403
        expect(rosa.get_by_text("Invoices are switched off at Northgate Family Practice.")).to_be_visible()
        expect(rosa.get_by_role("link", name="Invoices", exact=True)).to_have_count(0)
        jo.get_by_role("checkbox", name="Invoices").check()
        save(jo, "Save switches")
        answer = rosa.reload()
        assert answer is not None
        assert answer.status == 200


def test_a_client_switch_closes_the_page_for_that_client_only(people: People) -> None:
    """Calendar off for Mia leaves Leo's calendar open."""
    with people.page("jo") as jo, people.page("dana") as dana:
        jo.goto("/admin/clients/mia")
        jo.get_by_role("checkbox", name="Calendar").uncheck()
        assert save(jo, "Save switches") == "Saved. Calendar is now off for Mia."
        mia, leo = dana.goto("/c/mia/calendar"), dana.goto("/c/leo/calendar")
        assert mia is not None
        assert leo is not None
        assert (mia.status, leo.status) == (403, 200)
        jo.get_by_role("checkbox", name="Calendar").check()
        assert save(jo, "Save switches") == "Saved. Calendar is now on for Mia."


def test_the_plan_audience_opens_the_plan_to_guardians_and_never_to_emergency_contacts(people: People) -> None:
    """The practice's setting decides at once who reads service plans."""
    with people.page("jo") as jo, people.page("dana") as dana, people.page("tom") as tom:
        jo.goto("/admin/practice")
        jo.get_by_label("Who may read service plans").select_option("client_and_guardians")
        assert save(jo, "Save settings") == "Saved. Who may read service plans: The client and guardians."
        opened = dana.goto("/c/mia/plan")
        assert opened is not None
        assert opened.status == 200
        expect(dana.get_by_role("heading", name="Mia's plan for school mornings")).to_be_visible()
        refused = tom.goto("/c/rosa/plan")
        assert refused is not None
        assert refused.status == 403
        jo.get_by_label("Who may read service plans").select_option("client_only")
        save(jo, "Save settings")


def test_a_stale_edit_is_shown_and_nothing_is_lost(people: People) -> None:
    """Whoever saves second sees what the first one changed, keeps the own choices, and saves only those."""
    path = "/admin/clients/mia/grants/g_sam_mia"
    with people.page("jo") as jo, people.page("priya") as priya:
        jo.goto(path)
        priya.goto(path)
        jo.get_by_role("checkbox", name="Forms").check()
        priya.get_by_role("checkbox", name="Messages").check()
        assert save(priya) == "Saved. Messages is now on for Sam Ortega."
        jo.get_by_role("button", name="Save", exact=True).click()
        alert = jo.get_by_role("alert")
        expect(alert).to_contain_text("Somebody else saved first")
        expect(alert).to_contain_text("Messages is now on.")
        expect(jo.get_by_role("checkbox", name="Forms")).to_be_checked()
        expect(jo.get_by_role("checkbox", name="Messages")).to_be_checked()
        assert save(jo) == "Saved. Forms is now on for Sam Ortega."
        jo.get_by_role("checkbox", name="Forms").uncheck()
        jo.get_by_role("checkbox", name="Messages").uncheck()
        assert save(jo) == "Saved. Forms and Messages are now off for Sam Ortega."


def test_a_stale_switch_is_shown_and_not_turned_back(people: People) -> None:
    """A switch that somebody else turned meanwhile stays as they left it until it is saved again."""
    with people.page("jo") as jo, people.page("priya") as priya:
        jo.goto("/admin/clients/arlo")
        priya.goto("/admin/clients/arlo")
        priya.get_by_role("checkbox", name="Forms").uncheck()
        save(priya, "Save switches")
        jo.get_by_role("checkbox", name="Messages").uncheck()
        jo.get_by_role("button", name="Save switches").click()
        expect(jo.get_by_role("alert")).to_contain_text("Forms is now off. Your choices are kept below.")
        expect(jo.get_by_role("checkbox", name="Messages")).not_to_be_checked()
        expect(jo.get_by_role("checkbox", name="Forms")).not_to_be_checked()
        jo.get_by_role("checkbox", name="Messages").check()
        jo.get_by_role("checkbox", name="Forms").check()
        assert save(jo, "Save switches") == "Saved. Forms is now on for Arlo."


def test_saving_without_a_change_says_so(people: People) -> None:
    """Nothing is written when nothing was turned."""
    with people.page("jo") as page:
        page.goto("/admin/clients/mia/grants/g_dana_mia")
        assert save(page) == "Nothing was changed."


def test_toggles_can_be_saved_without_a_script(people: People) -> None:
    """The form is plain HTML."""
    with people.page("jo", 390, java_script_enabled=False) as page:
        page.goto("/admin/clients/arlo/grants/g_tom_arlo")
        page.get_by_role("checkbox", name="Documents").check()
        assert save(page) == "Saved. Documents is now on for Tom Delgado."
        page.get_by_role("checkbox", name="Documents").uncheck()
        assert save(page) == "Saved. Documents is now off for Tom Delgado."


def test_what_is_open_without_the_portal_itself_still_opens(people: People, visitors: Callable[[str], Visitor]) -> None:
    """With basics off there is no home page and no profile to pick, yet what is switched on is shown by its address."""
    path = "/admin/clients/rosa/grants/g_tom_rosa"
    with people.page("jo") as jo:
        jo.goto(path)
        jo.get_by_role("checkbox", name="Portal and profile").uncheck()
        assert save(jo) == "Saved. Portal and profile is now off for Tom Delgado."
        tom = visitors("tom")
        assert "/c/rosa" not in tom.read("/").text
        assert tom.read("/c/rosa").status_code == 403
        for place in ("invoices", "invoices/inv_rosa_1", "invoices/inv_rosa_1/print", "calendar", "documents"):
            assert tom.read(f"/c/rosa/{place}").status_code == 200
        jo.get_by_role("checkbox", name="Portal and profile").check()
        save(jo)


@pytest.mark.parametrize(
    ("name", "opens"),
    [
        ("jo", {"/admin/clients", "/admin/practice"}),
        ("priya", {"/admin/clients", "/admin/practice"}),
        ("ken", {"/admin/clients"}),
        ("sky", {"/admin/clients"}),
        ("rex", set()),
    ],
)
def test_staff_find_only_the_pages_their_role_opens(
    name: str, opens: set[str], visitors: Callable[[str], Visitor]
) -> None:
    """The start page links to what opens, and what it does not link to is refused."""
    visitor = visitors(name)
    start = visitor.read("/admin").text
    for path in ("/admin/clients", "/admin/practice"):
        assert (f'href="{path}"' in start) is (path in opens)
        assert visitor.read(path).status_code == (200 if path in opens else 403)


def test_a_therapist_reads_an_assigned_clients_network_but_changes_nothing(
    people: People, visitors: Callable[[str], Visitor]
) -> None:
    """No box can be turned, no button shown, and the form posted anyway is refused."""
    with people.page("ken") as page:
        page.goto("/admin/clients/mia/grants/g_sam_mia")
        expect(page.get_by_role("checkbox", name="Invoices")).to_be_disabled()
        expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    ken = visitors("ken")
    answer = ken.send(
        "/admin/clients/mia/grants/g_sam_mia", {"on": "invoices", "seen": "invoices=off"}, "/admin/clients/mia"
    )
    assert answer.status_code == 403
    assert ken.read("/admin/clients/leo").status_code == 403


def test_one_practice_never_sees_anothers_clients(visitors: Callable[[str], Visitor]) -> None:
    """Harborview's administrator finds vic and wren, and neither page nor grant of northgate."""
    hal = visitors("hal")
    listed = hal.read("/admin/clients").text
    assert 'href="/admin/clients/vic"' in listed
    assert "mia" not in listed
    for path in ("/admin/clients/mia", "/admin/clients/wren/grants/g_dana_mia", "/admin/clients/nobody"):
        assert hal.read(path).status_code in {403, 404}, path
    assert hal.read("/admin/clients/mia").status_code == hal.read("/admin/clients/nobody").status_code


@pytest.fixture
def many_clients(stack: Stack) -> Iterator[list[str]]:
    """Four hundred more clients of the solo practice, in the records."""
    store = RecordsStore(f"sqlite:///{stack.data_dir / 'records.db'}")
    names = [f"Client {number:03} {'Quill' if number % 40 == 0 else 'Moss'}" for number in range(MANY)]
    ids = [f"many_{number:03}" for number in range(MANY)]
    with store.session("solo") as session:
        for key, name in zip(ids, names, strict=True):
            session.add(Client(id=key, practice_id="solo", name=name, preferred=name, born=date(1990, 1, 1)))
            session.add(ClientHome(client_id=key, practice_id="solo"))
    yield names
    with store.session("solo") as session:
        for key in ids:
            session.delete(session.get_one(Client, key))
            session.delete(session.get_one(ClientHome, key))
    store.close()


def test_four_hundred_clients_are_found_by_name_and_by_the_page(people: People, many_clients: list[str]) -> None:
    """Search narrows by every word, whatever the case; pages hold 50 and keep the search."""
    with people.page("sol", 390) as page:
        page.goto("/admin/clients")
        expect(page.get_by_text("401 clients")).to_be_visible()
        expect(page.get_by_text("Page 1 of 9")).to_be_visible()
        page.get_by_role("link", name="Next").click()
        expect(page.get_by_text("Page 2 of 9")).to_be_visible()
        page.get_by_label("Find a client by name").fill("quill CLIENT")
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_text("10 clients called “quill CLIENT”")).to_be_visible()
        expect(page.locator("main a.row")).to_have_count(10)
        page.goto("/admin/clients?q=%25")
        expect(page.get_by_text("No client is called “%”.")).to_be_visible()
        page.goto("/admin/clients?page=999")
        expect(page.get_by_text("401 clients")).to_be_visible()


def test_a_stale_setting_is_shown_and_the_own_choice_kept(people: People) -> None:
    """Of two administrators who change two settings, the second sees the first change and saves only their own."""
    with people.page("jo") as jo, people.page("priya") as priya:
        jo.goto("/admin/practice")
        priya.goto("/admin/practice")
        priya.get_by_label("Who may read service plans").select_option("nobody")
        assert save(priya, "Save settings") == "Saved. Who may read service plans: Nobody in the portal."
        jo.get_by_role("checkbox", name="Card payments").uncheck()
        jo.get_by_role("button", name="Save settings").click()
        expect(jo.get_by_role("alert")).to_contain_text("Who may read service plans is now: Nobody in the portal.")
        expect(jo.get_by_label("Who may read service plans")).to_have_value("nobody")
        expect(jo.get_by_role("checkbox", name="Card payments")).not_to_be_checked()
        assert save(jo, "Save settings") == "Saved. Card payments: off."
        jo.get_by_label("Who may read service plans").select_option("client_only")
        jo.get_by_role("checkbox", name="Card payments").check()
        assert save(jo, "Save settings") == "Saved. Who may read service plans: Only the client; Card payments: on."
