"""`kinguard policy check`, `prove` and `fmt`: what a bundle must keep to."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path  # noqa: TC003 (typer reads the annotation)
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from authz_service.cli.bundles import BundleOption, load_or_exit
from authz_service.engine.errors import BundleError, Problem
from authz_service.engine.policy import load_policy
from authz_service.workbench.formatting import FormattingError, formatted
from authz_service.workbench.mutation_testing import Laboratory
from authz_service.workbench.numbers import amount
from authz_service.workbench.rules import rule_uses
from authz_service.workbench.sarif import as_sarif
from authz_service.workbench.story import story

if TYPE_CHECKING:
    from collections.abc import Iterable


class CheckFormat(StrEnum):
    """For whom the findings are written."""

    TEXT = "text"
    SARIF = "sarif"


def check(
    bundle: BundleOption,
    form: Annotated[
        CheckFormat, typer.Option("--format", help="sarif is for code hosts, and notes idle rules as well.")
    ] = CheckFormat.TEXT,
) -> None:
    """Load a bundle as the service would, and say what is wrong with it."""
    if form is CheckFormat.SARIF:
        try:
            policy = load_policy(bundle)
        except BundleError as error:
            typer.echo(as_sarif(bundle.as_posix(), error.problems, ()), nl=False)
            raise typer.Exit(1) from None
        typer.echo(as_sarif(bundle.as_posix(), (), rule_uses(policy)), nl=False)
        return
    policy = load_or_exit(bundle)
    effects = Counter(rule.effect for rule in policy.rules.values())
    questions = len(policy.subject_types) * sum(map(len, policy.resource_types.values()))
    typer.echo(
        f"{bundle}: {effects['permit']} permits, {effects['forbid']} forbids, {len(policy.facts)} facts, "
        f"{questions} questions, {len(policy.prove())} invariants proven; digest {policy.digest[:12]}"
    )


def prove(
    bundle: BundleOption,
    invariants: Annotated[
        Path | None, typer.Option(help="Prove these instead of the bundle's own; same form as invariants.yaml.")
    ] = None,
) -> None:
    """Prove invariants over the whole space; a broken one comes with its smallest counterexample as a story.

    Exit status 1 when one does not hold.
    """
    try:
        laboratory = Laboratory(bundle)
        if invariants is None:
            proofs = laboratory.prove()
        else:
            proofs = laboratory.prove(invariants.read_text(encoding="utf-8"), str(invariants))
    except BundleError as error:
        _refuse(error.problems)
    except (OSError, UnicodeDecodeError) as error:
        _fail(f"{invariants}: cannot be read: {getattr(error, 'strerror', None) or 'the file is not UTF-8'}")
    broken = 0
    for proof in proofs:
        invariant = proof.invariant
        space = f"{amount(proof.questions, 'question')}, {float(proof.situations):.3g} situations"
        if proof.counterexample is not None:
            typer.echo(f"broken  {invariant.id}: {invariant.says} ({invariant.file}:{invariant.line})")
            for line in story(laboratory.policy, proof):
                typer.echo(f"        {line}")
        elif proof.situations == 0:
            typer.echo(f"empty   {invariant.id}: it speaks of no situation that can occur, so it says nothing")
        else:
            typer.echo(f"proven  {invariant.id}: {invariant.says} ({space})")
            continue
        broken += 1
    if broken:
        raise typer.Exit(1)


def fmt(
    bundle: BundleOption,
    check_only: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit status 1 when a file is not in its layout.")
    ] = False,
) -> None:
    """Lay out the rules of a bundle alike; comments stay, and what a text says never changes."""
    if not bundle.is_dir():
        _fail(f"{bundle} is not a folder")
    changed = []
    for path in sorted(bundle.rglob("*.polar")):
        try:
            text = path.read_text(encoding="utf-8")
            result = formatted(text)
            if result != text:
                changed.append(path)
                if not check_only:
                    path.write_text(result, encoding="utf-8")
        except FormattingError as error:
            _fail(f"{path}: {error}")
        except UnicodeDecodeError:
            _fail(f"{path}: the file is not UTF-8")
        except OSError as error:
            _fail(f"{path}: {error.strerror}")
    for path in changed:
        typer.echo(f"{path}: {'is not in its layout' if check_only else 'laid out'}")
    if changed and check_only:
        raise typer.Exit(1)


def _refuse(problems: Iterable[Problem]) -> NoReturn:
    for problem in problems:
        typer.echo(str(problem), err=True)
    raise typer.Exit(1)


def _fail(message: str) -> NoReturn:
    typer.echo(f"kinguard: {message}", err=True)
    raise typer.Exit(1)
