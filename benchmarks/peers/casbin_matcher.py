"""casbin with one matcher over attributes, no policy lines."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import casbin

from benchmarks.workload import FEATURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.workload import Request

_MODEL = """
[request_definition]
r = sub, act, obj

[policy_definition]
p = sub, act, obj

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.sub.status == "active" && r.sub.window == "current" && r.obj.feature in r.sub.switches && r.obj.state != "draft" \
&& (r.act == "view" || r.obj.submittable) && (r.sub.kind == "self" || (r.obj.hidden == False && (\
(r.sub.kind == "guardian" && r.obj.feature in r.sub.toggles) \
|| (r.sub.kind == "co_parent" && r.obj.feature in r.sub.toggles && r.obj.owner != "other") \
|| (r.sub.kind == "emergency_contact" && r.act == "view" && r.obj.feature != "service_plan" \
&& r.obj.feature in r.sub.toggles) \
|| (r.sub.kind == "payer" && r.act == "view" && (r.obj.feature == "calendar" \
|| (r.obj.feature == "invoices" && r.obj.owner == "me"))) \
|| (r.sub.kind == "community" && r.act == "view" && r.obj.feature == "calendar" && "calendar" in r.sub.toggles))))
"""
_FEATURE = {"invoice": "invoices", "document": "documents", "form": "forms", "message": "messages"}
_SUBMITTABLE = frozenset({"profile", "document", "form", "message"})


def load() -> Callable[[Any, str, Any], bool]:
    """The function that decides."""
    logging.getLogger("casbin").setLevel(logging.CRITICAL)
    model = casbin.Enforcer.new_model(text=_MODEL)
    return casbin.Enforcer(model).enforce


def prepare(request: Request) -> tuple[Any, str, Any]:
    """The request as casbin takes it; absent attributes are empty, and a clinical note belongs to no feature."""
    resource_type = request.resource_type
    return (
        SimpleNamespace(
            kind=request.kind,
            status=request.status,
            window=request.window,
            switches=[name for name, on in zip(FEATURES, request.switches, strict=True) if on],
            toggles=[name for name, on in zip(FEATURES, request.toggles, strict=True) if on],
        ),
        request.action,
        SimpleNamespace(
            feature=_FEATURE.get(resource_type, resource_type),
            submittable=resource_type in _SUBMITTABLE,
            hidden=request.hidden,
            owner=request.owner or "",
            state=request.state or "",
        ),
    )
