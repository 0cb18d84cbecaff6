"""`kinguard policy explain`, `why-not`, `what` and `who`: ask a bundle about one situation, or a part of one."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from authz_service.cli.bundles import BundleOption, load_or_exit
from authz_service.engine.evaluate import LineError, read_question
from authz_service.workbench import explanation, lookup_report
from authz_service.workbench.explanation import explain_question
from authz_service.workbench.lookup import FixingError, read_fixed
from authz_service.workbench.lookup import what as look_up_what
from authz_service.workbench.lookup import who as look_up_who

if TYPE_CHECKING:
    from pathlib import Path

    from authz_service.engine.explain import Explanation
    from authz_service.engine.policy import Policy


class AnswerFormat(StrEnum):
    """For whom the answer is written."""

    TEXT = "text"
    JSON = "json"


QuestionArgument = Annotated[
    str, typer.Argument(metavar="QUESTION", help="A question as `policy eval` reads it, or - for standard input.")
]
FormatOption = Annotated[AnswerFormat, typer.Option("--format", help="json holds exact counts and every detail.")]
FixOption = Annotated[
    list[str] | None, typer.Option("--fix", metavar="FACT=VALUE", help="What is known; several values with commas.")
]
SubjectOption = Annotated[str | None, typer.Option(help="Only this subject type.")]


def explain(bundle: BundleOption, question: QuestionArgument, form: FormatOption = AnswerFormat.TEXT) -> None:
    """Say why a question is answered as it is: rules, facts, and what would have to be otherwise."""
    policy, found = _explained(bundle, question)
    if form is AnswerFormat.JSON:
        typer.echo(json.dumps(explanation.as_mapping(found), indent=2, ensure_ascii=False))
    else:
        typer.echo(explanation.as_text(policy, found), nl=False)


def why_not(bundle: BundleOption, question: QuestionArgument, form: FormatOption = AnswerFormat.TEXT) -> None:
    """Find the nearest situations in which a denied question is allowed, and who controls what would have to change."""
    _, found = _explained(bundle, question)
    if form is AnswerFormat.JSON:
        told = explanation.as_mapping(found)
        kept = {key: told[key] for key in ("decision", "error", "missing") if key in told}
        typer.echo(json.dumps({**kept, "nearest": [] if found.decision else told["nearest"]}, indent=2))
    else:
        typer.echo(explanation.nearest_text(found), nl=False)


def what(
    bundle: BundleOption,
    fix: FixOption = None,
    subject: SubjectOption = None,
    form: FormatOption = AnswerFormat.TEXT,
) -> None:
    """List what may always be done, sometimes (and when), and never, where some facts are fixed."""
    policy = load_or_exit(bundle)
    try:
        found = look_up_what(policy, read_fixed(policy, fix or ()), subject)
    except FixingError as error:
        _fail(str(error))
    typer.echo((lookup_report.as_json if form is AnswerFormat.JSON else lookup_report.what_text)(found), nl=False)


def who(  # noqa: PLR0917 - each is an argument or an option
    bundle: BundleOption,
    action: Annotated[str, typer.Argument(help="What is done.")],
    resource: Annotated[str, typer.Argument(help="On what type.")],
    fix: FixOption = None,
    subject: SubjectOption = None,
    by: Annotated[str | None, typer.Option(help="The fact of the subject to tell them apart by, as in matrix.")] = None,
    form: FormatOption = AnswerFormat.TEXT,
) -> None:
    """List who may always do one thing, sometimes (and when), and never, where some facts are fixed."""
    policy = load_or_exit(bundle)
    try:
        found = look_up_who(policy, (action, resource), read_fixed(policy, fix or ()), subject, by)
    except FixingError as error:
        _fail(str(error))
    typer.echo((lookup_report.as_json if form is AnswerFormat.JSON else lookup_report.who_text)(found), nl=False)


def _explained(bundle: Path, text: str) -> tuple[Policy, Explanation]:
    policy = load_or_exit(bundle)
    line = sys.stdin.buffer.read() if text == "-" else text.encode()
    try:
        return policy, explain_question(policy, *read_question(line))
    except LineError as error:
        _fail(str(error).replace("the line", "the question"))


def _fail(message: str) -> NoReturn:
    typer.echo(f"kinguard: {message}", err=True)
    raise typer.Exit(1)
