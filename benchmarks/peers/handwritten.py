"""The policy as a plain Python function over the same facts: the limit, not a peer.

No policy language, no explanation, no lists.
"""

from __future__ import annotations

_SWITCH, _TOGGLE = 3, 10
_FEATURE = {
    "profile": 0,
    "calendar": 1,
    "invoice": 2,
    "document": 3,
    "form": 4,
    "message": 5,
    "service_plan": 6,
}
_VIEW_ONLY = frozenset({"calendar", "invoice", "service_plan"})
_DRAFTS = {"invoice": 2, "document": 2, "form": 2, "service_plan": 1}
_OWNED = frozenset({"invoice", "document", "form", "message"})


def allowed(action, resource_type, s, r):  # noqa: C901 - one function is what is compared.
    """Whether the request is allowed; `s` and `r` hold the facts in the bundle's order."""
    if s[1] != "active" or s[2] != "current":
        return False
    feature = _FEATURE.get(resource_type)
    if feature is None or not s[_SWITCH + feature]:
        return False
    if action != "view" and resource_type in _VIEW_ONLY:
        return False
    kind = s[0]
    if kind != "self" and r[0]:
        return False
    draft = _DRAFTS.get(resource_type)
    if draft is not None and r[draft] == "draft":
        return False
    if kind == "self":
        return True
    if kind == "payer":
        return action == "view" and (resource_type == "calendar" or (resource_type == "invoice" and r[1] == "me"))
    if not s[_TOGGLE + feature]:
        return False
    if kind == "guardian":
        return True
    if kind == "co_parent":
        return resource_type not in _OWNED or r[1] != "other"
    if kind == "emergency_contact":
        return action == "view" and resource_type != "service_plan"
    return kind == "community" and action == "view" and resource_type == "calendar"
