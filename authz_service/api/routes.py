"""Every endpoint of the service, in one table: it is served from here and described from here."""

from __future__ import annotations

from authz_service.api import operations as handlers
from authz_service.api.endpoints import (
    access,
    operations,
    oversight,
    people,
    policy_bundles,
    policy_diagrams,
    policy_differences,
    policy_files,
    policy_texts,
    questions,
    set_up,
    time,
)
from authz_service.api.routing import Call, Endpoint, Reply


def _show_openapi(_call: Call) -> Reply:
    return Reply(handlers.openapi_endpoint(DESCRIBED))


ENDPOINTS = (
    *questions.ENDPOINTS,
    *access.ENDPOINTS,
    *people.ENDPOINTS,
    *set_up.ENDPOINTS,
    *time.ENDPOINTS,
    *oversight.ENDPOINTS,
    *policy_files.ENDPOINTS,
    *policy_texts.ENDPOINTS,
    *policy_diagrams.ENDPOINTS,
    *policy_bundles.ENDPOINTS,
    *policy_differences.ENDPOINTS,
    *operations.ENDPOINTS,
    Endpoint("GET", "/openapi.json", "This description.", _show_openapi),
)
DESCRIBED = (*questions.DECISIONS, *ENDPOINTS)
