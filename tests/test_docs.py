"""Claims about the docs: what they show can be run, and what they name exists."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import typer

from authz_service.api.routes import DESCRIBED
from authz_service.cli import app as kinguard
from authz_service.settings import Settings as AuthzSettings
from gateway.app import SITE
from gateway.settings import Settings as GatewaySettings
from models.vocabulary import Feature, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import StrEnum

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
BIN = Path(sys.executable).parent
_START_SECONDS = 90.0

with_demo = pytest.mark.xdist_group("demo")
each_doc = pytest.mark.parametrize("doc", DOCS, ids=lambda path: str(path.relative_to(ROOT)))


@dataclass(frozen=True, slots=True)
class Example:
    """A block that can be run, and the output shown below it."""

    line: int
    language: str
    code: str
    shown: str
    form: str  # json or text


class Demo:
    """A demo that runs as `make run` starts it, on ports and data of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.authz_port, self.gateway_port = free_port(), free_port()
        self.environment = {
            **os.environ,
            "KINGUARD_AUTHZ_PORT": str(self.authz_port),
            "KINGUARD_GATEWAY_PORT": str(self.gateway_port),
            "KINGUARD_DATA_DIR": str(data_dir),
        }

    def kinguard(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "authz_service.cli", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, text=True, **pipes)

    def start(self) -> None:
        """Returns once both services serve."""
        self.process = self.kinguard("run")
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.communicate()
            try:
                if httpx.get(f"http://127.0.0.1:{self.gateway_port}/readyz", trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError(self.stop())

    def stop(self) -> str:
        """Sends SIGTERM, waits, and returns what was said on standard error."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=30)[1]

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A call by the demo's backend, for Jo."""
        token = self.kinguard("token", "--client", "demo-backend").communicate()[0].strip()
        headers = {"Authorization": f"Bearer {token}", "Kinguard-Actor": "staff/jo"}
        address = f"http://127.0.0.1:{self.authz_port}{path}"
        return httpx.request(method, address, headers=headers, trust_env=False, **options)


def blocks(text: str) -> list[tuple[int, str, str]]:
    """(line, language, code) of every fenced block."""
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start()) + 2, match[1], match[2]) for match in found]


