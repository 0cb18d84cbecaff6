"""Versions on the pages: staged, compared, shadowed, replayed, put into service and rolled back, by whoever may."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

import pytest

from authz_service.deploying.texts import read_texts
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from tests.gateway.portal_stack import Browser, Portal

pytestmark = pytest.mark.anyio
PAGE = "/review/versions"
CO_PARENT = "representatives/co_parent.polar"
OURS = read_texts(ROOT / "policies")
NO_NEWS = """
# A co-parent reads no documents.
forbid(rep: Representative, _action, _document: Document, "co_parent.no_documents") if
    rep.kind = "co_parent";
"""
CHANGED = OURS | {CO_PARENT: OURS[CO_PARENT] + NO_NEWS}


def packed(files: Mapping[str, str], outer: str = "policies/") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{outer}{name}", text)
        archive.writestr("__MACOSX/._facts.yaml", b"\0")
    return content.getvalue()


async def hand_in(browser: Browser, files: Mapping[str, str], note: str = "a try") -> httpx.Response:
    sent = [("files", ("bundle.zip", packed(files), "application/zip"))]
    return await browser.post(PAGE, {"note": note}, PAGE, files=sent)


async def staged(browser: Browser, files: Mapping[str, str] = CHANGED, note: str = "No papers for co-parents") -> str:
    """The digest of a bundle that was staged."""
    answer = await hand_in(browser, files, note)
    assert answer.status_code == 303, re.sub(r"<[^>]+>", " ", answer.text)[-3000:]
    return answer.headers["location"].rpartition("/")[2]


async def put(browser: Browser, path: str, **fields: str) -> httpx.Response:
    """The form of a page that puts a version into service, as it stands there."""
    shown = (await browser.get(path)).text
    serving = re.search(r'name="serving" value="([^"]+)"', shown)
    assert serving, shown
    sent = {"serving": serving[1], "reason": "Agreed with the board", "read": "on", **fields}
    return await browser.post(path, sent, path)


async def test_what_serves_is_there_and_nothing_waits(site: Portal) -> None:
    shown = (await (await site.as_("rex")).get(PAGE)).text
    digest = site.authz.service.bundles.in_service.digest
    assert digest[:12] in shown
    assert "Nothing is staged." in shown
    assert "Came with a start of the service" in shown
    assert "Roll back" not in shown


async def test_a_bundle_handed_in_waits_with_its_note_and_is_not_served(site: Portal) -> None:
    rex, sam = await site.as_("rex"), await site.as_("sam")
    digest = await staged(rex)
    shown = (await rex.get(f"{PAGE}/{digest}")).text
    for words in ("No papers for co-parents", "Staged", "Newly denied", "Let it shadow", CO_PARENT, digest):
        assert words in shown, words
    assert "Put into service" not in shown
    assert (await sam.get("/c/mia/documents/doc_mia_school")).status_code == 200
    listed = (await rex.get(PAGE)).text
    assert "No papers for co-parents" in listed
    assert "Nothing is staged." not in listed


async def test_files_without_folders_take_the_place_of_those_of_their_name(site: Portal) -> None:
    rex = await site.as_("rex")
    digest = await staged(rex)
    sent = [("files", (name.rpartition("/")[2], text.encode(), "text/plain")) for name, text in CHANGED.items()]
    answer = await rex.post(PAGE, {"note": "the same"}, PAGE, files=sent)
    assert answer.headers["location"].endswith(digest), answer.text


async def test_a_refused_bundle_lists_every_problem_with_its_line_and_keeps_the_note(site: Portal) -> None:
    rex = await site.as_("rex")
    broken = OURS | {
        CO_PARENT: OURS[CO_PARENT] + '\npermit(rep: Representative, "veiw", _: Document, "co_parent.typo");\n',
        "limits/item.polar": OURS["limits/item.polar"] + "\nforbid(x;\n",
    }
    answer = await hand_in(rex, broken, "my <b>note</b>")
    assert answer.status_code == 422
    assert "The bundle is refused" in answer.text
    assert re.search(r"<code>(representatives/co_parent|limits/item)\.polar:\d+</code>", answer.text)
    assert 'value="my &lt;b&gt;note&lt;/b&gt;"' in answer.text
    assert "Nothing is staged." in answer.text


def damaged() -> bytes:
    """A ZIP file with a block of no known kind where the first member's compressed bytes begin."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("facts.yaml", OURS["facts.yaml"])
    content = bytearray(whole.getvalue())
    begins = 30 + int.from_bytes(content[26:28], "little") + int.from_bytes(content[28:30], "little")
    content[begins] = 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("bundle.zip", b"no zip at all", "cannot be unpacked"),
        ("bundle.zip", damaged(), "cannot be unpacked"),
        ("facts.yaml", b"\xff\xfe\x00", "is no text in UTF-8"),
        ("huge.polar", b"#" * 800_000, "at most 768 KB"),
    ],
)
async def test_what_is_no_bundle_is_said_so(site: Portal, name: str, content: bytes, says: str) -> None:
    rex = await site.as_("rex")
    answer = await rex.post(PAGE, {"note": "x"}, PAGE, files=[("files", (name, content, "text/plain"))])
    assert answer.status_code == 422
    assert says in answer.text


