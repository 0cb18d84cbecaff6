"""What the conditions of a plan are compared with, from the same rows that single questions read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.facts.code import timing_condition

if TYPE_CHECKING:
    from datetime import datetime

    from authz_service.facts.stores import Bound

_TIMINGS = ("ahead", "short_notice", "past")


def bindings_of(bound: Bound, resource_type: str, now: datetime) -> dict[str, Any]:
    """The bindings of `engine.plan` for one seat and type; what is not known of the seat is left out."""
    known: dict[str, Any] = {
        "subscribed_staff": bound.subscribed,
        "assigned_staff": bound.assigned,
        "available_staff": bound.available,
        "client.self_managing": bound.self_managing,
        "client.reachable": bound.reachable,
    }
    bindings = {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in known.items()
        if value is not None
    }
    return bindings | {
        "subject.id": bound.subject_id,
        "store.self_account": bound.self_account,
        "withheld_ids": sorted(item for kind, item in bound.withheld if kind == resource_type),
        "appointment_timing": {value: timing_condition("starts_at", value, now, bound.notice) for value in _TIMINGS},
    }
