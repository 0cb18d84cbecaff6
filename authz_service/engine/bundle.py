"""A bundle as it lies in its folder: `facts.yaml`, `invariants.yaml` and every `*.polar` below."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz_service.engine.errors import BundleError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FACTS = "facts.yaml"
INVARIANTS = "invariants.yaml"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The texts of a bundle and the digest that names them (sha256, hex)."""

    facts: str
    invariants: str | None
    polar: dict[str, str]
    digest: str


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle's files.

    Raises:
        BundleError: a file is missing, cannot be read or is not UTF-8.
    """
    if not folder.is_dir():
        raise BundleError([Problem(folder.name, 0, f"{folder} is not a folder")])
    names = [FACTS, *sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.polar"))]
    if (folder / INVARIANTS).exists():
        names.append(INVARIANTS)
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for name in names:
        try:
            content = (folder / name).read_bytes()
            texts[name] = content.decode()
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            problems.append(Problem(name, line, "the file is not UTF-8"))
        except OSError as error:
            problems.append(Problem(name, 0, f"cannot be read: {error.strerror}"))
    if problems:
        raise BundleError(problems)
    return bundle_of(texts)


def bundle_of(texts: Mapping[str, str]) -> Bundle:
    """The bundle of these texts, by their names; what is no file of a bundle is left out. BundleError without rules."""
    polar = {name: texts[name] for name in sorted(texts) if name.endswith(".polar")}
    problems = [] if FACTS in texts else [Problem(FACTS, 0, "the bundle has no such file")]
    if not polar:
        problems.append(Problem("main.polar", 0, "the bundle has no *.polar file"))
    if problems:
        raise BundleError(problems)
    digest = hashlib.sha256()
    for name in (FACTS, *polar, *([INVARIANTS] if INVARIANTS in texts else [])):
        content = texts[name].encode()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return Bundle(texts[FACTS], texts.get(INVARIANTS), polar, digest.hexdigest())
