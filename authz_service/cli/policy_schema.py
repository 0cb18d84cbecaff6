"""`kinguard policy schema`: what an editor needs to complete and check the YAML files of a bundle."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path  # noqa: TC003 (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from authz_service.engine.bundle import read_bundle
from authz_service.engine.errors import BundleError
from authz_service.engine.facts_file import read_facts
from authz_service.engine.lint import lint
from authz_service.engine.tokens import read_polar
from authz_service.workbench.schemas import facts_schema, invariants_schema, suites_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authz_service.engine.errors import Problem
    from authz_service.engine.facts import Facts


class FileKind(StrEnum):
    """Which files a schema is for."""

    FACTS = "facts"
    INVARIANTS = "invariants"
    SUITES = "suites"


def schema(
    kind: Annotated[FileKind, typer.Argument(help="Which files the schema is for.", show_default=False)],
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="List the types, actions, facts, values and rules of this bundle.")
    ] = None,
) -> None:
    """Print the JSON Schema (2020-12) of facts.yaml, invariants.yaml or suites, for an editor."""
    facts, rules = (None, None) if bundle is None else _known(bundle)
    match kind:
        case FileKind.FACTS:
            found = facts_schema(facts)
        case FileKind.INVARIANTS:
            found = invariants_schema(facts)
        case FileKind.SUITES:
            found = suites_schema(facts, rules)
    typer.echo(json.dumps(found, indent=1, ensure_ascii=False))


def _known(folder: Path) -> tuple[Facts, list[str]]:
    """The facts and rules of a bundle, which need not load as a whole."""
    try:
        bundle = read_bundle(folder)
    except BundleError as error:
        _refuse(error.problems)
    facts = read_facts(bundle.facts)
    if facts.problems:
        _refuse(facts.problems)
    text = lint([read_polar(source, file) for file, source in bundle.polar.items()], facts)
    return facts, list(text.rules)


def _refuse(problems: Iterable[Problem]) -> NoReturn:
    for problem in problems:
        typer.echo(str(problem), err=True)
    raise typer.Exit(1)
