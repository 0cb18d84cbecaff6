"""A bundle as it lies in its folder: `facts.yaml`, `invariants.yaml` and every `*.polar` below."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz_service.engine.errors import BundleError, Problem

if TYPE_CHECKING:
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
    digest = hashlib.sha256()
    for name in names:
        try:
            content = (folder / name).read_bytes()
            texts[name] = content.decode()
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            problems.append(Problem(name, line, "the file is not UTF-8"))
            continue
        except OSError as error:
            problems.append(Problem(name, 0, f"cannot be read: {error.strerror}"))
            continue
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    if len(names) == 1 or names[1] == INVARIANTS:
        problems.append(Problem("main.polar", 0, "the bundle has no *.polar file"))
    if problems:
        raise BundleError(problems)
    return Bundle(texts.pop(FACTS), texts.pop(INVARIANTS, None), texts, digest.hexdigest())
