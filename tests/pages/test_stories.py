"""What the cast sees in a browser: the stories of a family and its practice, each from the sign-in on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.pages.conftest import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.conftest import People
    from tests.pages.stack import Stack


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def links(page: Page, part: str) -> set[str]:
    """The last parts of the links below `part`: the ids of a list."""
    found = page.locator(f'main a[href*="{part}"]').evaluate_all("all => all.map(a => a.getAttribute('href'))")
    return {href.split("?")[0].rsplit("/", 1)[-1] for href in found}


def test_rosa_signs_in_and_reads_her_plan_and_her_own_invoice(people: People) -> None:
    """The client herself sees her service plan, and the invoice addressed to her but not the payer's."""
    with people.page("rosa", 390) as page:
        page.goto("/c/rosa")
        page.locator(".sections summary").click()
        page.get_by_role("link", name="Plan", exact=True).click()
        heading(page, "Service plan")
        expect(page.get_by_role("heading", name="Rosa's plan for steadier days")).to_be_visible()
        page.locator(".sections summary").click()
        page.get_by_role("link", name="Invoices", exact=True).click()
        assert links(page, "/invoices/") == {"inv_rosa_1"}
        page.get_by_role("link", name="Invoice NG-1041").click()
        page.get_by_role("link", name="Open as a page").click()
        heading(page, "Invoice NG-1041")
        expect(page.get_by_text("$90.00").first).to_be_visible()
        assert page.title() == "Invoice NG-1041 · Rosa Delgado · Northgate Family Practice · Kinguard"


def test_tom_sees_what_rosa_has_but_is_refused_the_plan_with_the_reason(people: People) -> None:
    """An emergency contact has the client's invoice and calendar; the plan is refused in plain words."""
    with people.page("tom") as page:
        page.goto("/c/rosa/invoices")
        assert links(page, "/invoices/") == {"inv_rosa_1"}
        page.get_by_role("link", name="Calendar", exact=True).click()
        heading(page, "Calendar")
        expect(page.locator("#appt_rosa_3")).to_be_visible()
        expect(page.get_by_role("link", name="Plan", exact=True)).to_have_count(0)
        answer = page.goto("/c/rosa/plan")
        assert answer is not None
        assert answer.status == 403
        heading(page, "This page is not open to you")
        expect(page.get_by_text("The service plan is not open to emergency contacts.")).to_be_visible()


def test_harbor_sees_only_the_invoices_addressed_to_it_and_both_calendars(people: People) -> None:
    """A payer's portal is two calendars and the payer's own invoices."""
    with people.page("harbor") as page:
        for client, own in (("rosa", "inv_rosa_2"), ("arlo", "inv_arlo_1")):
            page.goto(f"/c/{client}/invoices")
            assert links(page, "/invoices/") == {own}
            menu = page.get_by_role("navigation").first.get_by_role("link")
            assert menu.all_inner_texts() == ["Home", "Calendar", "Invoices"]
            page.goto(f"/c/{client}/calendar")
            heading(page, "Calendar")


def test_dana_goes_between_four_profiles_of_two_practices_with_one_sign_in(people: People) -> None:
    """One login opens her own portal, her children's, and one at another practice."""
    with people.page("dana") as page:
        page.goto("/")
        for practice in ("Northgate Family Practice", "Harborview Child and Youth Services"):
            expect(page.get_by_role("heading", name=practice)).to_be_visible()
        for name, label in (("Dana Novak", "You"), ("Mia Novak", "Your child"), ("Leo Novak", "Your child")):
            expect(page.locator("main").get_by_role("link", name=f"{name} {label}")).to_be_visible()
        page.get_by_role("link", name="Wren Lund").click()
        heading(page, "Wren Lund")
        expect(page).to_have_title("Home · Wren Lund · Harborview Child and Youth Services · Kinguard")
        page.locator("details.menu").first.locator("summary").click()
        page.get_by_role("link", name="Leo Novak").click()
        heading(page, "Leo Novak")
        page.goto("/c/leo/documents")
        assert links(page, "/documents/") == {"doc_leo_school"}


def test_dana_has_two_children_open_in_two_tabs_at_once(people: People) -> None:
    """The client is in the address, so what one tab does never reaches the other."""
    with people.window("dana") as window:
        first, second = window.new_page(), window.new_page()
        first.goto("/c/mia/invoices")
        second.goto("/c/leo/documents")
        first.get_by_role("link", name="Invoice NG-1044").click()
        first.get_by_role("link", name="Open as a page").click()
        second.get_by_role("link", name="Extra time in exams").click()
        expect(first).to_have_title("Invoice NG-1044 · Mia Novak · Northgate Family Practice · Kinguard")
        expect(second).to_have_title("Extra time in exams · Leo Novak · Northgate Family Practice · Kinguard")
        first.reload()
        heading(first, "Invoice NG-1044")


