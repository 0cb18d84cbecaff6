"""Forward authentication: a proxy takes 200 for yes, and gets it for nothing but a yes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from authz_service.api import forward_auth, forward_routes
from authz_service.api.forward_routes import read_routes
from authz_service.engine import BundleError
from tests.api.conftest import serving, settings_of
from tests.conftest import ROOT, StandingClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from authz_service.engine import Policy
    from tests.api.conftest import Api

TABLE = ROOT / "deploy" / "nginx" / "forward_routes.yaml"
PATH = "/v1/forward-auth"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory, bundles: Path, sqlite_files: Path) -> Iterator[Api]:
    """The service with the cast and the route table of the example."""
    folder = tmp_path_factory.mktemp("proxied")
    shutil.copytree(bundles, folder / "bundles")
    shutil.copy(sqlite_files / "seeded.db", folder / "seeded.db")
    settings = settings_of(folder, f"sqlite:///{folder / 'seeded.db'}", forward_routes=TABLE)
    with serving(settings, StandingClock()) as found:
        yield found


def ask(api: Api, subject: str, method: str, uri: str, **options: Any) -> httpx.Response:
    headers = {"Kinguard-Subject": subject, "X-Original-Method": method, "X-Original-URI": uri}
    return api.call("GET", PATH, headers=headers | options.pop("more", {}), **options)


def raw(api: Api, *headers: tuple[bytes | str, bytes | str], path: str = PATH) -> httpx.Response:
    """A request with exactly these headers, doubled ones included, and the proxy's token."""
    sent = [(b"Authorization", f"Bearer {api.token()}".encode())]
    sent += [tuple(each.encode() if isinstance(each, str) else each for each in header) for header in headers]  # type: ignore[misc]
    return api.portal.call(lambda: api.http.get(path, headers=sent))


def is_refusal(reply: httpx.Response) -> bool:
    return (
        reply.status_code == 403
        and reply.headers["kinguard-decision"] == "deny"
        and reply.headers["cache-control"] == "no-store"
        and reply.headers["content-type"] == "application/problem+json"
    )


@pytest.mark.parametrize(
    ("subject", "method", "uri"),
    [
        ("account/dana", "GET", "/clients/mia/invoices/inv_mia_1"),
        ("account/dana", "HEAD", "/clients/mia/invoices/inv_mia_1"),
        ("account/dana", "GET", "/clients/mia/invoices/inv_mia_1?print=1&back=/../x%2F"),
        ("account/dana", "GET", "/clients/mia/invoices/inv_mia_1?"),
        ("account/dana", "POST", "/clients/mia/invoices/inv_mia_1/payments"),
        ("account/dana", "GET", "/clients/leo/calendar"),
        ("account/rosa", "GET", "/service-plans/plan_rosa"),
        ("staff/jo", "GET", "/clients/mia/invoices/inv_mia_1"),
    ],
)
def test_what_the_policy_allows_passes(proxied: Api, subject: str, method: str, uri: str) -> None:
    reply = ask(proxied, subject, method, uri, more={"X-Request-ID": "mine"})
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["kinguard-decision"] == "allow"
    assert reply.headers["x-request-id"] == "mine"
    assert reply.headers["cache-control"] == "no-store"


