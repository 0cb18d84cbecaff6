"""No request, however odd, makes the service fail or allow: it is answered, or refused with a reason."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authz_service.api.routes import DESCRIBED
from tests.api.examples import BODIES, path_of

if TYPE_CHECKING:
    from authz_service.api.routing import Endpoint
    from tests.api.conftest import Api

# Words that mean something here come up often enough to get past the first check.
WORDS = st.sampled_from(
    ["account", "staff", "rosa", "jo", "view", "invoice", "document", "mia", "northgate", "open", "draft", "", "x", "é"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ASKED = [endpoint for endpoint in DESCRIBED if endpoint.body is not None and not endpoint.form]


@st.composite
def mutated(draw: st.DrawFn, body: Any) -> Any:
    """A good body with one to three of its places changed, taken away or added to."""
    found = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        place, last = found, None
        while isinstance(place, dict | list) and place and (last is None or draw(st.booleans())):
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            last, place = (place, key), place[key]
        if last is None:
            return draw(VALUES)
        holder, key = last
        kind = draw(st.sampled_from(["change", "remove", "add"]))
        if kind == "remove":
            del holder[key]
        elif kind == "add" and isinstance(holder, dict):
            holder[draw(WORDS)] = draw(VALUES)
        else:
            holder[key] = draw(VALUES)
    return found


def _actor(endpoint: Endpoint) -> str:
    """Who gets as far as the body: refusals of the policy are another test's."""
    if endpoint.path.startswith("/v1/policy/"):
        return "staff/priya" if endpoint.path.endswith(("/deploy", "/rollback")) else "staff/rex"
    return "staff/jo"


def test_every_body_that_the_service_reads_is_among_these() -> None:
    assert {endpoint.path for endpoint in ASKED} == set(BODIES)
    assert len(ASKED) == len(BODIES)


@given(data=st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_body_makes_the_service_fail(shared_api: Api, data: st.DataObject) -> None:
    endpoint = data.draw(st.sampled_from(ASKED))
    body = data.draw(mutated(BODIES[endpoint.path]) | VALUES)
    try:
        content = orjson.dumps(body)
    except TypeError:  # An integer beyond 64 bits.
        content = str(body).encode()
    reply = shared_api.call(
        endpoint.method,
        path_of(endpoint),
        content=content,
        headers={"Content-Type": "application/json"},
        actor=_actor(endpoint),
        etag=data.draw(st.sampled_from([None, '"1"'])),
    )
    assert reply.status_code in {200, 201, 204, 400, 404, 409, 412, 413, 422, 428}, (
        reply.status_code,
        reply.text,
        body,
    )
    if reply.status_code >= 400:
        assert reply.json()


@given(text=st.text(min_size=1, max_size=12))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_address_makes_the_service_fail(shared_api: Api, text: str) -> None:
    part = quote(text.encode("utf-8", "surrogatepass"), safe="")
    for path in (f"/{part}", f"/v1/grants/{part}", f"/v1/clients/{part}/grants", f"/v1/trail?account={part}"):
        assert shared_api.call("GET", path).status_code in {200, 400, 404}, path
