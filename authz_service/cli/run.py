"""`kinguard run`: the whole product on this machine, with the demo practice."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import typer
from rich.console import Console

from authz_service.cli.failures import failing_clearly
from authz_service.preparation import WORLD, prepare_demo
from authz_service.settings import read_settings
from models.settings import SettingsError
from models.world import load_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from authz_service.settings import Settings

PASSWORD = "northgate-demo-2026"  # noqa: S105 (the demo's, which production settings refuse)
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1
_SHOWN = {
    "jo": "administrator of Northgate",
    "dana": "mother: three profiles and her own, two practices",
    "rosa": "client",
    "tom": "emergency contact",
    "sam": "co-parent, calendar and documents only",
    "harbor": "payer",
    "exa": "access has ended",
}

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def run() -> None:
    """Start the authz service and the gateway with the demo practice; Ctrl-C stops both."""
    with failing_clearly():
        settings = read_settings()
        if settings.profile != "demo":
            raise SettingsError("KINGUARD_PROFILE: `kinguard run` is for the demo; see deploy/ for production")
        gateway_port = _gateway_port()
        for name, port in (("KINGUARD_AUTHZ_PORT", settings.authz_port), ("KINGUARD_GATEWAY_PORT", gateway_port)):
            _require_free(name, port)
        console = Console(highlight=False)
        console.print("Preparing the demo practice ...")
        day = prepare_demo(settings)
        environment = os.environ | {
            "KINGUARD_DATA_DIR": str(settings.data_dir),
            "KINGUARD_DEMO_DAY": day.isoformat(),
            "KINGUARD_AUTHZ_PORT": str(settings.authz_port),
            "KINGUARD_GATEWAY_PORT": str(gateway_port),
            "KINGUARD_ISSUER": settings.issuer,
        }
        stopping = _Stopping()
        logs = settings.data_dir / "logs"
        logs.mkdir(exist_ok=True)
        with _child("authz_service", environment, logs) as authz:
            _wait_until_ready(
                "the authz service", authz, f"http://127.0.0.1:{settings.authz_port}/readyz", logs, stopping
            )
            with _child("gateway", environment, logs) as gateway:
                _wait_until_ready("the gateway", gateway, f"http://127.0.0.1:{gateway_port}/readyz", logs, stopping)
                _welcome(console, settings, gateway_port, logs)
                ended = _watch(stopping, authz, gateway)
                console.print("Stopping ...")
        if ended is not None:
            raise SettingsError(f"{ended} ended by itself; see {logs}")


class _Stopping:
    """Whether a signal asked to stop."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: object) -> None:
        self.asked = True


def _gateway_port() -> int:
    text = os.environ.get("KINGUARD_GATEWAY_PORT", "8080")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise SettingsError("KINGUARD_GATEWAY_PORT: must be a port from 1 to 65535")
    return int(text)


def _require_free(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsError(f"{name}: port {port} is taken by another program; choose another") from error


@contextmanager
def _child(module: str, environment: dict[str, str], logs: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (logs / f"{module}.log").open("ab") as log:
        # A session of its own, so that Ctrl-C reaches the children through this process, in order.
        child = subprocess.Popen(  # noqa: S603 (this interpreter and a module of this project)
            [sys.executable, "-m", module],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 (this process has one thread)
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _end_with_parent() -> None:
    """Asks Linux to stop the child also when this process is killed and cannot do it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait_until_ready(what: str, child: subprocess.Popen[bytes], url: str, logs: Path, stopping: _Stopping) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and child.poll() is None and not stopping.asked:
        try:
            if httpx.get(url, timeout=1.0, trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    if stopping.asked:
        raise typer.Exit(0)
    raise SettingsError(f"{what} did not start: {_last_line(logs)}")


def _last_line(logs: Path) -> str:
    newest = max(logs.glob("*.log"), key=lambda path: path.stat().st_mtime)
    lines = [line for line in newest.read_text(errors="replace").splitlines() if line.strip()]
    return f"{lines[-1][:300] if lines else 'it said nothing'} ({newest})"


def _watch(stopping: _Stopping, authz: subprocess.Popen[bytes], gateway: subprocess.Popen[bytes]) -> str | None:
    """Waits for a signal, or for the end of a child, which it names."""
    while not stopping.asked:
        if authz.poll() is not None:
            return "the authz service"
        if gateway.poll() is not None:
            return "the gateway"
        time.sleep(0.2)
    return None


def _welcome(console: Console, settings: Settings, gateway_port: int, logs: Path) -> None:
    world = load_world(WORLD)
    console.print(f"\nPortal          http://127.0.0.1:{gateway_port}/")
    console.print(f"Authz service   http://127.0.0.1:{settings.authz_port}/  (OpenAPI at /openapi.json)")
    console.print(f"Logs            {logs}")
    console.print(f"\nSign in with the password [bold]{PASSWORD}[/bold] as")
    for name, about in _SHOWN.items():
        if name in world.accounts or name in world.staff:
            console.print(f"  {name:<8}{about}")
    console.print("\nCtrl-C stops both.")
    sys.stdout.flush()
