"""Every endpoint asks who calls and what their token allows; no door is left without."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from authz_service.api.routes import DESCRIBED
from authz_service.tokens.issuing import AUDIENCE
from authz_service.tokens.keys import read_key
from authz_service.tokens.signatures import sign
from models.vocabulary import Scope
from tests.api.conftest import question
from tests.api.examples import BODIES, path_of

if TYPE_CHECKING:
    import httpx

    from authz_service.api.routing import Endpoint
    from tests.api.conftest import Api

PROTECTED = [endpoint for endpoint in DESCRIBED if endpoint.scope is not None]
PUBLIC = {
    "/.well-known/authzen-configuration",
    "/.well-known/jwks.json",
    "/oauth/token",
    "/oauth/revoke",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
}
YES = question("rosa", "view", "service_plan", "plan_rosa")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def test_only_the_listed_doors_are_public() -> None:
    assert {endpoint.path for endpoint in DESCRIBED if endpoint.scope is None} == PUBLIC


@pytest.mark.parametrize("endpoint", PROTECTED, ids=lambda each: f"{each.method} {each.path}")
def test_an_endpoint_refuses_callers_without_a_token_or_without_its_scope(shared_api: Api, endpoint: Endpoint) -> None:
    refused = shared_api.call(endpoint.method, path_of(endpoint), {}, token=None)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    others = [scope for scope in Scope if scope is not endpoint.scope]
    lacking = shared_api.call(endpoint.method, path_of(endpoint), {}, token=shared_api.token(*others))
    assert lacking.status_code == 403
    assert endpoint.scope is not None
    assert endpoint.scope.value in lacking.text


NAMED = [endpoint for endpoint in PROTECTED if endpoint.takes_actor]
NOBODY = ("jo", "account/dana", "staff/", "staff/../jo", "system/seed")


@pytest.mark.parametrize("endpoint", NAMED, ids=lambda each: f"{each.method} {each.path}")
def test_what_is_done_in_a_name_needs_the_scope_act_and_someone_who_acts(shared_api: Api, endpoint: Endpoint) -> None:
    without = shared_api.token(*(scope for scope in Scope if scope is not Scope.ACT))
    args = (endpoint.method, path_of(endpoint), BODIES.get(endpoint.path, {}))
    refused = shared_api.call(*args, token=without, actor="staff/jo", etag='"1"')
    assert refused.status_code == 403, refused.text
    assert Scope.ACT.value in refused.text
    for actor in NOBODY:
        reply = shared_api.call(*args, actor=actor, etag='"1"')
        assert reply.status_code == 400, (actor, reply.text)
        assert "Kinguard-Actor" in reply.json()["detail"]


@pytest.mark.parametrize("endpoint", NAMED, ids=lambda each: f"{each.method} {each.path}")
def test_only_the_trail_is_read_in_nobodys_name(shared_api: Api, endpoint: Endpoint) -> None:
    assert endpoint.needs_actor is (endpoint.scope is not Scope.TRAIL)
    args = (endpoint.method, path_of(endpoint), BODIES.get(endpoint.path, {}))
    reply = shared_api.call(*args, token=shared_api.token(endpoint.scope or "", Scope.ASK_AT), etag='"1"')
    acting = shared_api.call(*args, etag='"1"')
    if endpoint.needs_actor:
        assert (reply.status_code, acting.status_code) == (403, 400), (reply.text, acting.text)
    else:
        assert reply.status_code == acting.status_code
        assert reply.status_code in {200, 404}, reply.text


def claims(api: Api, **changed: Any) -> dict[str, Any]:
    now = int(api.clock().timestamp())
    base = {
        "iss": api.settings.issuer,
        "aud": AUDIENCE,
        "sub": "demo-backend",
        "client_id": "demo-backend",
        "iat": now,
        "exp": now + 300,
        "jti": "j",
        "scope": "evaluate",
        "practices": ["*"],
    }
    return {name: value for name, value in (base | changed).items() if value is not None}


def test_a_token_with_all_its_claims_is_accepted(shared_api: Api) -> None:
    token = sign(claims(shared_api), shared_api.service.signing.current, "at+jwt")
    assert shared_api.evaluate(YES, token=token).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "http://127.0.0.1:8181/"},
        {"iss": "http://evil"},
        {"iss": None},
        {"aud": "kinguard"},
        {"aud": [AUDIENCE]},
        {"aud": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 0},
        {"exp": 1e12},
        {"iat": None},
        {"iat": True},
        {"jti": None},
        {"client_id": None},
        {"client_id": 5},
        {"client_id": "nobody"},
        {"scope": None},
        {"scope": ["evaluate"]},
        {"practices": None},
        {"practices": "northgate"},
        {"practices": [1]},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(shared_api: Api, changed: dict[str, Any]) -> None:
    token = sign(claims(shared_api, **changed), shared_api.service.signing.current, "at+jwt")
    assert shared_api.evaluate(YES, token=token).status_code == 401


@pytest.mark.parametrize(("iat", "exp"), [(-700, -31), (-300, 0), (31, 300), (-10, 591), (0, 601)])
def test_a_token_counts_only_at_its_time(shared_api: Api, iat: int, exp: int) -> None:
    now = int(shared_api.clock().timestamp())
    token = sign(claims(shared_api, iat=now + iat, exp=now + exp), shared_api.service.signing.current, "at+jwt")
    assert shared_api.evaluate(YES, token=token).status_code == 401


@pytest.mark.parametrize("typ", ["JWT", "", "AT+JWT", "trail-checkpoint", "application/at+jwt"])
def test_another_kind_of_token_is_no_access_token(shared_api: Api, typ: str) -> None:
    token = sign(claims(shared_api), shared_api.service.signing.current, typ)
    assert shared_api.evaluate(YES, token=token).status_code == 401


def test_a_token_signed_by_a_client_is_no_access_token(shared_api: Api) -> None:
    key = read_key(shared_api.settings.keys_dir / "clients" / "demo-backend.pem")
    assert shared_api.evaluate(YES, token=sign(claims(shared_api), key, "at+jwt")).status_code == 401


def test_an_expired_token_is_not_revived_by_a_clock_that_is_set_back(api: Api) -> None:
    token = api.token()
    assert api.evaluate(YES, token=token).status_code == 200
    api.clock.advance(minutes=11)
    assert api.evaluate(YES, token=token).status_code == 401
    api.clock.advance(minutes=-11)
    assert api.evaluate(YES, token=token).status_code == 401
    assert api.evaluate(YES).status_code == 200


def assertion(api: Api, client: str = "demo-backend", **changed: Any) -> str:
    now = int(api.clock().timestamp())
    base = {"iss": client, "sub": client, "aud": api.settings.token_endpoint, "iat": now, "exp": now + 60}
    base["jti"] = str(time.monotonic_ns())
    key = read_key(api.settings.keys_dir / "clients" / f"{client}.pem")
    merged = {name: value for name, value in (base | changed).items() if value is not None}
    return sign(merged, key, "JWT")


def post_form(api: Api, path: str, form: dict[str, str]) -> httpx.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return api.call("POST", path, token=None, content=urlencode(form), headers=headers)


def ask_token(api: Api, text: str, **more: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": text}
    return post_form(api, "/oauth/token", form | more)


def test_a_client_gets_a_token_for_a_signed_assertion(shared_api: Api) -> None:
    reply = ask_token(shared_api, assertion(shared_api), scope="evaluate", practices="northgate")
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, "evaluate")
    assert reply.headers["cache-control"] == "no-store"
    assert shared_api.evaluate(YES, token=body["access_token"]).json() == {"decision": True}
    assert shared_api.call("GET", "/v1/policy", token=body["access_token"]).status_code == 403


def test_an_assertion_counts_once(shared_api: Api) -> None:
    text = assertion(shared_api)
    assert ask_token(shared_api, text).status_code == 200
    assert ask_token(shared_api, text).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "http://evil"},
        {"aud": None},
        {"aud": []},
        {"iss": "gateway"},
        {"sub": "gateway"},
        {"exp": None},
        {"exp": 5},
        {"exp": 1e11},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
    ],
    ids=str,
)
def test_a_wrong_assertion_gives_no_token(shared_api: Api, changed: dict[str, Any]) -> None:
    reply = ask_token(shared_api, assertion(shared_api, **changed))
    assert reply.status_code == 401
    assert reply.json()["error"] == "invalid_client"


def test_one_client_cannot_speak_for_another(shared_api: Api) -> None:
    forged = assertion(shared_api, "demo-backend", iss="gateway", sub="gateway")
    assert ask_token(shared_api, forged).status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_request"),
        ({"grant_type": "client_credentials", "client_assertion_type": "x"}, "invalid_request"),
    ],
)
def test_a_wrong_token_request_is_refused_as_oauth_says(shared_api: Api, form: dict[str, str], error: str) -> None:
    reply = post_form(shared_api, "/oauth/token", form)
    assert (reply.status_code, reply.json()["error"]) == (400, error)


def test_nobody_gets_a_scope_that_the_client_does_not_have(shared_api: Api) -> None:
    assert ask_token(shared_api, assertion(shared_api), scope="evaluate root").json()["error"] == "invalid_scope"


def test_a_token_that_was_given_back_counts_no_more(api: Api) -> None:
    kept, given = api.token(), api.token()
    assert api.evaluate(YES, token=given).status_code == 200
    form = {"token": given, "client_assertion_type": ASSERTION, "client_assertion": assertion(api, "gateway")}
    assert post_form(api, "/oauth/revoke", form).status_code == 200
    assert api.evaluate(YES, token=given).status_code == 200  # Only its own client gives a token back.
    form["client_assertion"] = assertion(api)
    assert post_form(api, "/oauth/revoke", form).status_code == 200
    assert api.evaluate(YES, token=given).status_code == 401
    assert api.evaluate(YES, token=kept).status_code == 200


def test_a_client_taken_out_of_the_file_is_a_stranger_from_then_on(api: Api) -> None:
    token = api.token()
    assert api.evaluate(YES, token=token).status_code == 200
    api.settings.clients.write_text('{"clients": {}}')
    time.sleep(0.3)  # The longest that a process may go on without looking at the file.
    assert api.evaluate(YES, token=token).status_code == 401


def test_private_keys_are_their_owners_only(shared_api: Api) -> None:
    files = [path for path in shared_api.settings.keys_dir.rglob("*") if path.is_file()]
    assert len(files) >= 5
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