def test_dana_never_sees_what_is_addressed_to_others(people: People) -> None:
    """The other parent's invoice and the grandfather's are neither in the list nor to be opened."""
    with people.page("dana") as page:
        page.goto("/c/mia/invoices")
        assert links(page, "/invoices/") == {"inv_mia_1"}
        for other in ("inv_mia_2", "inv_mia_3", "inv_that_never_was"):
            answer = page.goto(f"/c/mia/invoices/{other}")
            assert answer is not None
            assert answer.status == 404
        answer = page.goto("/c/mia/plan")
        assert answer is not None
        assert answer.status == 403
        expect(page.get_by_text("shows service plans to clients themselves only")).to_be_visible()


def test_what_jo_switches_on_for_sam_is_there_on_his_very_next_request(people: People, stack: Stack) -> None:
    """Sam has no invoices until the administrator switches them on; then only his own, and off again at once."""
    with people.page("sam", 390) as sam, people.page("jo") as jo:
        sam.goto("/c/mia/documents")
        assert links(sam, "/documents/") == {"doc_mia_consent", "doc_mia_consent_sam", "doc_mia_school"}
        answer = sam.goto("/c/mia/invoices")
        assert answer is not None
        assert answer.status == 403
        expect(sam.get_by_text("Invoices are switched off for you on Mia's portal.")).to_be_visible()
        expect(sam.get_by_text("The practice can switch them on.")).to_be_visible()

        jo.goto("/admin/clients/mia")
        jo.get_by_role("link", name="Sam Ortega").click()
        jo.get_by_role("checkbox", name="Invoices").check()
        jo.get_by_role("button", name="Save").click()
        expect(jo.get_by_role("status")).to_have_text("Saved. Invoices is now on for Sam Ortega.")

        sam.reload()
        heading(sam, "Invoices")
        assert links(sam, "/invoices/") == {"inv_mia_2"}
        assert stack.decision("account/sam", "view", "invoice", "inv_mia_2", client_id="mia")
        assert not stack.decision("account/sam", "view", "invoice", "inv_mia_1", client_id="mia")

        jo.get_by_role("checkbox", name="Invoices").uncheck()
        jo.get_by_role("button", name="Save").click()
        expect(jo.get_by_role("status")).to_have_text("Saved. Invoices is now off for Sam Ortega.")
        answer = sam.reload()
        assert answer is not None
        assert answer.status == 403


def test_the_letter_kept_from_sam_is_a_missing_page_to_him(people: People) -> None:
    """An item withheld from one person reads byte for byte like one that never was."""
    with people.page("sam") as page:
        withheld = page.request.get("/c/mia/documents/doc_mia_letter")
        missing = page.request.get("/c/mia/documents/doc_that_never_was")
        assert (withheld.status, missing.status) == (404, 404)
        assert withheld.body() == missing.body()


def test_a_refused_page_reads_the_same_whether_the_item_exists(people: People) -> None:
    """Without invoices switched on, sam's own invoice, another's and none at all give the same answer."""
    with people.page("sam") as page:
        answers = [page.request.get(f"/c/mia/invoices/{item}") for item in ("inv_mia_2", "inv_mia_1", "inv_never_was")]
        assert {answer.status for answer in answers} == {403}
        assert len({answer.body() for answer in answers}) == 1


def test_exa_finds_an_empty_picker_with_a_plain_sentence(people: People) -> None:
    """Somebody whose access has ended still signs in, and reads what that means."""
    with people.page("exa") as page:
        page.goto("/")
        heading(page, "Your profiles")
        expect(page.get_by_text("No one shares a portal with you at the moment.")).to_be_visible()
        answer = page.goto("/c/mia")
        assert answer is not None
        assert answer.status in {403, 404}


def test_pam_with_an_open_invitation_is_turned_away_like_an_unknown_name(people: People, stack: Stack) -> None:
    """Without a password of her own she cannot sign in, and the answer does not tell that she is known."""
    said = []
    for name in ("pam", "somebody-unknown"):
        with people.page(None) as page:
            sign_in(page, name)
            said.append(page.get_by_role("alert").inner_text())
    assert said[0] == said[1]
    assert "The user name or the password is not right." in said[0]
    assert not stack.decision("account/pam", "open", "portal", "noah", client_id="noah")


def test_signing_out_ends_the_session_in_every_tab(people: People) -> None:
    """After signing out, neither a reload nor the back button shows anything."""
    with people.window(None) as window:
        page, other = window.new_page(), window.new_page()
        sign_in(page, "maple")
        other.goto("/c/arlo/calendar")
        heading(other, "Calendar")
        page.locator("details.menu summary").last.click()
        page.get_by_role("button", name="Sign out").click()
        heading(page, "Sign in")
        other.reload()
        heading(other, "Sign in")
        page.go_back()
        page.reload()
        heading(page, "Sign in")
