"""`/openapi.json` is valid, and says what is served: no more, no less."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from openapi_spec_validator import OpenAPIV31SpecValidator

from authz_service.api.endpoints.questions import DECISIONS
from authz_service.api.routes import DESCRIBED, ENDPOINTS

if TYPE_CHECKING:
    from tests.api.conftest import Api


def test_the_description_is_valid_openapi_3_1(shared_api: Api) -> None:
    document = shared_api.call("GET", "/openapi.json", token=None).json()
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_that_is_served_is_described_and_nothing_else(shared_api: Api) -> None:
    document = shared_api.call("GET", "/openapi.json", token=None).json()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    served = {(method, route.path) for route in shared_api.app._router.routes for method in route.methods}
    served |= {("POST", path) for path in shared_api.app._short}
    assert described == {(method, path) for method, path in served if method != "HEAD"}
    assert len(described) == len(DESCRIBED) == len(ENDPOINTS) + len(DECISIONS)


def test_every_body_and_scope_is_described(shared_api: Api) -> None:
    document = shared_api.call("GET", "/openapi.json", token=None).json()
    for endpoint in DESCRIBED:
        operation = document["paths"][endpoint.path][endpoint.method.lower()]
        assert ("requestBody" in operation) is (endpoint.body is not None)
        assert ("security" in operation) is (endpoint.scope is not None)
        named = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", endpoint.path))
