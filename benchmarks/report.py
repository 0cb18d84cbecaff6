"""What was measured, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.budgets import budgets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console


_SHOWN = 10  # pages


def show(console: Console, result: dict[str, Any]) -> None:
    """Print every table, the budgets last."""
    bench, ours = result["bench_bundle"], result["our_bundle"]
    _engines(
        console, f"The same {bench['requests']:,} requests, {bench['allowed']:.0%} allowed, every answer equal", bench
    )
    _engines(console, f"Our bundle, {ours['situations']:,} situations, {ours['allowed']:.0%} allowed, equal", ours)
    rows, loading, lists = result["from_rows"], result["loading"], result["lists"]
    _table(
        console,
        "Facts, loading, planning",
        ("what", "measured"),
        [
            ("cached rows to decision", f"{rows['median_us']:.2f} µs median, {rows['p99_us']:.1f} µs p99"),
            ("our bundle, cold", f"{loading['cold_seconds']:.2f} s"),
            ("our bundle, from the store", f"{1000 * loading['stored_seconds']:.0f} ms"),
            ("our bundle, every question compiled", f"{1000 * loading['compile_seconds']:.0f} ms more"),
            ("bench bundle, cold", f"{loading['bench_cold_seconds']:.2f} s"),
            (
                "our bundle's size",
                (
                    f"{loading['facts']} facts, {loading['rules']} rules, {loading['questions']} questions; "
                    f"{loading['nodes_median']} nodes a diagram, at most {loading['nodes_largest']}"
                ),
            ),
            ("plan, worked out afresh", f"{lists['planning']['plan_afresh_us']:.0f} µs"),
            ("plan of a known situation", f"{lists['planning']['plan_us']:.0f} µs"),
            ("plan rendered for the database library", f"{lists['planning']['render_us']:.0f} µs"),
        ],
    )
    _table(
        console,
        f"What one account may see among {lists['documents']:,} documents: database time",
        ("database", "over", "from the plan", "by hand", "ratio", "rows"),
        [
            (
                database,
                name.replace("_", " "),
                f"{row['plan_us']:.1f} µs",
                f"{row['hand_us']:.1f} µs",
                f"{row['ratio']:.2f}",
                f"{row['visible']:.1f}",
            )
            for database in ("sqlite", "postgresql")
            for name, row in lists[database].items()
        ],
    )
    _endpoint(console, result["endpoint"])
    _table(
        console,
        "A family's page with its guard against the same page without",
        ("page", "with", "without", "ratio"),
        [
            (row["path"], f"{row['guarded_ms']:.1f} ms", f"{row['unguarded_ms']:.1f} ms", f"{row['ratio']:.2f}")
            for row in result["pages"]["rows"]
        ],
    )
    _pages(console, result["console"])
    _table(
        console,
        "Budgets",
        ("what", "budget", "measured", ""),
        [
            (each.what, each.limit, each.measured, "[green]met[/]" if each.met else "[bold red]not met[/]")
            for each in budgets(result)
        ],
    )


def _engines(console: Console, title: str, found: dict[str, Any]) -> None:
    _table(
        console,
        title,
        ("engine", "median", "p99", "times the diagram"),
        [
            (row["engine"], f"{row['median_us']:,.2f} µs", f"{row['p99_us']:,.2f} µs", f"{row['ratio']:,.1f}")
            for row in found["rows"]
        ],
    )


def _endpoint(console: Console, found: dict[str, Any]) -> None:
    _table(
        console,
        f"POST /access/v1/evaluation, everything on, {found['allowed']:.0%} allowed; the bare app answers a constant",
        ("connections", "kinguard", "per CPU second", "p50", "p99", "bare app", "per CPU second", "share"),
        [
            (
                str(row["connections"]),
                f"{row['kinguard_per_second']:,.0f}/s",
                f"{row['kinguard_per_cpu_second']:,.0f}",
                f"{row['kinguard_p50_us'] / 1000:.2f} ms",
                f"{row['kinguard_p99_us'] / 1000:.2f} ms",
                f"{row['bare_per_second']:,.0f}/s",
                f"{row['bare_per_cpu_second']:,.0f}",
                f"{row['share_of_bare']:.0%}",
            )
            for row in found["rows"]
        ],
    )


def _pages(console: Console, found: dict[str, Any]) -> None:
    pages = found["pages"]
    title = f"The console of a practice with {found['clients']} clients and {found['grants']:,} grants: "
    _table(
        console,
        title + f"the slowest {_SHOWN} of {len(pages)} pages",
        ("page", "median", "worst"),
        [(page["path"], f"{page['median_ms']:.0f} ms", f"{page['worst_ms']:.0f} ms") for page in pages[:_SHOWN]],
    )


def _table(console: Console, title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