async def test_the_difference_says_what_is_denied_whom_it_touches_and_which_lines_changed(site: Portal) -> None:
    rex = await site.as_("rex")
    digest = await staged(rex)
    shown = await rex.get(f"{PAGE}/serving/{digest}")
    assert shown.status_code == 303
    text = (await rex.get(shown.headers["location"])).text
    assert text.index("Newly allowed") < text.index("Newly denied")
    for words in ("subject.kind = co_parent", "co_parent.no_documents", "Whom it touches now", "<code>sam</code>"):
        assert words in text, words
    assert "Would lose" in text
    assert "<ins><code># A co-parent reads no documents.</code></ins>" in text
    assert "Sam " not in text
    turned = (await rex.get(f"{PAGE}/{digest}/{site.authz.service.bundles.in_service.digest}")).text
    assert "Would gain" in turned
    same = (await rex.get(f"{PAGE}/{digest}/{digest}")).text
    assert "Both answer every question alike" in same
    assert "The files are the same" in same


async def test_the_difference_tells_of_staff_beside_families(site: Portal) -> None:
    rex = await site.as_("rex")
    name = "staff/scheduler.polar"
    more = 'scheduler_may("print", _: Invoice);\nadministrator_may("run", _: Policy);\n'
    digest = await staged(rex, CHANGED | {name: OURS[name] + more})
    text = (await rex.get((await rex.get(f"{PAGE}/serving/{digest}")).headers["location"])).text
    [gains, loses] = text[text.index("Whom it touches now") :].split("<h3>")[1:3]
    assert gains.startswith("Would gain")
    assert '<th scope="row"><code>sky</code></th><td>Print · Invoice</td>' in gains
    assert '<th scope="row"><code>jo</code></th>' in gains
    assert "none is named" in gains
    assert "<code>sam</code>" in loses
    assert "3 staff members" in text
    assert "Sky" not in text


async def test_a_shadow_counts_what_it_would_answer_otherwise_and_links_to_the_trail(site: Portal) -> None:
    rex, sam, dana = await site.as_("rex"), await site.as_("sam"), await site.as_("dana")
    digest = await staged(rex)
    path = f"{PAGE}/{digest}"
    assert (await rex.post(f"{path}/shadow", {"on": "true"}, path)).status_code == 303
    assert (await sam.get("/c/mia/documents/doc_mia_school")).status_code == 200
    assert (await dana.get("/c/mia")).status_code == 200
    shown = (await rex.get(path)).text
    assert "Allowed now, would be denied" in shown
    found = re.search(r'href="(/review/trail\?request=[^"]+)"', shown)
    assert found
    assert "doc_mia_school" in (await rex.get(found[1].replace("&amp;", "&"))).text
    await rex.post(f"{path}/shadow", {"on": "false"}, path)
    assert "Let it shadow" in (await rex.get(path)).text


async def test_recorded_decisions_are_replayed(site: Portal) -> None:
    rex, sam = await site.as_("rex"), await site.as_("sam")
    assert (await sam.get("/c/mia/documents/doc_mia_school")).status_code == 200
    digest = await staged(rex)
    site.clock.advance(minutes=5)
    rex = await site.as_("rex")
    answer = await rex.post(f"{PAGE}/{digest}/replay", {"period": "day"}, f"{PAGE}/{digest}")
    assert answer.status_code == 200
    for words in ("Now denied", "doc_mia_school", "co_parent.no_documents", "/review/trail/entries/"):
        assert words in answer.text, words


