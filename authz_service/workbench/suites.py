"""A folder of suites: read, run, and reported.

Each `*.yaml` is a suite over facts (`fact_suites`), which begins with its version, or one of the cast that stands in
`world/` (`cast_suites`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import yaml

from authz_service.workbench.cases import Case, SuiteError, judge
from authz_service.workbench.cast_suites import cast_cases, read_suite
from authz_service.workbench.coverage import Coverage, Reached
from authz_service.workbench.fact_suites import fact_cases
from models.world import WorldError, load_world

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from authz_service.engine.policy import Policy
    from authz_service.workbench.cast_suites import Suite
    from models.world import World

WORLD = "world"
_OVER_FACTS = re.compile(r"^version:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Report:
    """What running suites found: each case that is not answered as its suite says, and what was reached."""

    cases: tuple[Case, ...]
    failures: tuple[tuple[Case, str], ...]
    coverage: Coverage


def read_cases(policy: Policy, folder: Path) -> list[Case]:
    """Every cell of every suite below a folder.

    Raises:
        SuiteError: there is no suite, or a suite of a cast says something that cannot be.
        BundleError: a suite over facts does; every mistake with its line.
        OSError: a file cannot be read.
    """
    worlds = sorted((folder / WORLD).glob("*.yaml"))
    files = sorted(path for path in folder.rglob("*.yaml") if path not in worlds)
    if not files:
        raise SuiteError(f"{folder} holds no suite (*.yaml)")
    if len(worlds) > 1:
        raise SuiteError(f"{folder / WORLD} holds more than one world: {', '.join(path.name for path in worlds)}")
    world = _read_world(worlds[0]) if worlds else None
    found: list[Case] = []
    for path in files:
        name, text = path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")
        if world is None or _OVER_FACTS.search(text):
            found += fact_cases(policy, text, name)
        else:
            found += cast_cases(policy, world, name, _read_cast_suite(path, name))
    return found


def _read_world(path: Path) -> World:
    try:
        return load_world(path)
    except WorldError as error:
        raise SuiteError(f"{WORLD}/{path.name}: {error}") from None


def _read_cast_suite(path: Path, name: str) -> Suite:
    try:
        return read_suite(path)
    except yaml.YAMLError as error:
        raise SuiteError(f"{name}: not valid YAML: {str(error).splitlines()[0]}") from None


def run(policy: Policy, cases: Sequence[Case]) -> Report:
    """Ask every cell."""
    reached = Reached()
    failures = []
    for case in cases:
        decision = case.ask(policy)
        reached.add(decision.situations)
        if wrong := judge(case, decision):
            failures.append((case, wrong))
    return Report(tuple(cases), tuple(failures), reached.coverage(policy))


def junit(report: Report) -> str:
    """The report as JUnit XML: a test suite a file, a test case a scene, which lists its failing cells."""
    root = ET.Element("testsuites", tests="0", failures="0")
    scenes: dict[str, dict[str, list[str]]] = {}
    for case in report.cases:
        scenes.setdefault(case.suite, {}).setdefault(case.scene, [])
    for case, wrong in report.failures:
        scenes[case.suite][case.scene].append(f"{case.name}: {wrong}")
    for name, by_scene in scenes.items():
        failing = sum(1 for texts in by_scene.values() if texts)
        suite = ET.SubElement(root, "testsuite", name=name, tests=str(len(by_scene)), failures=str(failing))
        for scene, texts in by_scene.items():
            case_element = ET.SubElement(suite, "testcase", classname=name, name=scene or "as the suite lists")
            if texts:
                failure = ET.SubElement(case_element, "failure", message=f"{len(texts)} cells are answered otherwise")
                failure.text = "\n".join(texts)
    root.set("tests", str(sum(map(len, scenes.values()))))
    root.set("failures", str(sum(1 for by_scene in scenes.values() for texts in by_scene.values() if texts)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
