"""Proofs on a page, and a proof of what the reader claims: told as a story, bounded, and not kept."""

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

    from httpx import Response

pytestmark = pytest.mark.anyio
PAGE = "/review/proofs"
CLAIM = """version: 1
invariants:
  - id: mine
    says: No {kind} ever sees an invoice.
    never: {{subject: account, action: view, resource: invoice, when: {{subject.kind: {kind}}}}}
"""


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path_factory.mktemp("portal"), seeded_files) as running:
        yield running


async def claim(site: Portal, text: str, name: str = "rex") -> Response:
    return await (await site.as_(name)).post(PAGE, {"invariants": text}, PAGE)


async def test_every_invariant_stands_there_in_words_with_what_it_was_proven_over(site: Portal) -> None:
    text = unescape((await (await site.as_("jo")).get(PAGE)).text)
    for proof in load_policy(ROOT / "policies", site.authz.service.settings.bundles_dir).prove():
        assert proof.invariant.says in text
        assert f'id="{proof.invariant.id}"' in text
        assert f"over {proof.situations:,} situations" in text


async def test_the_list_is_narrowed_by_words_types_and_facts(site: Portal) -> None:
    rex = await site.as_("rex")
    every, some = (await rex.get(PAGE)).text, (await rex.get(f"{PAGE}?q=service_plan+subject.kind")).text
    ids = [re.findall(r'<li class="decides" id="(\w+)">', text) for text in (every, some)]
    assert 0 < len(ids[1]) < len(ids[0])
    assert f"{len(ids[1])} statements fit." in some
    assert some.count("service_plan") >= len(ids[1])
    assert "Nothing fits" in (await rex.get(f"{PAGE}?q=xyzzy")).text


async def test_only_who_may_run_policies_is_offered_the_form_and_may_send_it(site: Portal) -> None:
    rex, jo = await site.as_("rex"), await site.as_("jo")
    assert "Prove one of your own" in (await rex.get(PAGE)).text
    assert "Prove one of your own" not in (await jo.get(PAGE)).text
    token = await rex.token(PAGE)
    assert (await jo.http.post(PAGE, data={"invariants": "x", "csrf": token})).status_code == 403
    mine = re.search(r'name="csrf" value="([0-9a-f]{64})"', (await jo.get(PAGE)).text)
    assert mine
    assert (await jo.http.post(PAGE, data={"invariants": "x", "csrf": mine[1]})).status_code == 403


async def test_a_claim_that_holds_is_proven(site: Portal) -> None:
    answer = await claim(site, CLAIM.format(kind="payer").replace("resource: invoice", "resource: service_plan"))
    assert answer.status_code == 200
    assert re.search(r"It holds\s+over [\d,]+ situations", answer.text)


async def test_a_claim_that_does_not_hold_is_answered_with_a_story_and_its_diagram(site: Portal) -> None:
    answer = await claim(site, CLAIM.format(kind="payer"))
    assert answer.status_code == 200
    text = unescape(answer.text)
    assert "an account asks for view on an invoice, and is allowed, and never may be:" in text
    assert "how this person is related to the client: payer (subject.kind)" in text
    assert "permitted by payer.calendar_and_invoices" in text
    assert 'href="/review/diagrams/account/view/invoice"' in text


async def test_a_claim_about_nothing_says_so(site: Portal) -> None:
    text = CLAIM.format(kind="self").replace("subject.kind: self", "subject.kind: self, resource.addressee: client")
    assert "it says nothing" in (await claim(site, text)).text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Write an invariant first"),
        (" \n ", "Write an invariant first"),
        ("x" * 20_001, "At most 20000 letters"),
        ("version: 1\ninvariants: }", "Line 2: not valid YAML"),
        (CLAIM.format(kind="payr"), "Line 5: payr is no value of subject.kind (did you mean payer?)"),
        ("[" * 15_000, "Line 1: more than 50 things stand within one another"),
        ("version: 1\ninvariants:\n  - id: <script>alert(1)</script>\n", "Line 3: an invariant lacks the key says"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_line_and_sentence_and_kept_in_the_field(
    site: Portal, text: str, says: str
) -> None:
    answer = await claim(site, text)
    assert answer.status_code == 422
    shown = re.sub(r"\s+", " ", unescape(answer.text))
    assert says in shown
    assert "<script>alert" not in answer.text
    assert 'aria-invalid="true"' in answer.text


async def test_nothing_of_a_claim_is_kept(site: Portal) -> None:
    await claim(site, CLAIM.format(kind="payer").replace("id: mine", "id: a_name_nobody_else_has"))
    rex = await site.as_("rex")
    for path in (PAGE, "/review/files?q=a_name_nobody_else_has", "/review/trail?kind=all"):
        text = (await rex.get(path)).text
        assert "a_name_nobody_else_has" not in re.sub(r'value="[^"]*"|“[^”]*”', "", text), path
