"""A version's way in the browser: staged, compared, shadowed, put into service, rolled back; and the trail verified."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine, select, update

from models.tables.trail import RECORDS
from tests.gateway.review.test_versions import OURS, packed
from tests.pages.test_console_trail import look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page
    from sqlalchemy import Engine

    from tests.pages.conftest import People
    from tests.pages.stack import Stack, Visitor

WIDTHS = (390, 1280)
PAPER = "/c/mia/documents/doc_mia_school"
GUARDIAN = "representatives/guardian.polar"
RULE = """
# A guardian opens no documents, as tried out at {width}.
forbid(rep: Representative, "view", _: Document, "guardian.no_documents") if
    rep.kind = "guardian";

scheduler_may("print", _: Invoice);
"""


def bundle(more: str) -> list[dict[str, object]]:
    """The ZIP file of our bundle with more in the file of guardians, as a browser sends it."""
    content = packed(OURS | {GUARDIAN: OURS[GUARDIAN] + more})
    return [{"name": "policies.zip", "mimeType": "application/zip", "buffer": content}]


def hand_in(page: Page, more: str, note: str) -> None:
    page.goto("/review/versions")
    page.get_by_label("ZIP file of the bundle, or its files").set_input_files(bundle(more))  # type: ignore[arg-type]
    page.get_by_label("Note: what changes, and why").fill(note)
    page.get_by_role("button", name="Stage").click()


def sign_off(page: Page, reason: str, button: str) -> None:
    """The form at the end, by the keyboard alone."""
    page.get_by_label("Why").focus()
    page.keyboard.type(reason)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=button)).to_be_focused()
    page.keyboard.press("Enter")


def put_back(stack: Stack, first: str) -> None:
    """Whatever became of the story, the others go on with what served before it."""
    serving = stack.backend.get("/v1/policy/versions", headers={"Kinguard-Actor": "staff/priya"}).json()["serving"]
    if serving != first:
        body = {"serving": serving, "reason": "the end of the story"}
        path = f"/v1/policy/versions/{first}/deploy"
        stack.backend.post(path, json=body, headers={"Kinguard-Actor": "staff/priya"}, timeout=60)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_change_is_staged_read_shadowed_put_into_service_and_rolled_back(
    people: People, stack: Stack, visitors: Callable[[str], Visitor], width: int
) -> None:
    first = stack.backend.get("/v1/policy/versions", headers={"Kinguard-Actor": "staff/rex"}).json()["serving"]
    dana, note = visitors("dana"), f"No documents for guardians, {width}"
    try:
        with people.page("rex", width) as page:
            page.goto("/review/versions")
            look(page, "versions")
            hand_in(page, RULE.format(width=width), note)
            expect(page.get_by_role("heading", name=note)).to_be_visible()
            look(page, "version")
            page.get_by_role("link", name="Read the whole difference").click()
            expect(page.get_by_role("heading", name="Newly denied")).to_be_visible()
            expect(page.get_by_text("guardian.no_documents").first).to_be_visible()
            expect(page.get_by_text("# A guardian opens no documents").first).to_be_visible()
            expect(page.locator("section", has_text="Whom it touches now")).to_contain_text("dana")
            expect(page.get_by_role("region", name="Would gain: Staff")).to_contain_text("sky")
            look(page, "version_difference")
            page.locator("a.back").click()
            page.get_by_role("button", name="Let it shadow").click()
            expect(page.get_by_role("status").first).to_contain_text("It shadows from now on.")
            assert dana.read(PAPER).status_code == 200
            expect(page.get_by_text("Allowed now, would be denied").first).to_be_visible(timeout=20_000)  # By itself.
            page.get_by_text("Examples").first.click()
            look(page, "version_shadow")
            page.get_by_role("link", name=re.compile("doc_mia_school")).first.click()
            expect(page.get_by_role("heading", name="Trail")).to_be_visible()
            assert "request=" in page.url
            page.go_back()
            page.get_by_role("button", name="The last day").click()
            expect(page.get_by_role("heading", name="Replay of the last day")).to_be_visible()
            look(page, "version_replay")
        with people.page("priya", width) as page:
            page.goto("/review/versions")
            page.get_by_role("link", name=note).click()
            page.get_by_role("link", name="Put into service").click()
            expect(page.get_by_role("heading", name="Whom it touches now")).to_be_visible()
            look(page, "version_service")
            sign_off(page, "Agreed on Tuesday", "Put into service now")
            expect(page.get_by_role("status").first).to_contain_text("serves now.")
            assert dana.read(PAPER).status_code in (403, 404)
            expect(page.get_by_text("Agreed on Tuesday").first).to_be_visible()
            look(page, "versions_served")
            page.get_by_role("link", name="Roll back").click()
            look(page, "version_rollback")
            sign_off(page, "Families need them", "Roll back now")
            expect(page.get_by_role("status").first).to_contain_text("serves now.")
            assert dana.read(PAPER).status_code == 200
    finally:
        put_back(stack, first)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_refused_bundle_shows_each_problem_beside_its_line(people: People, width: int) -> None:
    with people.page("rex", width) as page:
        hand_in(
            page, '\npermit(rep: Representative, "veiw", _: Document, "guardian.typo") if\n    rep.kund = "x";\n', "n"
        )
        expect(page.get_by_role("heading", name=re.compile("The bundle is refused"))).to_be_visible()
        expect(page.get_by_text(re.compile(r"representatives/guardian\.polar:\d+")).first).to_be_visible()
        expect(page.get_by_label("Note: what changes, and why")).to_have_value("n")
        look(page, "versions_refused")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_trail_is_verified_chain_by_chain(people: People, width: int) -> None:
    with people.page("rex", width) as page:
        page.goto("/review/trail")
        look(page, "review_trail")
        page.get_by_role("button", name="Verify now").click()
        expect(page.get_by_text("Nothing was touched.")).to_be_visible(timeout=60_000)
        expect(page.get_by_text("Changes of northgate")).to_be_visible()
        look(page, "review_verification")
        page.goto("/review/trail")
        expect(page.get_by_text("Nothing was touched.")).to_be_visible()


@pytest.fixture
def tables(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Engine]:
    """The access database, as whoever owns the machine may write to it."""
    if os.environ.get("KINGUARD_STORIES_ON") == "postgresql":
        url = request.getfixturevalue("postgres_url").replace("/postgres?", "/stories_access?")
    else:
        url = f"sqlite:///{stack.data_dir / 'access.db'}"
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_record_touched_by_hand_is_named_where_it_is(people: People, tables: Engine, width: int) -> None:
    first = (RECORDS.c.chain == "changes.northgate") & (RECORDS.c.number == 1)
    with tables.connect() as database:
        action = database.execute(select(RECORDS.c.action).where(first)).scalar_one()
        database.rollback()
        try:
            with database.begin():
                database.execute(update(RECORDS).where(first).values(action="grant.end"))
            with people.page("rex", width) as page:
                page.goto("/review/trail/verification")
                page.get_by_role("button", name="Verify now").click()
                expect(page.get_by_role("heading", name="The trail was touched.")).to_be_visible(timeout=60_000)
                expect(page.get_by_text("What the table says of a record")).to_be_visible()
                expect(page.get_by_text(re.compile("Changes of northgate, group 1, near"))).to_be_visible()
                expect(page.get_by_text("Touched").first).to_be_visible()
                look(page, "review_touched")
                page.goto("/review/trail")
                look(page, "review_trail_touched")
        finally:
            with database.begin():
                database.execute(update(RECORDS).where(first).values(action=action))
