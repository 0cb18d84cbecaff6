"""The matrix on a page: the cells of the workbench, each leading to its diagram, whole, by column and as CSV."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from authz_service.api import policy_tables
from authz_service.engine import load_policy
from authz_service.workbench.matrix import tabulate
from authz_service.workbench.matrix_report import as_csv
from gateway.review import matrix
from tests.conftest import ROOT
from tests.gateway.portal_stack import Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from authz_service.workbench.matrix import Matrix

pytestmark = pytest.mark.anyio
TABLES = {"account": ("subject.kind", "subject.toggle"), "staff": ("subject.role", None)}


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path_factory.mktemp("portal"), seeded_files) as running:
        yield running


@pytest.fixture(scope="module")
def tables(seeded_files: SeededFiles) -> dict[str, Matrix]:
    policy = load_policy(ROOT / "policies", seeded_files.bundles)
    return {subject: tabulate(policy, subject, by, group) for subject, (by, group) in TABLES.items()}


async def shown(site: Portal, path: str, status: int = 200) -> str:
    answer = await (await site.as_("rex")).get(path)
    assert answer.status_code == status, answer.status_code
    return answer.text


@pytest.mark.parametrize("subject", TABLES)
async def test_every_cell_is_the_workbenchs_and_leads_to_its_diagram(
    site: Portal, tables: dict[str, Matrix], subject: str
) -> None:
    text = await shown(site, f"/review/matrix?subject={subject}")
    found = re.findall(
        r'<td class="is-(yes|no|if)"><a href="([^"]+)">(\w+)(?: \d+)?<span class="unheard">: (\w+) (\w+), (\w+)<', text
    )
    table = tables[subject]
    words = {True: "yes", False: "no", None: "if"}
    expected = [
        (words[cell.answer], row.action, row.resource_type, head)
        for group in table.groups
        for row in group.rows
        for head, cell in zip(table.heads, row.cells, strict=True)
    ]
    assert [(look, action, kind, head) for look, _href, _word, action, kind, head in found] == expected
    for _look, href, _word, action, kind, head in found:
        path, _, query = unescape(href).partition("?")
        assert path == f"/review/diagrams/{subject}/{action}/{kind}"
        assert query == (f"subject.role.{head}=true" if subject == "staff" else f"subject.kind={head}")


async def test_what_all_conditions_need_is_said_once(site: Portal, tables: dict[str, Matrix]) -> None:
    text = await shown(site, "/review/matrix?subject=account")
    assert len(tables["account"].needs) > 2
    assert text.count("<code>subject.status = active</code>") == 1
    numbers = re.findall(r'<li value="(\d+)">', text)
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert set(re.findall(r">if (\d+)<", text)) == set(numbers)


async def test_one_column_has_its_conditions_in_full(site: Portal) -> None:
    text = await shown(site, "/review/matrix?subject=account&head=payer")
    assert "subject.kind=payer" in text
    assert "subject.kind=guardian" not in text
    assert "<code>resource.addressee" in text
    await shown(site, "/review/matrix?subject=account&head=nobody", 404)


async def test_other_heads_and_groups_are_chosen(site: Portal) -> None:
    text = await shown(site, "/review/matrix?subject=account&by=subject.status&group=-")
    assert "account by subject.status" in text
    assert re.findall(r'<th scope="col">(\w+)</th>', text)[1:] == ["active", "pending", "suspended", "ended"]


@pytest.mark.parametrize("query", ["subject=nobody", "by=none", "group=none", "by=%3Cscript%3E"])
async def test_a_table_that_there_is_not_is_not_found(site: Portal, query: str) -> None:
    await shown(site, f"/review/matrix?{query}", 404)


@pytest.mark.parametrize("subject", TABLES)
async def test_the_file_is_the_one_of_the_command_line(site: Portal, tables: dict[str, Matrix], subject: str) -> None:
    text = (await shown(site, f"/review/matrix/csv?subject={subject}")).lstrip("\ufeff")
    assert list(csv.reader(io.StringIO(text))) == list(csv.reader(io.StringIO(as_csv(tables[subject]))))


async def test_a_table_that_takes_long_is_announced_and_there_later(
    site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/review/matrix?subject=account&by=subject.window&group=-"
    with monkeypatch.context() as patched:
        patched.setattr(matrix, "_TRIES", 1)
        patched.setattr(policy_tables, "_MATRIX_SECONDS", 0)
        text = await shown(site, path)
        assert "The table is being worked out" in text
        assert f'href="{path.replace("&", "&amp;")}">Look again' in text
        await shown(site, path.replace("matrix?", "matrix/csv?"), 503)
    assert "account by subject.window" in await shown(site, path)


async def test_the_pages_speak_spanish(site: Portal) -> None:
    rex = await site.as_("rex")
    rex.http.headers["Accept-Language"] = "es"
    for path, words in {
        "/review/files": "Todos los archivos",
        "/review/rules/item.draft": "Dónde decide",
        "/review/facts": "Quién lo controla",
        "/review/matrix?subject=staff": "Elegir la tabla",
        "/review/proofs": "Demostrar una propia",
    }.items():
        text = (await rex.get(path)).text
        assert 'lang="es"' in text
        assert words in text, path
