"""What it takes to load a policy: traced, proven and compiled, and from the stored diagrams."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from authz_service.engine import load_policy
from authz_service.engine.diagram import nodes
from benchmarks.decisions import BENCH, OURS
from benchmarks.timing import median_seconds

if TYPE_CHECKING:
    from authz_service.engine import Policy


def measure(policy: Policy) -> dict[str, Any]:
    """Seconds cold and from the store, and the size of what is loaded."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        load_policy(OURS, store)
        stored = median_seconds(lambda: load_policy(OURS, store), 7)
        whole = median_seconds(lambda: ready(load_policy(OURS, store)), 7)
    questions = ready(policy)
    sizes = sorted(sum(1 for _ in nodes(question.diagram)) for question in questions)
    return {
        "cold_seconds": median_seconds(lambda: load_policy(OURS), 3),
        "stored_seconds": stored,
        "compile_seconds": whole - stored,
        "bench_cold_seconds": median_seconds(lambda: load_policy(BENCH), 3),
        "facts": len(policy.facts),
        "rules": len(policy.rules),
        "questions": len(questions),
        "nodes_median": sizes[len(sizes) // 2],
        "nodes_largest": sizes[-1],
    }


def ready(policy: Policy) -> list[Any]:
    """Every question, compiled."""
    return [
        policy.question(subject_type, action, resource_type)
        for resource_type, actions in policy.resource_types.items()
        for action in actions
        for subject_type in policy.subject_types
    ]
