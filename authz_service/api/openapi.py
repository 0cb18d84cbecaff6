"""`/openapi.json`: made from the one route table and the models of the bodies, so that it cannot say anything else."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from authz_service.api.problems import PROBLEM_TYPE
from authz_service.api.routing import FORM_TYPE
from models.wire.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

    from authz_service.api.routing import Endpoint

_REFERENCES = "#/components/schemas/{model}"
_PATH_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_SAYS = {
    400: "The request is malformed.",
    401: "The caller did not authenticate.",
    403: "The caller's token, or the acting person, may not do this.",
    404: "There is no such thing within the caller's reach.",
    408: "The body did not arrive in time.",
    409: "It cannot be done in the present state.",
    412: "It was decided on a state that is no longer the present one.",
    413: "The body is larger than 1 MiB, or the batch too long.",
    415: "The body's media type is not served here.",
    422: "A field of the body is wrong; it is named.",
    428: "If-Match is required.",
    429: "As many as may be done at once are being done; Retry-After says when to come again.",
    503: "Nothing can be decided or changed right now, so nothing was.",
}


def describe_api(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The OpenAPI 3.1 description."""
    endpoints = tuple(endpoints)
    models: list[tuple[type[BaseModel], Any]] = [(Problem, "serialization")]
    for endpoint in endpoints:
        models += [(endpoint.body, "validation")] if endpoint.body is not None else []
        models += [(endpoint.reply, "serialization")] if endpoint.reply is not None else []
    names, schemas = models_json_schema(list(dict.fromkeys(models)), ref_template=_REFERENCES)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        path = _PATH_PARAMETER.sub(r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _describe(endpoint, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kinguard authz service",
            "version": _version(),
            "description": "Decides, explains and records who may see and do what in a care practice's client portal.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "token": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": _scopes(endpoints)}},
                }
            },
        },
    }


def _describe(endpoint: Endpoint, names: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{endpoint.method.lower()}{endpoint.path}").strip("_"),
        "summary": endpoint.says,
        "responses": {str(endpoint.status): _answer(endpoint, names)},
    }
    if parameters := _parameters(endpoint):
        described["parameters"] = parameters
    if endpoint.body is not None:
        media_type = FORM_TYPE if endpoint.form else "application/json"
        schema = names[endpoint.body, "validation"]
        described["requestBody"] = {"required": not endpoint.body_optional, "content": {media_type: {"schema": schema}}}
    if endpoint.scope is not None:
        described["security"] = [{"token": [endpoint.scope.value]}]
    for status in _refusals(endpoint):
        described["responses"][str(status)] = _refusal(endpoint, status, names)
    return described


def _answer(endpoint: Endpoint, names: dict[Any, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "Done." if endpoint.status == 204 else endpoint.says}
    if endpoint.reply is not None:
        answer["content"] = {endpoint.media_type: {"schema": names[endpoint.reply, "serialization"]}}
    elif endpoint.status != 204:
        answer["content"] = {endpoint.media_type: {}}
    return answer


def _refusal(endpoint: Endpoint, status: int, names: dict[Any, Any]) -> dict[str, Any]:
    if endpoint.path.startswith("/access/v1/"):
        content: dict[str, Any] = {"application/json": {"schema": {"type": "string"}}}
    else:
        content = {PROBLEM_TYPE: {"schema": names[Problem, "serialization"]}}
    return {"description": _SAYS[status], "content": content}


def _refusals(endpoint: Endpoint) -> list[int]:
    found = set(endpoint.refusals)
    if endpoint.scope is not None:
        found |= {400, 401, 403, 503}
    if endpoint.body is not None:
        found |= {400, 408, 413}
        if not endpoint.form and not endpoint.path.startswith("/access/v1/"):
            found |= {415, 422}
    if endpoint.needs_match:
        found |= {412, 428}
    return sorted(found)


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH_PARAMETER.findall(endpoint.path)
    ]
    parameters += [
        {"name": each.name, "in": "query", "description": each.says, "schema": {"type": "string"}}
        for each in endpoint.query
    ]
    header: dict[str, Any] = {"in": "header", "schema": {"type": "string"}}
    parameters += [{"name": each.name, "description": each.says, **header} for each in endpoint.headers]
    if endpoint.takes_actor:
        says = "Who acts, as `staff/jo` (scope `act`)."
        how = "How they signed in: RFC 8176 values such as `pwd otp`."
        parameters.append({"name": "Kinguard-Actor", "required": endpoint.needs_actor, "description": says, **header})
        parameters.append({"name": "Kinguard-Actor-Amr", "description": how, **header})
    if endpoint.needs_match:
        parameters.append({"name": "If-Match", "required": True, "description": "The ETag last seen.", **header})
    return parameters


def _scopes(endpoints: Iterable[Endpoint]) -> dict[str, str]:
    scopes = {endpoint.scope.value for endpoint in endpoints if endpoint.scope is not None}
    return {scope: f"Calls that need {scope}." for scope in sorted(scopes | {"act", "ask_at"})}


def _version() -> str:
    try:
        return version("kinguard")
    except PackageNotFoundError:
        return "0"