async def test_the_owner_puts_a_version_into_service_and_takes_it_back(site: Portal) -> None:
    rex, priya, sam = await site.as_("rex"), await site.as_("priya"), await site.as_("sam")
    first = site.authz.service.bundles.in_service.digest
    digest = await staged(rex)
    path = f"{PAGE}/{digest}/deploy"
    shown = (await priya.get(path)).text
    assert shown.index("Whom it touches now") < shown.index("Put into service now")
    assert (await put(priya, path)).headers["location"] == PAGE
    assert (await sam.get("/c/mia/documents/doc_mia_school")).status_code in (403, 404)
    listed = (await priya.get(PAGE)).text
    assert f"{digest[:12]} serves now." in listed
    assert "Agreed with the board" in listed
    assert "Priya" in listed
    assert (await put(priya, f"{PAGE}/rollback", reason="It was a mistake")).headers["location"] == PAGE
    assert (await sam.get("/c/mia/documents/doc_mia_school")).status_code == 200
    listed = (await priya.get(PAGE)).text
    assert f"{first[:12]} serves now." in listed
    assert "It was a mistake" in listed
    assert "Served before" in (await priya.get(f"{PAGE}/{digest}")).text


@pytest.mark.parametrize(
    ("fields", "says"), [({"reason": " "}, "Say why."), ({"read": ""}, "Tick that you have read what it changes.")]
)
async def test_without_a_reason_and_a_tick_nothing_is_done(site: Portal, fields: dict[str, str], says: str) -> None:
    priya = await site.as_("priya")
    first = site.authz.service.bundles.in_service.digest
    digest = await staged(await site.as_("rex"))
    answer = await put(priya, f"{PAGE}/{digest}/deploy", **fields)
    assert answer.status_code == 422
    assert says in answer.text
    assert site.authz.service.bundles.in_service.digest == first


async def test_when_another_version_serves_by_now_nothing_is_done_and_the_new_difference_is_shown(site: Portal) -> None:
    priya, rex = await site.as_("priya"), await site.as_("rex")
    first = site.authz.service.bundles.in_service.digest
    digest = await staged(rex)
    other = await staged(rex, OURS | {CO_PARENT: OURS[CO_PARENT] + "\n# nothing else\n"}, "A word more")
    await put(priya, f"{PAGE}/{other}/deploy")
    path = f"{PAGE}/{digest}/deploy"
    answer = await put(priya, path, serving=first)
    assert answer.status_code == 409
    assert "Another version came into service meanwhile" in answer.text
    assert f'name="serving" value="{other}"' in answer.text
    assert "Agreed with the board" in answer.text
    assert site.authz.service.bundles.in_service.digest == other


async def test_a_withdrawn_version_can_be_read_and_not_be_put_into_service(site: Portal) -> None:
    priya, rex = await site.as_("priya"), await site.as_("rex")
    digest = await staged(rex)
    path = f"{PAGE}/{digest}"
    assert (await rex.post(f"{path}/withdraw", {}, path)).status_code == 303
    shown = (await priya.get(path)).text
    assert "It was withdrawn" in shown
    assert f'href="{path}/deploy"' not in shown
    assert "cannot be put into service" in (await priya.get(f"{path}/deploy")).text


async def test_whose_practice_does_not_keep_the_policy_is_told_so_and_reads_what_serves(site: Portal) -> None:
    hal = await site.as_("hal")
    answer = await hal.get(PAGE)
    assert answer.status_code == 200
    assert "Another practice keeps the policy." in answer.text
    assert (await hal.get("/review/files")).status_code == 200
    refused = await hal.post(PAGE, {"note": "mine"}, "/review/proofs", files={"files": ("a.polar", b"")})
    assert refused.status_code == 403


async def test_only_the_owner_deploys_and_only_who_reviews_sees_versions(site: Portal) -> None:
    rex, ken = await site.as_("rex"), await site.as_("ken")
    digest = await staged(rex)
    for path in (f"{PAGE}/{digest}/deploy", f"{PAGE}/rollback"):
        answer = await rex.get(path)
        assert answer.status_code == 403
        assert "Your role at the practice does not include this page." in answer.text
    for path in (PAGE, f"{PAGE}/{digest}", f"{PAGE}/serving/{digest}"):
        assert (await ken.get(path)).status_code == 403
    for path in (f"{PAGE}/unknown", f"{PAGE}/{digest}/unknown"):
        assert (await rex.get(path)).status_code == 404
