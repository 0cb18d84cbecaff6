"""Whoever opens a page sees what the service allows, and a refusal tells no more than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from tests.gateway.portal_stack import Portal, SeededFiles, portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path_factory.mktemp("portal"), seeded_files) as running:
        yield running


PAGES = [
    ("rosa", "/c/rosa/plan", 200),
    ("rosa", "/c/rosa/invoices/inv_rosa_1", 200),
    ("rosa", "/c/rosa/invoices/inv_rosa_2", 404),
    ("rosa", "/c/rosa/documents/doc_rosa_summary", 200),
    ("rosa", "/c/rosa/documents/doc_rosa_draft", 404),
    ("rosa", "/c/mia", 404),
    ("tom", "/c/rosa/invoices/inv_rosa_1", 200),
    ("tom", "/c/rosa/calendar", 200),
    ("tom", "/c/rosa/plan", 403),
    ("tom", "/c/arlo/calendar", 200),
    ("tom", "/c/arlo/invoices", 403),
    ("harbor", "/c/rosa/invoices/inv_rosa_2", 200),
    ("harbor", "/c/arlo/invoices/inv_arlo_1", 200),
    ("harbor", "/c/rosa/invoices/inv_rosa_1", 404),
    ("harbor", "/c/arlo/calendar", 200),
    ("harbor", "/c/rosa/documents", 403),
    ("maple", "/c/arlo/invoices/inv_arlo_2", 200),
    ("gus", "/c/mia/invoices/inv_mia_3", 200),
    ("gus", "/c/mia/calendar", 403),
    ("dana", "/c/mia/invoices/inv_mia_1", 200),
    ("dana", "/c/mia/invoices/inv_mia_2", 404),
    ("dana", "/c/mia/plan", 403),
    ("dana", "/c/leo/documents/doc_leo_school", 200),
    ("dana", "/c/leo/documents/doc_leo_private", 404),
    ("dana", "/c/dana/plan", 200),
    ("dana", "/c/wren/invoices/inv_wren_1", 200),
    ("dana", "/c/vic", 404),
    ("sam", "/c/mia/calendar", 200),
    ("sam", "/c/mia/documents/doc_mia_school", 200),
    ("sam", "/c/mia/documents/doc_mia_letter", 404),
    ("sam", "/c/mia/documents/doc_mia_consent_dana", 404),
    ("sam", "/c/mia/invoices", 403),
    ("sam", "/c/mia/invoices/inv_mia_2", 403),
    ("sam", "/c/mia/invoices/inv_nobody", 403),
    ("leo", "/c/leo/plan", 200),
    ("exa", "/", 200),
    ("exa", "/c/mia", 403),
    ("uma", "/c/uma", 200),
    ("jo", "/admin/clients/mia", 200),
    ("jo", "/admin/clients/wren", 404),
    ("jo", "/admin/clients/mia/grants/g_sam_mia", 200),
    ("jo", "/admin/clients/mia/grants/g_sam_leo", 404),
    ("jo", "/admin/clients/mia/grants/g_nobody", 404),
    ("jo", "/c/mia", 404),
    ("ken", "/admin/clients/mia", 200),
    ("ken", "/admin/clients/leo", 403),
    ("rex", "/admin/clients", 403),
    ("bea", "/admin/practice", 403),
    ("hal", "/admin/clients/mia", 404),
    ("dana", "/admin", 404),
    ("dana", "/admin/clients", 404),
]


@pytest.mark.parametrize("name", sorted({name for name, _, _ in PAGES}))
async def test_each_of_the_cast_sees_the_pages_that_follow_from_it(site: Portal, name: str) -> None:
    browser = await site.as_(name)
    expected = {path: status for who, path, status in PAGES if who == name}
    assert {path: (await browser.get(path)).status_code for path in expected} == expected


@pytest.mark.parametrize(
    ("name", "hidden", "missing"),
    [
        ("rosa", "/c/rosa/invoices/inv_rosa_2", "/c/rosa/invoices/inv_rosa_9"),
        ("sam", "/c/mia/documents/doc_mia_letter", "/c/mia/documents/doc_mia_lette9"),
        ("dana", "/c/leo/documents/doc_leo_private", "/c/leo/documents/doc_leo_privat9"),
        ("rosa", "/c/rosa/documents/doc_rosa_draft", "/c/rosa/documents/inv_rosa_1"),
        ("dana", "/c/rosa", "/c/nobody"),
        ("dana", "/c/vic", "/nowhere"),
        ("hal", "/admin/clients/mia", "/admin/clients/nobody"),
    ],
)
async def test_what_is_hidden_reads_like_what_is_missing_to_the_byte(
    site: Portal, name: str, hidden: str, missing: str
) -> None:
    browser = await site.as_(name)
    answers = [await browser.get(path, headers={"X-Request-ID": "same"}) for path in (hidden, missing)]
    assert answers[0].status_code == answers[1].status_code == 404
    assert answers[0].content == answers[1].content
    assert sorted(answers[0].headers.items()) == sorted(answers[1].headers.items())


async def test_a_refusal_by_switch_reads_the_same_whether_the_item_exists(site: Portal) -> None:
    browser = await site.as_("sam")
    answers = [await browser.get(f"/c/mia/invoices/{item}") for item in ("inv_mia_2", "inv_mia_9")]
    assert answers[0].status_code == 403
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("tom", "/c/rosa/plan", "not open to emergency contacts"),
        ("sam", "/c/mia/invoices", "Invoices are switched off for you on Mia&#39;s portal."),
        ("dana", "/c/mia/plan", "shows service plans to clients themselves only"),
        ("exa", "/c/mia", "is not active"),
        ("gus", "/c/mia/documents", "not open to guarantors"),
        ("rex", "/admin/clients", "Your role"),
    ],
)
async def test_a_refusal_gives_its_reason_in_plain_words(site: Portal, name: str, path: str, words: str) -> None:
    answer = await (await site.as_(name)).get(path)
    assert answer.status_code == 403
    assert words in answer.text


async def test_no_row_is_read_before_the_type_is_allowed(site: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await site.as_("sam")

    def read(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a row was read")

    monkeypatch.setattr(site.state.records, "item", read)
    monkeypatch.setattr(site.state.records, "rows", read)
    assert (await browser.get("/c/mia/invoices/inv_mia_2")).status_code == 403
    assert (await browser.get("/c/mia/documents/doc_mia_school")).status_code == 500  # The control: here one is read.


async def test_a_switch_counts_on_the_very_next_request(site: Portal) -> None:
    sam, jo = await site.as_("sam"), "staff/jo"
    authz = site.state.authz
    assert (await sam.get("/c/mia/invoices")).status_code == 403

    async def toggle(on: bool) -> None:
        grant = await authz.grant("g_sam_mia")
        await authz.update_grant("g_sam_mia", {"toggles": {"invoices": on}}, etag=grant["etag"], actor=jo)

    await toggle(on=True)
    answer = await sam.get("/c/mia/invoices")
    assert answer.status_code == 200
    assert "NG-1045" in answer.text
    assert "NG-1044" not in answer.text
    assert (await sam.get("/c/mia/invoices/inv_mia_2")).status_code == 200
    assert (await sam.get("/c/mia/invoices/inv_mia_1")).status_code == 404

    await authz.set_practice_switch("northgate", "invoices", on=False, actor=jo)
    assert "switched off at Northgate" in (await sam.get("/c/mia/invoices")).text
    await authz.set_practice_switch("northgate", "invoices", on=True, actor=jo)
    await authz.set_client_switch("mia", "invoices", on=False, actor=jo)
    assert "switched off on Mia" in (await sam.get("/c/mia/invoices")).text
    await authz.set_client_switch("mia", "invoices", on=True, actor=jo)
    assert (await sam.get("/c/mia/invoices")).status_code == 200

    await toggle(on=False)
    assert (await sam.get("/c/mia/invoices/inv_mia_2")).status_code == 403


async def test_without_the_service_nothing_is_shown(site: Portal) -> None:
    dana, jo = await site.as_("dana"), await site.as_("jo")
    visitor = site.browser()
    paths = ("/", "/c/mia", "/c/mia/invoices", "/c/mia/invoices/inv_mia_1", "/c/leo/calendar", "/c/rosa")
    site.line.cut = True
    try:
        for path in paths:
            answer = await dana.get(path)
            assert answer.status_code == 503, path
            assert "Mia" not in answer.text
        for path in ("/admin", "/admin/clients", "/admin/clients/mia"):
            assert (await jo.get(path)).status_code == 503, path
        assert (await visitor.sign_in("rosa")).status_code == 503
        assert (await visitor.get("/readyz")).status_code == 503
        assert (await visitor.get("/healthz")).status_code == 200
    finally:
        site.line.cut = False
    assert (await dana.get("/c/mia/invoices/inv_mia_1")).status_code == 200
    assert (await visitor.get("/")).status_code == 303


async def test_head_is_decided_like_get_and_other_methods_are_not_served(site: Portal) -> None:
    sam = await site.as_("sam")
    for path in ("/c/mia/calendar", "/c/mia/invoices", "/c/mia/documents/doc_mia_letter"):
        get, head = await sam.get(path), await sam.http.head(path)
        assert head.status_code == get.status_code
    for method in ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "BREW"):
        assert (await sam.http.request(method, "/c/mia/calendar")).status_code == 405, method
    for override in ({"X-HTTP-Method-Override": "GET"}, {"X-HTTP-Method": "GET"}, {"X-Method-Override": "GET"}):
        assert (await sam.http.put("/c/mia/calendar", headers=override)).status_code == 405
    assert (await sam.get("/c/mia/invoices?_method=POST")).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Original-URL": "/c/mia/calendar"},
        {"X-Rewrite-URL": "/c/mia/calendar"},
        {"X-Forwarded-Prefix": "/static"},
        {"X-Forwarded-User": "rosa"},
        {"Kinguard-Actor": "staff/jo"},
        {"X-Forwarded-Host": "evil.example"},
    ],
)
async def test_no_header_changes_who_asks_or_for_what(site: Portal, headers: dict[str, str]) -> None:
    sam = await site.as_("sam")
    assert (await sam.get("/c/mia/invoices", headers=headers)).status_code == 403
    visitor = site.browser()
    answer = await visitor.get("/c/mia/calendar", headers=headers)
    assert answer.headers["location"] == "/sign-in?next=/c/mia/calendar"


@pytest.mark.parametrize(
    "path",
    [
        "/c/mia%2Fcalendar",
        "/c/leo/../mia/calendar",
        "/c/%2e%2e/admin",
        "//c/mia/calendar",
        "/static/%2e%2e/app.py",
        "/c/mia;x/calendar",
    ],
)
async def test_a_path_with_two_readings_is_turned_away(site: Portal, path: str) -> None:
    sam = await site.as_("sam")
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in sam.http.cookies.jar)
    assert await raw_status(site, "/c/mia/calendar", cookies) == 200  # The control: plain, it is served.
    assert await raw_status(site, path, cookies) == 400


async def raw_status(site: Portal, path: str, cookies: str) -> int:
    """The status of a GET whose path no client library has tidied up."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8080"), (b"cookie", cookies.encode())],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8080),
    }
    await site.app(scope, receive, send)
    return int(sent[0]["status"])


