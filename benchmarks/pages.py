"""A family's pages with their guard against the same pages without it, in turn, over loopback."""

from __future__ import annotations

import html
import os
import re
import statistics
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from authz_service.preparation import prepare_demo
from authz_service.settings import Settings
from benchmarks.endpoint import free_port, served
from gateway.__main__ import prepare as prepare_records
from gateway.seed import DEMO_PASSWORD
from gateway.settings import Settings as GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Iterator

READER = "dana"
PATHS = (
    "/c/mia",
    "/c/mia/calendar",
    "/c/mia/invoices",
    "/c/mia/invoices/inv_mia_1",
    "/c/mia/documents",
    "/c/mia/documents/doc_mia_school",
    "/c/mia/forms",
    "/c/mia/messages",
)
ROUNDS = 30
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def measure() -> dict[str, Any]:
    """Each page's median, guarded and not, in ms; `ratio` is over all pages together."""
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(data_dir=Path(name) / "data", authz_port=free_port(), profile="demo")
        day = prepare_demo(settings)
        guarded, unguarded = free_port(), free_port()
        prepare_records(
            GatewaySettings(
                data_dir=settings.data_dir, authz_port=settings.authz_port, gateway_port=guarded, demo_day=day
            )
        )
        with (
            served(["-m", "authz_service"], settings.authz_port, _environment(settings, guarded)),
            served(["-m", "gateway"], guarded, _environment(settings, guarded)),
            served(["-m", "benchmarks.unguarded"], unguarded, _environment(settings, unguarded)),
            _browser(guarded) as with_guard,
            _browser(unguarded) as without,
        ):
            rows = [_race(path, with_guard, without) for path in PATHS]
    total = sum(row["guarded_ms"] for row in rows) / sum(row["unguarded_ms"] for row in rows)
    return {"rows": rows, "ratio": total}


def _race(path: str, with_guard: httpx.Client, without: httpx.Client) -> dict[str, Any]:
    """Both in turn, so that whatever else the machine does meets both."""
    taken: dict[str, list[float]] = {"guarded": [], "unguarded": []}
    for place in range(ROUNDS + 2):
        for name, browser in (("guarded", with_guard), ("unguarded", without)):
            begun = time.perf_counter()
            answer = browser.get(path)
            spent = 1000 * (time.perf_counter() - begun)
            assert answer.status_code == 200, (path, answer.status_code)
            if place > 1:  # The first of each warm the caches, and let the other remember.
                taken[name].append(spent)
    medians = {f"{name}_ms": statistics.median(times) for name, times in taken.items()}
    return {"path": path, **medians, "ratio": medians["guarded_ms"] / medians["unguarded_ms"]}


@contextmanager
def _browser(port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as browser:
        found = _CSRF.search(browser.get("/sign-in").text)
        assert found
        form = {"username": READER, "password": DEMO_PASSWORD, "csrf": html.unescape(found[1])}
        answer = browser.post("/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        yield browser


def _environment(settings: Settings, gateway_port: int) -> dict[str, str]:
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("KINGUARD_")},
        "KINGUARD_DATA_DIR": str(settings.data_dir),
        "KINGUARD_AUTHZ_PORT": str(settings.authz_port),
        "KINGUARD_GATEWAY_PORT": str(gateway_port),
    }
