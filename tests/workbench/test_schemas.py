"""The editor schemas take every file that a load takes: what they refuse, a load refuses too."""

from __future__ import annotations

import copy
import json
import os
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from authz_service.cli.policy import app
from authz_service.engine import BundleError, load_policy
from authz_service.engine.facts_file import read_facts
from authz_service.engine.prove import read_invariants
from authz_service.workbench.cases import SuiteError
from authz_service.workbench.cast_suites import Board, expected, read_suite
from authz_service.workbench.fact_suites import fact_cases
from authz_service.workbench.schemas import facts_schema, invariants_schema, suites_schema
from models.world import load_world
from tests.engine.bundles import FILES, write_files
from tests.workbench.conftest import AUTHZEN, POLICIES, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from authz_service.engine import Policy

MUTATIONS = min(300, max(60, int(os.environ.get("KINGUARD_CASES", "1000")) // 20))  # of each file
SCHEMAS = ROOT / "docs" / "schemas"
SUITES = ROOT / "policy_tests"
WORLD = load_world(SUITES / "world" / "northgate.yaml")
CHECKED_IN = {
    "facts.json": ("facts",),
    "invariants.json": ("invariants",),
    "suites.json": ("suites",),
    "policies/invariants.json": ("invariants", "--bundle", str(POLICIES)),
    "policies/suites.json": ("suites", "--bundle", str(POLICIES)),
}
OURS = [
    *(
        folder / name
        for folder in (POLICIES, *sorted(AUTHZEN.glob("*/")))
        for name in ("facts.yaml", "invariants.yaml")
    ),
    *sorted(path for path in SUITES.rglob("*.yaml") if path.parent.name != "world"),
    *sorted(AUTHZEN.glob("*/suites/*.yaml")),
]
OURS = [path for path in OURS if path.exists()]


class PlainLoader(yaml.SafeLoader):
    """Reads as an editor does: dates are texts."""


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> Any:
    return yaml.load(text, PlainLoader)


def refused(schema: dict[str, Any], data: Any) -> bool:
    return not jsonschema.Draft202012Validator(schema).is_valid(data)


@pytest.mark.parametrize("name", CHECKED_IN)
def test_the_checked_in_schemas_are_what_the_command_prints(name: str) -> None:
    """`kinguard policy schema ... > docs/schemas/...` writes them anew."""
    result = CliRunner().invoke(app, ["schema", *CHECKED_IN[name]])
    assert result.exit_code == 0
    assert (SCHEMAS / name).read_text(encoding="utf-8") == result.stdout
    jsonschema.Draft202012Validator.check_schema(json.loads(result.stdout))


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_our_files_name_their_schema_and_keep_to_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    match = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert match is not None
    schema = (path.parent / match[1]).resolve()
    assert schema.relative_to(SCHEMAS).as_posix() in CHECKED_IN
    errors = jsonschema.Draft202012Validator(json.loads(schema.read_text())).iter_errors(read(text))
    assert [error.message for error in errors] == []


@dataclass(frozen=True)
class Form:
    """Files of one form: what an editor refuses, with a bundle and without, and what a load refuses."""

    schemas: list[dict[str, Any]]
    texts: list[str]
    is_loaded: Callable[[str], bool]


@pytest.fixture(scope="module")
def policies(ours: Policy, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Policy]:
    small = load_policy(write_files(tmp_path_factory.mktemp("small"), FILES))
    return {"ours": ours, "small": small, **{name: load_policy(AUTHZEN / name) for name in ("todo", "records")}}


def forms(policies: dict[str, Policy], kind: str, tmp_path: Path) -> Iterator[Form]:
    folders = {"ours": POLICIES, "todo": AUTHZEN / "todo", "records": AUTHZEN / "records"}
    for name, policy in policies.items():
        facts, folder = policy._facts, folders.get(name)
        file = f"{kind}.yaml"
        if kind == "facts":
            text = folder.joinpath(file).read_text() if folder else FILES[file]
            yield Form([facts_schema()], [text], lambda text: not read_facts(text).problems)
        elif kind == "invariants":
            text = folder.joinpath(file).read_text() if folder else FILES[file]
            schemas = [invariants_schema(), invariants_schema(facts)]
            yield Form(schemas, [text], lambda text, facts=facts: not read_invariants(text, facts)[1])  # type: ignore[misc]
        elif folder:
            schemas = [suites_schema(), suites_schema(facts, policy.rules)]
            own = SUITES / "facts" if name == "ours" else folder / "suites"
            texts = [path.read_text() for path in sorted(own.glob("*.yaml"))]
            yield Form(schemas, texts, lambda text, policy=policy: loads_suite(policy, text))  # type: ignore[misc]
    if kind == "suites":
        ours, path = policies["ours"], tmp_path / "suite.yaml"
        texts = [(SUITES / "representatives" / f"{name}.yaml").read_text() for name in ("payer", "community")]
        schemas = [suites_schema(), suites_schema(ours._facts, ours.rules)]
        yield Form(schemas, texts, lambda text: loads_cast_suite(ours, path, text))


def loads_suite(policy: Policy, text: str) -> bool:
    try:
        fact_cases(policy, text, "suite.yaml")
    except BundleError:
        return False
    return True


def loads_cast_suite(policy: Policy, path: Path, text: str) -> bool:
    path.write_text(text)
    try:
        suite = read_suite(path)
        list(expected(Board(policy, WORLD, suite.subjects, suite.only), suite))
    except SuiteError:
        return False
    return True


ODD = (7, None, "oddword", [], {}, ["oddword"], {"oddword": 1}, True, [None])


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, but for what stands in the changes of a variation."""
    yield path
    if isinstance(data, dict):
        for key, value in data.items():
            if key != "change":
                yield from places(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from places(value, (*path, i))


def mutate(draw: random.Random, data: Any) -> Any:
    """The document with one place taken out, renamed, doubled or filled with something odd."""
    changed = copy.deepcopy(data)
    path = draw.choice([place for place in places(changed) if place])
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    way = draw.choice(("out", "odd", "odd", "other"))
    if way == "out":
        del holder[last]
    elif way == "odd":
        holder[last] = copy.deepcopy(draw.choice(ODD))
    elif isinstance(holder, dict):
        holder[f"{last}x"] = holder.pop(last)
    else:
        holder.append(copy.deepcopy(holder[last]))
    return changed


@pytest.mark.parametrize("kind", ["facts", "invariants", "suites"])
def test_what_a_schema_refuses_no_load_takes(policies: dict[str, Policy], kind: str, tmp_path: Path) -> None:
    """Random edits of files that load: a schema never refuses what loads, and sees a good part of what does not."""
    draw = random.Random(20261122)
    seen = not_loaded = 0
    for form in forms(policies, kind, tmp_path):
        for text in form.texts:
            data = read(text)
            assert form.is_loaded(text)
            assert not any(refused(schema, data) for schema in form.schemas)
            for _ in range(MUTATIONS):
                changed = mutate(draw, data)
                edited = yaml.safe_dump(changed, sort_keys=False)
                loads = form.is_loaded(edited)
                judged = [refused(schema, changed) for schema in form.schemas]
                assert not (loads and any(judged)), edited
                not_loaded += not loads
                seen += judged[-1]
    assert seen > 0.6 * not_loaded > 0


def test_a_bundle_with_wrong_facts_has_no_schema(tmp_path: Path) -> None:
    """The rules need not load; the facts must."""
    files = FILES | {"main.polar": "broken"}
    assert CliRunner().invoke(app, ["schema", "suites", "--bundle", str(write_files(tmp_path, files))]).exit_code == 0
    files["facts.yaml"] = files["facts.yaml"].replace("version: 1", "version: 2")
    result = CliRunner().invoke(app, ["schema", "suites", "--bundle", str(write_files(tmp_path, files))])
    assert (result.exit_code, result.stderr) == (1, "facts.yaml:1: version must be 1\n")
