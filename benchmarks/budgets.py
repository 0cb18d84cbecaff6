"""The budgets of the design, each with what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Budget:
    """One promise: what was measured, against its limit."""

    what: str
    limit: str
    measured: str
    met: bool


# Cerbos over HTTP, decisions a second on one core of the machine on which the peers were measured.
CERBOS_PER_SECOND = 2_300


def at_most(what: str, measured: float, limit: float, unit: str) -> Budget:
    """What is better small."""
    return Budget(what, f"<= {limit:g} {unit}", f"{measured:.3g} {unit}", measured <= limit)


def at_least(what: str, measured: float, limit: float, unit: str) -> Budget:
    """What is better large."""
    shown = f"{measured:,.0f}" if measured >= 100 else f"{measured:.2f}"
    return Budget(what, f">= {limit:,g} {unit}", f"{shown} {unit}", measured >= limit)


def budgets(result: dict[str, Any]) -> list[Budget]:
    """Every budget line that this run can measure."""
    engines = {row["engine"]: row["median_us"] for row in result["bench_bundle"]["rows"]}
    own = result["our_bundle"]["rows"]
    decided = engines["diagram, question looked up"]
    oso = min(engines["oso, rules by hand"], engines["oso, the bundle's own rules"])
    found = [
        at_most("decision in process, median, bench bundle", decided, 0.5, "µs"),
        at_most("decision in process, median, our bundle", own[0]["median_us"], 0.5, "µs"),
        at_least("oso over diagram", oso / decided, 200, "x"),
        at_least("casbin over diagram", engines["casbin, one matcher"] / decided, 100, "x"),
        at_least("cedarpy over diagram", engines["cedarpy, policy set kept"] / decided, 50, "x"),
        at_most("diagram over Python by hand", decided / engines["Python by hand"], 1.5, "x"),
        at_most("situation from cached rows + decision, median", result["from_rows"]["median_us"], 3, "µs"),
        at_most("policy load, cold", result["loading"]["cold_seconds"], 2, "s"),
        at_most("policy load, from the store", 1000 * result["loading"]["stored_seconds"], 50, "ms"),
    ]
    lists = result["lists"]
    for database in ("sqlite", "postgresql"):
        for name, row in lists[database].items():
            found.append(at_most(f"list, {database}, {name.replace('_', ' ')}", row["ratio"], 1.2, "x by hand"))
    planning = lists["planning"]["plan_afresh_us"] + lists["planning"]["render_us"]
    found.append(at_most("plan + render", planning, 200, "µs"))
    found += _served(result["endpoint"])
    found.append(at_most("a family's pages with their guard over without", result["pages"]["ratio"], 1.3, "x"))
    slowest = result["console"]["pages"][0]
    found.append(at_most(f"slowest console page, 400 families ({slowest['path']})", slowest["median_ms"], 300, "ms"))
    return found


def _served(endpoint: dict[str, Any]) -> list[Budget]:
    rows = {row["connections"]: row for row in endpoint["rows"]}
    return [
        at_least("evaluation, 64 connections", rows[64]["kinguard_per_second"], 12_000, "/s"),
        at_least("evaluation, 16 connections", rows[16]["kinguard_per_second"], 9_000, "/s"),
        at_least("evaluation over Cerbos's figure", rows[64]["kinguard_per_second"] / CERBOS_PER_SECOND, 5, "x"),
        at_least("evaluation over a bare ASGI app, 64", 100 * rows[64]["share_of_bare"], 35, "%"),
        at_least("evaluation over a bare ASGI app, 16", 100 * rows[16]["share_of_bare"], 35, "%"),
        at_most("evaluation, p99 at 64 connections", rows[64]["kinguard_p99_us"] / 1000, 10, "ms"),
        at_least("batch of 50", endpoint["batch_checks_per_second"], 150_000, "checks/s"),
        at_most("memory of the service, 100,000 accounts", endpoint["memory_mb"]["100,000 accounts"], 150, "MB"),
    ]
