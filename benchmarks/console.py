"""The practice console with 400 families: what each page takes, from the request to its last byte, on one core."""

from __future__ import annotations

import html
import os
import re
import sqlite3
import statistics
import tempfile
import time
from collections import Counter, deque
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from authz_service.preparation import prepare_demo
from authz_service.settings import Settings
from benchmarks import families
from benchmarks.endpoint import free_port, served
from gateway.__main__ import prepare as prepare_records
from gateway.seed import DEMO_PASSWORD
from gateway.settings import Settings as GatewaySettings

ROUNDS = 3
READER = "jo"
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_LINK = re.compile(r'href="(/admin[^"#]*)"')
_NUMBERED = re.compile(r"[a-z]+(?:_[a-z]+)*_\d+(?:_[a-z]+_\d+)?|[0-9a-f]{16,}|\d{4}-\d{2}(?:-\d{2})?")
_PER_KIND = 1
_PAGES = 200
_REGISTRATION_SECONDS = 120


def measure() -> dict[str, Any]:
    """Every page that links lead to from the administrator's start page, one of a kind: median and worst, in ms."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = folder / "world.yaml"
        size = families.write(world)
        settings = Settings(data_dir=folder / "data", authz_port=free_port(), profile="demo")
        gateway_port = free_port()
        day = prepare_demo(settings, world)
        prepare_records(
            GatewaySettings(
                data_dir=settings.data_dir,
                authz_port=settings.authz_port,
                gateway_port=gateway_port,
                world_file=world,
                demo_day=day,
            )
        )
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("KINGUARD_")},
            "KINGUARD_DATA_DIR": str(settings.data_dir),
            "KINGUARD_AUTHZ_PORT": str(settings.authz_port),
            "KINGUARD_GATEWAY_PORT": str(gateway_port),
        }
        with (
            served(["-m", "authz_service.cli", "run"], gateway_port, environment),
            httpx.Client(base_url=f"http://127.0.0.1:{gateway_port}", timeout=30) as browser,
        ):
            _wait_for_registration(settings.data_dir / "records.db")
            _sign_in(browser)
            rows = _walk(browser)
    return {**size, "pages": sorted(rows, key=lambda row: -row["median_ms"])}


def _wait_for_registration(records: Path) -> None:
    """Until the service knows every item of the new practice; that happens once, behind the pages."""
    for _ in range(_REGISTRATION_SECONDS):
        with closing(sqlite3.connect(records)) as database:
            if database.execute("SELECT count(*) FROM outbox").fetchone() == (0,):
                return
        time.sleep(1)
    raise RuntimeError("the items of the practice were not registered in time")


def _sign_in(browser: httpx.Client) -> None:
    found = _CSRF.search(browser.get("/sign-in").text)
    assert found
    form = {"username": READER, "password": DEMO_PASSWORD, "csrf": html.unescape(found[1])}
    answer = browser.post("/sign-in", data=form)
    assert answer.status_code == 303, answer.text


def _walk(browser: httpx.Client) -> list[dict[str, Any]]:
    waiting, seen = deque(["/admin"]), {"/admin"}
    kinds: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    while waiting and len(rows) < _PAGES:
        path = waiting.popleft()
        kind = _NUMBERED.sub("…", path.split("?")[0])
        kinds[kind] += 1
        if kinds[kind] > _PER_KIND:
            continue
        answer, taken = _read(browser, path)
        if answer.status_code != 200 or "text/html" not in answer.headers["content-type"]:
            continue
        rows.append({"path": path, "median_ms": statistics.median(taken), "worst_ms": max(taken)})
        for link in map(html.unescape, _LINK.findall(answer.text)):
            if link not in seen:
                seen.add(link)
                waiting.append(link)
    return rows


def _read(browser: httpx.Client, path: str) -> tuple[httpx.Response, list[float]]:
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        answer = browser.get(path)
        taken.append(1000 * (time.perf_counter() - begun))
    return answer, taken
