"""What operators and developers ask the service about itself."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from authz_service.api.openapi import describe_api
from authz_service.api.routing import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz_service.api.routing import Call, Endpoint

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def show_health(_call: Call) -> Reply:
    """The process lives."""
    return Reply({"ok": True, "problems": []})


def show_readiness(call: Call) -> Reply:
    """Whether the service can decide; what is in the way otherwise."""
    problems = call.service.problems()
    try:
        with call.service.store.database.reading() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        problems.append("the database cannot be reached")
    return Reply({"ok": not problems, "problems": problems}, 503 if problems else 200)


def show_metrics(call: Call) -> Reply:
    """Figures in the Prometheus text format."""
    return Reply(call.service.metrics.expose(), media_type=METRICS_TYPE)


def show_metadata(call: Call) -> Reply:
    """The AuthZEN metadata of this policy decision point."""
    issuer = call.service.settings.issuer
    return Reply(
        {
            "policy_decision_point": issuer,
            "access_evaluation_endpoint": f"{issuer}/access/v1/evaluation",
            "access_evaluations_endpoint": f"{issuer}/access/v1/evaluations",
            "search_subject_endpoint": f"{issuer}/access/v1/search/subject",
            "search_resource_endpoint": f"{issuer}/access/v1/search/resource",
            "search_action_endpoint": f"{issuer}/access/v1/search/action",
        }
    )


def show_policy(call: Call) -> Reply:
    """The policy in service: its digest, its questions and its rules."""
    policy = call.serving.policy
    rules = sorted(policy.rules.values(), key=lambda rule: (rule.file, rule.line))
    return Reply(
        {
            "digest": policy.digest,
            "subject_types": list(policy.subject_types),
            "resource_types": {name: list(actions) for name, actions in policy.resource_types.items()},
            "rules": [
                {"id": rule.id, "effect": rule.effect, "file": rule.file, "line": rule.line, "says": rule.says}
                for rule in rules
            ],
        }
    )


def openapi_endpoint(endpoints: Iterable[Endpoint]) -> bytes:
    """The description of these endpoints, made once."""
    return _openapi(tuple(endpoints))


@lru_cache(maxsize=1)
def _openapi(endpoints: tuple[Endpoint, ...]) -> bytes:
    return orjson.dumps(describe_api(endpoints))