async def test_a_slash_at_the_end_leads_nowhere(site: Portal) -> None:
    sam = await site.as_("sam")
    for path in ("/c/mia/", "/c/mia/calendar/", "/sign-in/", "/admin/"):
        assert (await sam.get(path)).status_code == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "", "localhost:x"]
)
async def test_another_host_is_turned_away(site: Portal, host: str) -> None:
    answer = await site.browser().get("/sign-in", headers={"Host": host})
    assert answer.status_code == 421
    assert "evil" not in answer.text


HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


async def test_every_answer_carries_the_security_headers(site: Portal) -> None:
    sam, visitor = await site.as_("sam"), site.browser()
    answers = [
        *[
            await sam.get(path)
            for path in ("/", "/c/mia", "/c/mia/invoices", "/c/rosa", "/nowhere", "/static/none.css")
        ],
        await sam.get("/static/kinguard.css"),
        await sam.http.put("/c/mia"),
        await sam.http.post("/sign-out"),
        await visitor.get("/c/mia"),
        await visitor.get("/sign-in", headers={"Host": "evil.example"}),
        await visitor.get("/sign-in?" + "x" * 5000),
        await visitor.get("/sign-in", headers={"X-Much": "x" * 20_000}),
    ]
    assert {answer.status_code for answer in answers} >= {200, 303, 403, 404, 405, 414, 415, 421, 431}
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for part in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "object-src 'none'"):
            assert part in policy
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "x-request-id" in answer.headers
        if answer.request.url.path != "/static/kinguard.css":
            assert answer.headers["cache-control"] == "no-store"


async def test_the_request_id_of_the_page_is_that_of_its_decisions(site: Portal) -> None:
    dana = await site.as_("dana")
    answer = await dana.get("/c/mia/invoices/inv_mia_1", headers={"X-Request-ID": "page-1"})
    assert answer.headers["x-request-id"] == "page-1"
    trail = await site.state.authz.ask("GET", "/v1/trail?request_id=page-1&id=inv_mia_1&action=view")
    (entry,) = trail["entries"]
    assert (entry["subject"], entry["decision"], entry["client_id"]) == ("account/dana", True, "mia")


async def test_log_lines_hold_ids_and_no_names_or_content(site: Portal, capsys: pytest.CaptureFixture[str]) -> None:
    dana = await site.as_("dana")
    for path in ("/", "/c/mia", "/c/mia/invoices/inv_mia_1", "/c/mia/documents/doc_mia_letter", "/c/mia/plan"):
        await dana.get(path)
    await site.browser().sign_in("dana", "not-her-password")
    printed = "".join(capsys.readouterr())
    assert "request_served" in printed
    assert "/c/{client}/invoices/{id}" in printed
    for word in ("Novak", "Dana", "NG-1044", "mail.example", "northgate-demo", "not-her-password", "Northgate Family"):
        assert word not in printed
