"""Both services as processes on free ports, seeded with the demo in a folder of their own, and how tests reach them."""

from __future__ import annotations

import html
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "northgate-demo-2026"
START_SECONDS = 120
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Renewing(httpx.Auth):
    """A backend's token, asked for anew when it has run out."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask, self._token = ask, ask()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == 401:
            self._token = self._ask()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request


class Stack:
    """Where the running services are, and a backend that asks the service."""

    def __init__(self, site: str, authz: str, data_dir: Path, ask_token: Callable[[], str]) -> None:
        self.site, self.authz, self.data_dir = site, authz, data_dir
        self.backend = httpx.Client(base_url=authz, auth=Renewing(ask_token))

    def decisions(self, subject: str, questions: Sequence[dict[str, Any]]) -> list[bool]:
        """What `POST /access/v1/evaluation` answers to each question of `subject` (`account/dana`)."""
        kind, _, name = subject.partition("/")
        answers = [
            self.backend.post("/access/v1/evaluation", json={"subject": {"type": kind, "id": name}, **question})
            for question in questions
        ]
        assert {answer.status_code for answer in answers} <= {200}, [answer.text for answer in answers]
        return [answer.json()["decision"] for answer in answers]

    def batch(self, subject: str, questions: Sequence[dict[str, Any]]) -> list[bool]:
        """The same answers, from `POST /access/v1/evaluations`."""
        kind, _, name = subject.partition("/")
        answers = []
        for start in range(0, len(questions), 500):
            body = {"subject": {"type": kind, "id": name}, "evaluations": questions[start : start + 500]}
            answer = self.backend.post("/access/v1/evaluations", json=body)
            assert answer.status_code == 200, answer.text
            answers += [one["decision"] for one in answer.json()["evaluations"]]
        return answers

    def decision(self, subject: str, action: str, resource_type: str, item: str, **properties: Any) -> bool:
        """One answer of the service."""
        resource = {"type": resource_type, "id": item, "properties": properties}
        return self.decisions(subject, [{"action": {"name": action}, "resource": resource}])[0]


class Visitor:
    """Somebody who reads pages without a browser."""

    def __init__(self, stack: Stack) -> None:
        self.http = httpx.Client(base_url=stack.site)

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """The answer to the sign-in form."""
        form = {"username": name, "password": password, "csrf": csrf_of(self.http.get("/sign-in").text)}
        return self.http.post("/sign-in", data=form)

    def read(self, path: str) -> httpx.Response:
        """A page."""
        return self.http.get(path)

    def send(self, path: str, fields: dict[str, Any], form_on: str) -> httpx.Response:
        """The answer to a form found on the page `form_on`."""
        return self.http.post(path, data={**fields, "csrf": csrf_of(self.read(form_on).text)})


def csrf_of(page: str) -> str:
    """The form token of a page."""
    found = _CSRF.search(page)
    assert found, f"no form on the page: {page[:300]}"
    return html.unescape(found[1])


def start(data_dir: Path, settings: Mapping[str, str] | None = None) -> tuple[subprocess.Popen[bytes], Stack]:
    """Start both services as `make run` does, with further KINGUARD_ settings; the caller stops the process."""
    authz_port, gateway_port = _free_ports(2)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KINGUARD_")},
        "KINGUARD_DATA_DIR": str(data_dir),
        "KINGUARD_AUTHZ_PORT": str(authz_port),
        "KINGUARD_GATEWAY_PORT": str(gateway_port),
        **(settings or {}),
    }
    command = [sys.executable, "-m", "authz_service.cli"]
    with (data_dir / "run.log").open("wb") as log:
        process = subprocess.Popen([*command, "run"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    site, authz = f"http://127.0.0.1:{gateway_port}", f"http://127.0.0.1:{authz_port}"

    def ask_token() -> str:
        printed = subprocess.run(
            [*command, "token", "--client", "demo-backend"],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return printed.stdout.strip().splitlines()[-1]

    try:
        _wait(process, f"{site}/sign-in", data_dir / "run.log")
        running = Stack(site, authz, data_dir, ask_token)
    except BaseException:
        stop(process)
        raise
    return process, running


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the services, and wait until they have."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the services did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _free_ports(number: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports
