"""Forms in the browser: sent by the practice, filled in at one's own pace with and without a script, signed, read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect

from gateway.portal.intake.questions import Question, QuestionKind, ShowIf, shown
from gateway.web.pages import STATIC

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.pages.conftest import People

IDS = ["a", "b", "c", "d", "e", "f"]
VALUES = ["x", "y", "z"]
CASES = 60  # of one evaluation in the browser


@st.composite
def questions(draw: st.DrawFn) -> list[Question]:
    """Questions of one page, some of which depend on another, earlier or not."""
    found = []
    for key in IDS[: draw(st.integers(1, len(IDS)))]:
        condition = draw(
            st.one_of(
                st.none(),
                st.builds(ShowIf, st.sampled_from(IDS), st.lists(st.sampled_from(VALUES), max_size=2).map(tuple)),
            )
        )
        found.append(Question(key, QuestionKind.SEVERAL_OF, {"en": key}, show_if=condition))
    return found


ANSWERS = st.dictionaries(st.sampled_from(IDS), st.lists(st.sampled_from(VALUES), min_size=1, max_size=2))


def as_page(asked: list[Question]) -> list[dict[str, Any]]:
    """The questions as the page's attributes have them."""
    return [
        {
            "id": question.id,
            "showIf": question.show_if.question if question.show_if else "",
            "values": " ".join(question.show_if.values).split(" ") if question.show_if else [""],
        }
        for question in asked
    ]


def send_to_uma(people: People, *titles: str) -> None:
    """sol sends forms to uma; the practice has nobody else, so that no other story meets them."""
    with people.page("sol") as page:
        page.goto("/admin/clients/uma/forms")
        for title in titles:
            page.get_by_label(title).check()
        page.get_by_label("Uma Petrosyan").check()
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("The forms were sent.")).to_be_visible()


def open_new(page: Page, title: str) -> str:
    """Open the form of this title that nobody has begun; its address."""
    page.goto("/c/uma/forms")
    page.get_by_role("region", name="To complete").get_by_role("link", name=title).filter(has_text="New").click()
    page.get_by_role("link", name="Start").click()
    return page.url.partition("/steps/")[0]


def test_a_family_fills_in_signs_and_sends_a_form_and_the_practice_reads_it(people: People) -> None:
    send_to_uma(people, "Notice of Privacy Practices")
    with people.page("uma", 390) as page:
        open_new(page, "Notice of Privacy Practices")
        expect(page.get_by_text("THIS NOTICE DESCRIBES HOW MEDICAL INFORMATION")).to_be_visible()
        page.get_by_role("button", name="Save and go on", exact=True).click()
        page.get_by_role("button", name="Save and go on", exact=True).click()
        page.get_by_role("button", name="Save and go on", exact=True).click()
        expect(page.get_by_role("alert")).to_be_focused()
        page.get_by_role("alert").get_by_role("link").click()
        expect(page.get_by_role("checkbox")).to_be_focused()
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Save and go on", exact=True).click()
        page.get_by_role("button", name="Sign and send").click()
        expect(page.get_by_role("alert")).to_contain_text("Type your full name; it is your signature.")
        page.get_by_label("Your full name").fill("Uma Petrosyan")
        page.get_by_label(re.compile("I agree to sign this form electronically")).check()
        page.get_by_role("button", name="Sign and send").click()
        expect(page.get_by_role("status")).to_contain_text("was sent to Sol Whitaker Therapy")
        page.get_by_role("link", name="Open it among the documents").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Notice of Privacy Practices")
    with people.page("sol") as page:
        page.goto("/admin/clients/uma/forms")
        page.get_by_role("link", name="Notice of Privacy Practices").first.click()
        expect(page.get_by_text("I have received the notice of privacy practices.")).to_be_visible()
        expect(page.get_by_role("region", name="Signature")).to_contain_text("Uma Petrosyan")


def test_answers_keep_themselves_and_questions_come_when_they_are_asked(people: People) -> None:
    send_to_uma(people, "Standard Intake Questionnaire")
    with people.page("uma") as page:
        open_new(page, "Standard Intake Questionnaire")
        expect(page.get_by_label("For which language?")).to_be_hidden()
        page.get_by_role("group", name="Would an interpreter be helpful?").get_by_label("Yes").check()
        page.get_by_label("For which language?").fill("Armenian")
        expect(page.get_by_text("Your answers are kept.")).to_be_visible(timeout=15_000)
        page.reload()
        expect(page.get_by_label("For which language?")).to_have_value("Armenian")