GOOD = "/clients/mia/invoices/inv_mia_1"
HAZARDS = {
    "another's invoice": ("account/dana", "GET", "/clients/mia/invoices/inv_mia_2"),
    "an invoice under another client": ("account/dana", "GET", "/clients/leo/invoices/inv_mia_1"),
    "an invoice that there is not": ("account/dana", "GET", "/clients/mia/invoices/inv_none"),
    "a withheld document": ("account/sam", "GET", "/clients/mia/documents/doc_mia_letter"),
    "a plan that the kind never has": ("account/tom", "GET", "/service-plans/plan_rosa"),
    "another practice": ("staff/hal", "GET", GOOD),
    "nobody of that name": ("account/nobody", "GET", GOOD),
    "an ended grant": ("account/exa", "GET", "/clients/mia/calendar"),
    "another type of subject": ("robot/dana", "GET", GOOD),
    "a method without route": ("account/dana", "DELETE", GOOD),
    "OPTIONS": ("account/dana", "OPTIONS", GOOD),
    "CONNECT": ("account/dana", "CONNECT", GOOD),
    "TRACE": ("account/dana", "TRACE", GOOD),
    "a method in small letters": ("account/dana", "get", GOOD),
    "a method with a space": ("account/dana", "GET ", "/service-plans/plan_mia"),
    "two methods in one": ("account/dana", "GET, POST", GOOD),
    "HEAD of what can only be posted": ("account/dana", "HEAD", GOOD + "/payments"),
    "no path": ("account/dana", "GET", ""),
    "the root": ("account/dana", "GET", "/"),
    "a path without route": ("account/dana", "GET", "/clients/mia/secrets/inv_mia_1"),
    "a path that goes on": ("account/dana", "GET", GOOD + "/x"),
    "a path that ends early": ("account/dana", "GET", "/clients/mia/invoices"),
    "a path that ends in a slash": ("account/dana", "GET", GOOD + "/"),
    "a path without its slash": ("account/dana", "GET", GOOD[1:]),
    "a whole address": ("account/dana", "GET", "http://portal" + GOOD),
    "another host": ("account/dana", "GET", "//portal" + GOOD),
    "a doubled slash": ("account/dana", "GET", "/clients//mia/invoices/inv_mia_1"),
    "a doubled slash before it": ("account/dana", "GET", "/" + GOOD),
    "a dot": ("account/dana", "GET", "/clients/mia/./invoices/inv_mia_1"),
    "two dots": ("account/dana", "GET", "/clients/leo/../mia/invoices/inv_mia_1"),
    "two dots as an id": ("account/dana", "GET", "/clients/mia/invoices/.."),
    "two dots behind": ("account/dana", "GET", "/clients/mia/invoices/inv_mia_1/../inv_mia_2"),
    "escaped dots": ("account/dana", "GET", "/clients/leo/%2e%2e/mia/invoices/inv_mia_1"),
    "an escaped slash": ("account/dana", "GET", "/clients/mia/invoices%2Finv_mia_1"),
    "an escaped slash in an id": ("account/dana", "GET", "/clients/mia/invoices/inv_mia_1%2F..%2Finv_mia_2"),
    "an escape that is not needed": ("account/dana", "GET", "/clients/%6Dia/invoices/inv_mia_1"),
    "an escape of an escape": ("account/dana", "GET", "/clients/mia/invoices/inv_mia_1%252F"),
    "an escaped question mark": ("account/dana", "GET", GOOD + "%3Fx=1"),
    "an escaped NUL": ("account/dana", "GET", GOOD + "%00"),
    "a backslash": ("account/dana", "GET", "/clients\\mia\\invoices\\inv_mia_1"),
    "a path parameter": ("account/dana", "GET", GOOD + ";v=1"),
    "a fragment": ("account/dana", "GET", GOOD + "#top"),
    "a space": ("account/dana", "GET", "/clients/mia/invoices/inv_mia_1 /x"),
    "other letters in the path": ("account/dana", "GET", "/Clients/mia/invoices/inv_mia_1"),
    "other letters in an id": ("account/dana", "GET", "/clients/MIA/invoices/inv_mia_1"),
    "the placeholder itself": ("account/dana", "GET", "/clients/{client_id}/invoices/{id}"),
    "an id that is too long": ("account/dana", "GET", "/clients/mia/invoices/" + "x" * 65),
    "no person": ("", "GET", GOOD),
    "a person without type": ("dana", "GET", GOOD),
    "a person without name": ("account/", "GET", GOOD),
    "a person with a path": ("account/dana/x", "GET", GOOD),
    "two persons": ("account/dana, account/sam", "GET", GOOD),
    "an escaped person": ("account%2Fdana", "GET", GOOD),
    "a person in other letters": ("account/Dana", "GET", GOOD),
}


@pytest.mark.parametrize("case", HAZARDS)
def test_everything_else_is_refused(proxied: Api, case: str) -> None:
    assert is_refusal(ask(proxied, *HAZARDS[case]))


def test_a_refusal_reads_the_same_whether_the_item_exists(proxied: Api) -> None:
    cases = ("another's invoice", "an invoice that there is not", "a withheld document", "a path without route")
    assert len({ask(proxied, *HAZARDS[case]).content for case in cases}) == 1


