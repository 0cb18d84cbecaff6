"""`kinguard policy replay`: recorded decisions put to another bundle."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from authz_service.api.authzen import MalformedError, read_instant
from authz_service.cli.bundles import NoBundleError, load_or_exit, opened
from authz_service.cli.databases import opened_store
from authz_service.cli.failures import failing_clearly
from authz_service.deploying.loading import KeptBundles
from authz_service.deploying.texts import KeptTexts
from authz_service.review.recorded import Range, count_recorded
from authz_service.review.replay import Replay
from authz_service.review.replay_report import as_json, as_text
from authz_service.settings import read_settings
from authz_service.trail.situations import Bundles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A range of fewer decisions is over before anybody looks at the progress.
_LONG = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReplayFormat(StrEnum):
    """For whom the outcome is written."""

    TEXT = "text"
    JSON = "json"


_WRITERS = {ReplayFormat.TEXT: as_text, ReplayFormat.JSON: as_json}


def replay(
    bundle: Annotated[str, typer.Option(help="The bundle to ask: a folder, a git revision, or REVISION:FOLDER.")],
    since: Annotated[
        str | None, typer.Option(help="Only decisions from this instant on, such as 2026-05-03T12:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only decisions before this instant.")] = None,
    form: Annotated[ReplayFormat, typer.Option("--format", help="json is what the API answers.")] = ReplayFormat.TEXT,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many decisions, the newest first.")] = None,
) -> None:
    """Put every recorded decision to another bundle: unchanged, now allowed, now denied, or why that cannot be said.

    Exit status 0: nothing changed. 1: something did. 2: the bundle, the settings or the trail cannot be read.
    """
    wanted = Range(_microseconds(since, "--since"), _microseconds(until, "--until"))
    try:
        with opened(bundle) as folder:
            new = load_or_exit(folder, bundle, status=2)
    except NoBundleError as error:
        typer.echo(f"kinguard: {error}", err=True)
        raise typer.Exit(2) from None
    with failing_clearly(2):
        settings = read_settings()
        with opened_store(settings) as store:
            kept = KeptBundles(store.database, KeptTexts(settings.bundles_dir / "texts"), settings.bundles_dir)
            earlier = Bundles(new, kept.load).policy
            count = min(count_recorded(store.database, wanted), limit or sys.maxsize)
            with _shown(count) as progress:
                found = Replay(store.database, new, earlier).run(wanted, limit=limit, progress=progress)
    typer.echo(_WRITERS[form](found, new.digest if form is ReplayFormat.JSON else bundle), nl=False)
    raise typer.Exit(1 if found.groups else 0)


@contextmanager
def _shown(count: int) -> Iterator[Callable[[int], None] | None]:
    """Progress on a terminal, where there is something to wait for."""
    if count < _LONG:
        yield None
        return
    with typer.progressbar(length=count, label="decisions", file=sys.stderr) as bar:
        yield bar.update


def _microseconds(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    try:
        return (read_instant(text, name) - _EPOCH) // timedelta(microseconds=1)
    except MalformedError as error:
        typer.echo(f"kinguard: {error}", err=True)
        raise typer.Exit(2) from None