def test_a_form_works_without_a_script(people: People) -> None:
    send_to_uma(people, "Standard Intake Questionnaire")
    with people.page("uma", 390, java_script_enabled=False) as page:
        form = open_new(page, "Standard Intake Questionnaire")
        expect(page.get_by_text("Only if you answered “Yes” to “Would an interpreter be helpful?”.")).to_be_visible()
        page.get_by_label("Full legal name of the client").fill("Uma Petrosyan")
        page.get_by_role("button", name="Save and finish later").click()
        expect(page.get_by_role("status")).to_contain_text("Your answers are kept.")
        page.goto(form)
        page.get_by_role("link", name="Go on").click()
        expect(page.get_by_label("Full legal name of the client")).to_have_value("Uma Petrosyan")


def test_two_tabs_that_disagree_lead_to_a_choice(people: People) -> None:
    send_to_uma(people, "Standard Intake Questionnaire")
    with people.window("uma", java_script_enabled=False) as window:
        one, two = window.new_page(), window.new_page()
        form = open_new(one, "Standard Intake Questionnaire")
        two.goto(f"{form}/steps/1")
        for tab, name in ((one, "Uma"), (two, "Ms. Petrosyan")):
            tab.get_by_label("Name and pronouns to use").fill(name)
            tab.get_by_role("button", name="Save and finish later").click()
        expect(two.get_by_role("heading", level=1)).to_have_text("Which answer counts?")
        two.get_by_label("What is saved now").check()
        two.get_by_role("button", name="Save and go on").click()
        one.goto(f"{form}/steps/1")
        expect(one.get_by_label("Name and pronouns to use")).to_have_value("Uma")


def test_the_practice_writes_a_form_of_its_own_with_buttons_alone(people: People) -> None:
    with people.page("sol", java_script_enabled=False) as page:
        page.goto("/admin/forms")
        page.get_by_label("Title in English").fill("Travel consent")
        page.get_by_role("button", name="Begin").click()
        page.get_by_role("button", name="Publish").click()
        expect(page.get_by_role("alert")).to_contain_text("There is no question yet.")
        page.get_by_role("link", name="Without a heading", exact=True).click()
        page.get_by_label("Heading (English)", exact=True).fill("The trip")
        page.get_by_role("button", name="Add a question").click()
        page.get_by_label("Kind").select_option("Yes or no")
        page.get_by_label("Question (English)").fill("May your child come along?")
        page.get_by_role("button", name="Add a question").click()
        second = page.get_by_role("group", name="Question 2")
        second.get_by_label("Question (English)").fill("Why not?")
        second.get_by_label("Ask only with these answers").select_option("No")
        page.get_by_role("button", name="Keep and go back").click()
        page.get_by_label("Title in Spanish").fill("Permiso de viaje")
        page.get_by_role("button", name="Publish").click()
        expect(page.get_by_role("status")).to_contain_text("The form is published.")
        expect(page.get_by_role("group", name="May your child come along?")).to_be_visible()
        expect(page.get_by_text("Only if you answered “No” to “May your child come along?”.")).to_be_visible()
        page.goto("/admin/clients/uma/forms")
        expect(page.get_by_label("Travel consent")).to_be_visible()


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=st.lists(st.tuples(questions(), ANSWERS), min_size=CASES, max_size=CASES))
def test_the_page_shows_exactly_the_questions_that_the_server_asks(
    people: People, cases: list[tuple[list[Question], dict[str, list[str]]]]
) -> None:
    with people.page(None) as page:
        page.add_script_tag(content=(STATIC / "forms.js").read_text(encoding="utf-8"))
        given_ = [{"questions": as_page(asked), "answers": answers} for asked, answers in cases]
        found = page.evaluate("cases => cases.map((one) => [...shownQuestions(one.questions, one.answers)])", given_)
    assert found == [[question.id for question in shown(asked, answers)] for asked, answers in cases]
