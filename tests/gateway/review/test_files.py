"""The pages on which a reviewer reads the policy: every word that names something leads there, in the version read."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from authz_service.engine import load_policy
from tests.conftest import ROOT
from tests.gateway.portal_stack import Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.gateway.portal_stack import Browser

pytestmark = pytest.mark.anyio
PAGES = (
    "/review/files",
    "/review/files?q=plan",
    "/review/files/limits~item.polar",
    "/review/files/invariants.yaml",
    "/review/rules/item.withheld",
    "/review/facts",
    "/review/matrix?subject=staff",
    "/review/matrix/csv?subject=staff",
    "/review/proofs",
)
HOSTILE = "<script>document.title = 'run'</script>"


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path_factory.mktemp("portal"), seeded_files) as running:
        yield running


@pytest.fixture(scope="module")
async def other(site: Portal) -> str:
    """The digest of a staged version, whose texts hold markup."""
    folder = ROOT / "policies"
    files = [path for path in folder.rglob("*") if path.suffix in (".polar", ".yaml")]
    texts = {path.relative_to(folder).as_posix(): path.read_text() for path in files}
    texts["limits/item.polar"] = f"# {HOSTILE}\n" + texts["limits/item.polar"].replace(
        "# A draft is never shown.", f"# A draft {HOSTILE} is never shown."
    )
    texts["facts.yaml"] = texts["facts.yaml"].replace("says: whether today lies", f"says: {HOSTILE} whether today lies")
    staged = await site.state.authz.stage_version(texts, "with markup", actor="staff/rex")
    return str(staged["digest"])


async def shown(browser: Browser, path: str, status: int = 200) -> str:
    answer = await browser.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.text


def links(text: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]+)"', text)]


@pytest.mark.parametrize("path", PAGES)
async def test_who_may_view_policies_reads_and_others_are_refused(site: Portal, path: str) -> None:
    for name, status in {"rex": 200, "jo": 200, "priya": 200, "ken": 403, "bea": 403, "sky": 403, "dana": 404}.items():
        await shown(await site.as_(name), path, status)
    assert (await site.browser().get(path)).status_code == 303  # To the sign-in.


async def test_every_file_is_there_in_reading_order_with_its_rules_and_lines(site: Portal) -> None:
    text = await shown(await site.as_("rex"), "/review/files")
    files = [link for link in links(text) if link.startswith("/review/files/")]
    assert files[0] == "/review/files/main.polar"
    assert files[-1] == "/review/files/facts.yaml"
    assert {file.removeprefix("/review/files/").replace("~", "/") for file in files} == {
        path.relative_to(ROOT / "policies").as_posix() for path in (ROOT / "policies").rglob("*.*")
    }
    assert load_policy(ROOT / "policies", site.authz.service.settings.bundles_dir).digest in text
    assert "does not serve" not in text


async def test_every_link_of_every_file_leads_somewhere(site: Portal) -> None:
    """Files, rules, facts and lines that the texts name are pages that open, and places on them that are there."""
    rex = await site.as_("rex")
    texts: dict[str, str] = {}
    todo = ["/review/files"]
    marks: set[tuple[str, str]] = set()
    while todo:
        path = todo.pop()
        texts[path] = await shown(rex, path)
        for link in links(texts[path]):
            page, _, mark = link.partition("#")
            page = page or path
            if mark:
                marks.add((page, mark))
            if page.startswith(("/review/files", "/review/facts", "/review/rules")) and page not in texts:
                texts[page] = ""
                todo.append(page)
    assert sum(path.startswith("/review/rules/") for path in texts) == len(
        load_policy(ROOT / "policies", site.authz.service.settings.bundles_dir).rules
    )
    missing = [(page, mark) for page, mark in marks if page in texts and f'id="{mark}"' not in texts[page]]
    assert missing == []


async def test_a_file_is_shown_letter_for_letter(site: Portal) -> None:
    text = await shown(await site.as_("rex"), "/review/files/staff~emergency.polar")
    lines = re.findall(r'<span class="code-line" id="L(\d+)">.*?<code>(.*?)</code>', text)
    told = [unescape(re.sub(r"<[^>]+>", "", line)) for _number, line in lines]
    assert told == (ROOT / "policies/staff/emergency.polar").read_text().removesuffix("\n").split("\n")
    assert [int(number) for number, _line in lines] == list(range(1, len(lines) + 1))


async def test_another_version_is_read_with_a_banner_and_stays_chosen(site: Portal, other: str) -> None:
    rex = await site.as_("rex")
    for path in ("/review/files", "/review/files/main.polar", "/review/facts", "/review/rules/item.draft"):
        text = await shown(rex, f"{path}?version={other}")
        assert "which does not serve" in text
        assert other[:12] in text
        inner = [link for link in links(text) if link.startswith(("/review/files/", "/review/rules/"))]
        assert inner
        assert all(f"version={other}" in link for link in inner if link != path), path
    serving = load_policy(ROOT / "policies", site.authz.service.settings.bundles_dir).digest
    assert "does not serve" not in await shown(rex, f"/review/files?version={serving}")


async def test_another_practice_reads_what_serves_and_no_other_version(site: Portal, other: str) -> None:
    """What serves decides about them too; what is staged belongs to the practice that keeps the policy."""
    hal = await site.as_("hal")
    for path in ("/review/files", "/review/files/main.polar", "/review/facts", "/review/rules/item.draft"):
        await shown(hal, path)
        await shown(hal, f"{path}?version={other}", 404)


@pytest.mark.parametrize("version", ["0" * 64, "..", "x", "<script>"])
async def test_a_version_that_is_not_kept_is_not_found(site: Portal, version: str) -> None:
    await shown(await site.as_("rex"), f"/review/files?version={version}", 404)


@pytest.mark.parametrize(
    "path", ["/review/files/none.polar", "/review/files/limits", "/review/rules/no.such", "/review/files/..~main.polar"]
)
async def test_what_the_version_has_not_is_not_found(site: Portal, path: str) -> None:
    await shown(await site.as_("rex"), path, 404)


async def test_text_of_a_bundle_is_shown_and_never_run(site: Portal, other: str) -> None:
    rex = await site.as_("rex")
    for path in (
        "/review/files",
        "/review/files/limits~item.polar",
        "/review/files/facts.yaml",
        "/review/facts",
        "/review/rules/item.draft",
        "/review/files?q=script",
    ):
        text = await shown(rex, f"{path}{'&' if '?' in path else '?'}version={other}")
        assert "&lt;script&gt;document.title" in text, path
        assert "<script>document" not in text, path
    text = await shown(rex, "/review/files?q=%3Cscript%3Ealert(1)")
    assert "<script>alert" not in text


async def test_a_search_leads_to_rules_facts_and_lines(site: Portal) -> None:
    rex = await site.as_("rex")
    found = links(await shown(rex, "/review/files?q=service+plan"))
    assert "/review/rules/practice.plan_for_client_only" in found
    assert "/review/facts#subject.practice.plan_audience" in found
    assert any(re.fullmatch(r"/review/files/features\.polar#L\d+", link) for link in found)
    assert "Nothing fits" in await shown(rex, "/review/files?q=xyzzy")


async def test_a_rule_shows_what_it_reads_where_it_decides_and_what_rests_on_it(site: Portal) -> None:
    text = await shown(await site.as_("rex"), "/review/rules/item.minor_consented")
    found = links(text)
    assert "/review/facts#resource.category" in found
    assert any(link.startswith("/review/diagrams/account/view/document?") for link in found)
    assert any(re.fullmatch(r"/review/files/limits~item\.polar#L\d+", link) for link in found)
    assert any(link.startswith("/review/proofs#") for link in found)
    assert any(link.startswith("/review/trail?kind=decision&action=view&type=document") for link in found)
    assert re.search(r"decides in [\d,]+ of [\d,]+ situations", text)
    assert "Would not hold without it" in text


async def test_a_second_wall_says_so(site: Portal) -> None:
    text = await shown(await site.as_("rex"), "/review/rules/payer.no_service_plan")
    assert "This rule changes no answer" in text
    assert "a second wall" in text


async def test_nothing_of_any_client_stands_in_the_pages(site: Portal) -> None:
    """Names as the records have them; ids of the test cast may stand in the examples of suites."""
    rex = await site.as_("rex")
    for path in PAGES:
        text = await shown(rex, path)
        for name in ("Mia ", "Rosa ", "Leo ", "Arlo ", "Dana ", "Novak", "@example"):
            assert name not in text, (path, name)