METHOD, URI, SUBJECT = ("X-Original-Method", "GET"), ("X-Original-URI", GOOD), ("Kinguard-Subject", "account/dana")
FORWARDED = (("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", GOOD))
HEADERS: dict[str, tuple[tuple[bytes | str, bytes | str], ...]] = {
    "nothing": (),
    "no person": (METHOD, URI),
    "no method": (URI, SUBJECT),
    "no address": (METHOD, SUBJECT),
    "half of each family": (METHOD, FORWARDED[1], SUBJECT),
    "the other half of each family": (FORWARDED[0], URI, SUBJECT),
    "two methods": (METHOD, METHOD, URI, SUBJECT),
    "two addresses": (METHOD, URI, ("X-Original-URI", "/service-plans/plan_mia"), SUBJECT),
    "two persons": (METHOD, URI, SUBJECT, ("kinguard-subject", "account/sam")),
    "families that differ in the address": (METHOD, ("X-Original-URI", "/x"), *FORWARDED, SUBJECT),
    "families that differ in the method": (("X-Original-Method", "POST"), URI, *FORWARDED, SUBJECT),
    "one family and a half": (METHOD, URI, FORWARDED[1], SUBJECT),
    "a person that is not ASCII": (METHOD, URI, ("Kinguard-Subject", "account/dána".encode())),
    "an address that is not ASCII": (METHOD, ("X-Original-URI", b"/clients/m\xefa/invoices/inv_mia_1"), SUBJECT),
    "headers that only look alike": (("X-Original-Meth0d", "GET"), ("X_Original_URI", GOOD), SUBJECT),
}


@pytest.mark.parametrize("case", HEADERS)
def test_unclear_headers_are_refused(proxied: Api, case: str) -> None:
    assert is_refusal(raw(proxied, *HEADERS[case]))


@pytest.mark.parametrize(
    "headers",
    [
        (METHOD, URI, SUBJECT),
        (*FORWARDED, SUBJECT),
        (METHOD, URI, *FORWARDED, SUBJECT),
        (METHOD, URI, SUBJECT, ("X-HTTP-Method-Override", "DELETE"), ("X-Method-Override", "DELETE")),
    ],
)
def test_both_families_of_headers_are_read_and_overrides_are_not(proxied: Api, headers: Any) -> None:
    assert raw(proxied, *headers).status_code == 200
    assert raw(proxied, *headers, path=f"{PATH}?what=the+proxy+adds&what=twice").status_code == 200


def test_an_override_does_not_make_a_method(proxied: Api) -> None:
    """What is posted is decided as posted, whatever a header calls it."""
    headers = (("X-Original-Method", "DELETE"), URI, SUBJECT, ("X-HTTP-Method-Override", "GET"))
    assert is_refusal(raw(proxied, *headers))


def test_the_proxy_must_prove_itself(proxied: Api) -> None:
    """Without a token, with one that is none, or with one for other scopes or practices, nothing passes."""
    for token in (None, "nonsense"):
        reply = ask(proxied, "account/dana", "GET", GOOD, token=token)
        assert reply.status_code == 401
        assert "www-authenticate" in reply.headers
        assert reply.headers["cache-control"] == "no-store"
    assert ask(proxied, "account/dana", "GET", GOOD, token=proxied.token("trail")).status_code == 403
    assert is_refusal(ask(proxied, "account/dana", "GET", GOOD, token=proxied.token(practices=("harborview",))))


def test_another_method_of_asking_is_not_served(proxied: Api) -> None:
    headers = dict([METHOD, URI, SUBJECT])
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert proxied.call(method, PATH, headers=headers).status_code == 405
    assert proxied.call("GET", f"{PATH}/", headers=headers).status_code == 404
    assert proxied.call("GET", f"{PATH}{GOOD}", headers=headers).status_code == 404


def test_a_decision_for_a_proxy_is_in_the_trail(proxied: Api) -> None:
    for name, (subject, uri) in {"yes": ("account/dana", GOOD), "no": ("account/sam", GOOD)}.items():
        ask(proxied, subject, "GET", uri, more={"X-Request-ID": f"forward-{name}"})
    for name, decision in (("yes", True), ("no", False)):
        (entry,) = proxied.call("GET", f"/v1/trail?request_id=forward-{name}").json()["entries"]
        assert (entry["type"], entry["decision"], entry["action"]) == ("decision", decision, "view")
        assert entry["resource"] == {"type": "invoice", "id": "inv_mia_1"}


def test_a_change_counts_from_the_next_request_on(
    data_dir: Path, seeded_url: str, standing_clock: StandingClock
) -> None:
    """On both kinds of database."""
    with serving(settings_of(data_dir, seeded_url, forward_routes=TABLE), standing_clock) as api:
        assert ask(api, "account/dana", "GET", GOOD).status_code == 200
        switch = api.call("PUT", "/v1/practices/northgate/switches/invoices", {"on": False}, actor="staff/jo")
        assert switch.status_code == 200
        assert is_refusal(ask(api, "account/dana", "GET", GOOD))