def examples(doc: Path) -> list[Example]:
    """Blocks of shell or Python, in order, each with the output that follows it."""
    listed = [*blocks(doc.read_text()), (0, "", "")]
    return [
        Example(line, language, code, *((after[2], after[1]) if after[1] in ("json", "text") else ("", "")))
        for (line, language, code), after in pairwise(listed)
        if language in ("sh", "python")
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    demo.start()
    yield demo
    demo.stop()


def run_examples(found: list[Example], demo: Demo) -> list[str]:
    """What each example printed; one shell runs them all, so that later ones see what earlier ones set."""
    mark = "---- end of example ----"
    script = ["set -u"]
    for example in found:
        code = example.code.replace(".venv/bin/", f"{shlex.quote(str(BIN))}/")
        code = code.replace("127.0.0.1:8181", f"127.0.0.1:{demo.authz_port}")
        if example.language == "python":
            code = f"{shlex.quote(sys.executable)} - <<'END_OF_PYTHON'\n{code}END_OF_PYTHON\n"
        script.append(f"{code}\necho; echo '{mark}'")
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-c", "\n".join(script)], cwd=ROOT, env=demo.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(mark)[:-1]


@with_demo
@pytest.mark.parametrize("doc", ["README.md", "docs/developer_guide.md"])
def test_every_example_prints_what_the_doc_shows(doc: str, demo: Demo) -> None:
    """Pasted into a shell in their order, on a fresh demo, the examples print what stands below them."""
    found = [example for example in examples(ROOT / doc) if "make run " not in example.code]
    assert [example for example in found if example.shown]
    for example, printed in zip(found, run_examples(found, demo), strict=True):
        place = f"{doc}:{example.line}"
        if example.form == "json":
            assert json.loads(printed) == json.loads(example.shown), place
        elif example.shown:
            assert printed.strip() == example.shown.strip(), place


@with_demo
def test_the_demo_stops_whole_and_starts_again_with_its_data(demo: Demo) -> None:
    """A taken port is one clear line, SIGTERM ends both services, and the next start keeps what was changed."""
    assert demo.ask("PUT", "/v1/practices/northgate/switches/reminders", json={"on": False}).is_success
    second = demo.kinguard("run")
    said = second.communicate(timeout=30)[1]
    assert second.returncode != 0
    assert said.count("\n") == 1
    assert f"port {demo.authz_port} is taken" in said
    assert demo.stop() == ""
    assert demo.process.returncode == 0
    for port in (demo.authz_port, demo.gateway_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    demo.start()
    assert demo.ask("GET", "/v1/practices/northgate").json()["switches"]["reminders"] is False


@each_doc
def test_every_json_block_is_json(doc: Path) -> None:
    """A block that is called JSON can be read as such."""
    for line, language, code in blocks(doc.read_text()):
        if language == "json":
            try:
                json.loads(code)
            except ValueError as error:
                pytest.fail(f"{doc.name}:{line}: {error}")


def test_the_settings_table_is_complete() -> None:
    """Operations lists every setting of both services, with who reads it and its default, and no other."""
    shown = {
        name: (reader, default.strip("` "))
        for name, reader, default in re.findall(
            r"^\| `(KINGUARD_\w+)` \| (\w+) \|([^|]*)\|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE
        )
    }
    settings = {"authz": AuthzSettings.model_fields, "gateway": GatewaySettings.model_fields}
    readers: dict[str, set[str]] = {}
    for reader, fields in settings.items():
        for field in fields:
            readers.setdefault(f"KINGUARD_{field.upper()}", set()).add(reader)
    assert {name: reader for name, (reader, _) in shown.items()} == {
        name: "both" if len(found) == 2 else next(iter(found)) for name, found in readers.items()
    }
    for fields in settings.values():
        for field, info in fields.items():
            if isinstance(info.default, int | float):
                assert shown[f"KINGUARD_{field.upper()}"][1] == str(info.default)


def test_the_production_example_names_settings_that_exist() -> None:
    """Every variable of the production example is a setting, and those that production requires are there."""
    lines = (ROOT / "deploy" / "production.env.example").read_text().splitlines()
    named = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    known = {f"KINGUARD_{name.upper()}" for fields in (AuthzSettings, GatewaySettings) for name in fields.model_fields}
    assert named <= known
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    given["KINGUARD_SESSION_SECRET"] = "s" * 48
    trial = "import authz_service.settings as a, gateway.settings as g; a.read_settings(); g.read_settings()"
    done = subprocess.run(
        [sys.executable, "-c", trial], cwd=ROOT, env={**given, "PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("word", "values"), [("kind", Kind), ("feature", Feature)])
def test_the_glossary_lists_what_the_vocabulary_does(word: str, values: type[StrEnum]) -> None:
    """Kinds and features stand in the glossary as in the code, all of them and in the same order."""
    row = re.search(rf"^\| {word} \| (.*) \|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert row is not None
    assert row[1].rpartition(": ")[2] == ", ".join(values)


@each_doc
def test_every_command_that_a_doc_names_exists(doc: Path) -> None:
    """`kinguard x y` names a command, and `make z` a target."""
    text = doc.read_text()
    group = typer.main.get_command(kinguard)
    code = "\n".join([*re.findall(r"`([^`\n]+)`", text), *(block for _, lang, block in blocks(text) if lang == "sh")])
    context = group.make_context("kinguard", ["--help"], resilient_parsing=True)
    for command, below in re.findall(r"kinguard ([a-z]+)(?: ([a-z][a-z-]*))?", code):
        found = group.get_command(context, command)  # type: ignore[attr-defined]
        assert found is not None, command
        assert not below or not hasattr(found, "commands") or below in found.commands, f"{command} {below}"
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^\s*make ([a-z]+)", code, re.MULTILINE)) <= targets


@each_doc
def test_every_address_that_a_doc_names_is_served(doc: Path) -> None:
    """A path of the API or of the site in a doc belongs to an endpoint or a page."""
    known = [endpoint.path for endpoint in DESCRIBED] + [route.path for route in SITE]
    patterns = [re.compile(re.sub(r"\\{\w+(?::\w+)?\\}", "[^/]+", re.escape(path))) for path in known]
    named = re.findall(r"(?<![\w.:/-])/(?:v1|access/v1|oauth|\.well-known|c|admin)/[\w{}/.-]*[\w}]", doc.read_text())
    for path in named:
        assert any(pattern.fullmatch(path) for pattern in patterns), path
