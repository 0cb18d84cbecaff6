"""`python -m benchmarks`: measures everything in one run, prints it and writes build/bench.json."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from authz_service.engine import load_policy
from benchmarks import console as console_pages
from benchmarks import decisions, endpoint, lists, loading, pages, report

OUTPUT = Path("build") / "bench.json"
# Above this many busy processes at the start, absolute figures say more about the neighbours than about the engines.
BUSY = 0.7


def machine() -> dict[str, Any]:
    """On what this was measured."""
    names = ("oso", "casbin", "cedarpy", "uvicorn", "uvloop", "SQLAlchemy", "psycopg")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "versions": {name: version(name) for name in names},
    }


def main() -> int:
    """Measure; the exit status is 0 whether the budgets are met or not, because machines differ."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    begun = time.monotonic()
    result: dict[str, Any] = {"machine": machine()}
    if result["machine"]["load_before"] > BUSY:
        load = result["machine"]["load_before"]
        console.print(
            f"[yellow]Others keep this machine busy (load {load:.1f}): trust ratios, not absolute figures.[/]"
        )
    policy = load_policy(decisions.OURS)
    steps = {
        "bench_bundle": decisions.bench_bundle,
        "our_bundle": decisions.our_bundle,
        "from_rows": lambda: decisions.from_rows(policy),
        "loading": lambda: loading.measure(policy),
        "lists": lambda: lists.measure(policy),
        "endpoint": endpoint.measure,
        "pages": pages.measure,
        "console": console_pages.measure,
    }
    for name, work in steps.items():
        with console.status(f"measuring: {name.replace('_', ' ')}"):
            result[name] = work()
    result["seconds"] = time.monotonic() - begun
    report.show(console, result)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=2, default=str) + "\n")
    console.print(f"{result['seconds']:.0f} s; written to {OUTPUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
