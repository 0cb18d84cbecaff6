"""Cedar through cedarpy, with the parsed policy set kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cedarpy

from benchmarks.workload import FEATURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.workload import Request

_FEATURE = {"invoice": "invoices", "document": "documents", "form": "forms", "message": "messages"}


def load() -> Callable[[dict[str, Any]], bool]:
    """The function that decides."""
    policies = cedarpy.PolicySet.from_str((Path(__file__).parent / "cedar_rules.cedar").read_text())
    entities = cedarpy.Entities.from_json_str("[]")

    def allowed(request: dict[str, Any]) -> bool:
        return cedarpy.is_authorized(request, policies, entities).allowed

    return allowed


def prepare(request: Request) -> tuple[dict[str, Any]]:
    """The request as cedarpy takes it."""
    resource_type = request.resource_type
    context: dict[str, Any] = {
        "kind": request.kind,
        "status": request.status,
        "window": request.window,
        "switches": [name for name, on in zip(FEATURES, request.switches, strict=True) if on],
        "toggles": [name for name, on in zip(FEATURES, request.toggles, strict=True) if on],
        "hidden": request.hidden,
    }
    if resource_type != "clinical_note":
        context["feature"] = _FEATURE.get(resource_type, resource_type)
    if request.owner is not None:
        context["owner"] = request.owner
    if request.state is not None:
        context["state"] = request.state
    asked = {
        "principal": 'Account::"a"',
        "action": f'Action::"{request.action}"',
        "resource": f'{resource_type.title().replace("_", "")}::"r"',
        "context": context,
    }
    return (asked,)