def test_nothing_passes_that_is_not_on_record(data_dir: Path, sqlite_url: str, standing_clock: StandingClock) -> None:
    with serving(settings_of(data_dir, sqlite_url, forward_routes=TABLE), standing_clock) as api:
        api.portal.call(api.service.writer.stop)
        reply = ask(api, "account/dana", "GET", GOOD)
        assert reply.status_code == 503
        assert reply.headers["cache-control"] == "no-store"
        assert "kinguard-decision" not in reply.headers


@pytest.mark.parametrize("broken", [RuntimeError("broken"), KeyError("x")])
def test_a_fault_is_no_yes(proxied: Api, monkeypatch: pytest.MonkeyPatch, broken: Exception) -> None:
    def fail(*_: object) -> object:
        raise broken

    monkeypatch.setattr(forward_auth, "evaluate_all", fail)
    reply = ask(proxied, "account/dana", "GET", GOOD)
    assert reply.status_code == 503
    assert reply.headers["cache-control"] == "no-store"


def test_without_a_table_the_endpoint_is_not_there(shared_api: Api) -> None:
    reply = ask(shared_api, "account/dana", "GET", GOOD)
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"
    assert "KINGUARD_FORWARD_ROUTES" in reply.json()["detail"]


def test_a_table_that_takes_any_segment_lets_hazards_through(proxied: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with ids unchecked and the path tidied first, several of the hazards pass."""
    import posixpath
    from urllib.parse import unquote

    monkeypatch.setattr(forward_routes, "is_id", lambda _: True)
    find = forward_routes.ForwardRoutes.find
    monkeypatch.setattr(
        forward_routes.ForwardRoutes,
        "find",
        lambda self, method, uri: find(self, method, posixpath.normpath(unquote(uri))),
    )
    passed = [case for case, hazard in HAZARDS.items() if ask(proxied, *hazard).status_code == 200]
    assert {"two dots", "escaped dots", "a dot", "an escaped slash", "a path that ends in a slash"} <= set(passed)


# ---- the table -------------------------------------------------------------------------------------------------------

ROW = "{method: GET, path: '/clients/{client_id}/invoices/{id}', action: view, type: invoice}"


def table(*rows: str) -> str:
    return "routes:\n" + "\n".join(f"  - {row}" for row in rows)


WRONG = {
    "": "empty",
    "routes: []": "empty",
    "routes: 5": "list",
    "[]": "mapping",
    "routes: [\n": "not valid YAML",
    "rules: []": "unknown key rules",
    table(ROW.replace("method", "metod")): "metod",
    table(ROW.replace("}/inv", "}/in v")): "in v",
    table(ROW.replace("GET", "HEAD")): "HEAD is decided as GET",
    table(ROW.replace("GET", "get")): "method must be one of",
    table(ROW.replace("GET", "5")): "must be a text",
    table(ROW.replace("view", "look")): "look is no action on invoice",
    table(ROW.replace("type: invoice", "type: invoise")): "did you mean invoice",
    table(ROW.replace("'/clients", "'clients")): "begin with /",
    table(ROW.replace("/clients", "//clients")): "single slashes",
    table(ROW.replace("{id}", "{id}/")): "single slashes",
    table(ROW.replace("{id}", "{name}")): "name",
    table(ROW.replace("{id}", "x{id}")): "x{id}",
    table(ROW.replace("{id}", "..")): "single slashes",
    table(ROW.replace("{id}", "%41")): "single slashes",
    table(ROW.replace("{id}", "*")): "single slashes",
    table(ROW.replace("{id}", "{id}/{id}")): "twice",
    table(ROW.replace("/{id}", "")): "filtered by a plan",
    table(ROW.replace("type: invoice", "type: profile")): "no {id}",
    table(ROW, ROW): "the one on line 2",
    table(ROW, ROW.replace("{id}", "new").replace("{client_id}", "{id}")): "the one on line 2",
    table(ROW.replace("method: GET", "method: GET, method: POST")): "twice",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_table_is_refused_by_line(policy: Policy, tmp_path: Path, text: str) -> None:
    """The start fails with the file, the line and what is wrong."""
    path = tmp_path / "routes.yaml"
    path.write_text(text)
    with pytest.raises(BundleError) as refused:
        read_routes(path, policy)
    assert WRONG[text] in str(refused.value)
    assert str(refused.value).startswith(str(path))


def test_a_table_that_is_not_there_is_refused(policy: Policy, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="KINGUARD_FORWARD_ROUTES cannot be read"):
        read_routes(tmp_path / "none.yaml", policy)
