"""How a command is given a bundle: a folder, or a folder at a git revision."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from authz_service.engine.errors import BundleError
from authz_service.engine.policy import Policy, load_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

BundleOption = Annotated[Path, typer.Option("--bundle", help="The folder with facts.yaml and the rules.")]

_DEFAULT_PATH = "policies"


class NoBundleError(Exception):
    """What was named is neither a folder nor a folder at a revision; the message is one line."""


def load_or_exit(bundle: Path, name: str | None = None, status: int = 1) -> Policy:
    """The policy of a bundle; every reason to refuse it goes to standard error, and the command ends with `status`."""
    try:
        return load_policy(bundle)
    except BundleError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        count = len(error.problems)
        typer.echo(f"{name or bundle}: refused, {count} problem{'s' if count > 1 else ''}", err=True)
        raise typer.Exit(status) from None


@contextmanager
def opened(named: str, default_path: str = _DEFAULT_PATH) -> Iterator[Path]:
    """The folder of a bundle that is named as a folder, as `rev:path`, or as `rev` (then at the default path).

    Raises:
        NoBundleError: there is no such folder or revision.
    """
    if Path(named).is_dir():
        yield Path(named)
        return
    revision, colon, path = named.partition(":")
    tree = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}:{path if colon else default_path}")
    if tree is None:
        known = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if known is None:
            raise NoBundleError(f"{named}: no such folder, and {revision or 'nothing'} is no git revision here")
        raise NoBundleError(
            f"{named}: {revision} has no folder {path if colon else default_path}; write {revision}:PATH"
        )
    archive = _git("archive", "--format=tar", tree.decode().strip())
    if archive is None:
        raise NoBundleError(f"{named} is a file; name the folder of the bundle")
    with tempfile.TemporaryDirectory(prefix="kinguard-bundle-") as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        yield Path(folder)


def path_in_repository(folder: str) -> str:
    """Where a folder of the working tree stands in its repository; the usual place when it is in none."""
    if not Path(folder).is_dir():
        return folder.partition(":")[2] or _DEFAULT_PATH
    prefix = _git("-C", folder, "rev-parse", "--show-prefix")
    return (prefix or b"").decode().strip().rstrip("/") or _DEFAULT_PATH


def _git(*arguments: str) -> bytes | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)  # noqa: S603, S607 - the user's git
    except FileNotFoundError:
        raise NoBundleError("git is not installed, so a revision cannot be read; name a folder") from None
    return done.stdout if done.returncode == 0 else None
