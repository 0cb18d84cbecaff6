"""The texts of a bundle as they travel and are kept: a mapping of file names to texts."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from authz_service.engine import Problem
from authz_service.engine.bundle import FACTS, INVARIANTS, bundle_of, read_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES_MAX = 200
FILE_BYTES_MAX = 256 * 1024
BYTES_MAX = 768 * 1024
_NAME_MAX = 120
_PART = "[A-Za-z0-9_][A-Za-z0-9_-]*"
_POLAR_NAME = re.compile(rf"(?:{_PART}/){{0,4}}{_PART}\.polar")


def check_texts(texts: Mapping[str, str]) -> list[Problem]:
    """What is wrong with the files before any of them is read; nothing is written before it is empty."""
    problems = []
    if len(texts) > FILES_MAX:
        problems.append(Problem("bundle", 0, f"has {len(texts)} files; {FILES_MAX} is the most"))
    sizes = {name: len(text.encode(errors="replace")) for name, text in texts.items()}
    if sum(sizes.values()) > BYTES_MAX:
        problems.append(Problem("bundle", 0, f"is larger than {BYTES_MAX // 1024} KiB"))
    for name, text in texts.items():
        shown = name[:_NAME_MAX]
        if name not in (FACTS, INVARIANTS) and (len(name) > _NAME_MAX or not _POLAR_NAME.fullmatch(name)):
            allowed = f"{FACTS}, {INVARIANTS} or a path such as limits/item.polar"
            problems.append(Problem(shown, 0, f"is no name of a bundle's file: {allowed}"))
        if sizes[name] > FILE_BYTES_MAX:
            problems.append(Problem(shown, 0, f"is larger than {FILE_BYTES_MAX // 1024} KiB"))
        if "\0" in text:
            problems.append(Problem(shown, text[: text.index("\0")].count("\n") + 1, "holds a NUL character"))
    return problems


def read_texts(folder: Path) -> dict[str, str]:
    """The texts of the bundle that lies in a folder. Raises BundleError."""
    bundle = read_bundle(folder)
    texts = {FACTS: bundle.facts, **bundle.polar}
    return texts if bundle.invariants is None else {**texts, INVARIANTS: bundle.invariants}


class KeptTexts:
    """The folder in which a process keeps the texts of bundles, each in a folder named by its digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, digest: str) -> Path:
        """Where the texts of a bundle are kept, or would be."""
        return self._folder / digest

    def keep(self, texts: Mapping[str, str]) -> Path:
        """Keep texts that `check_texts` found nothing wrong with; the folder is named by their digest.

        Raises BundleError when they are no bundle, OSError when they cannot be kept.
        """
        place = self.place(bundle_of(texts).digest)
        if place.exists():
            return place
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=self._folder, prefix="new-"))
        try:
            for name, text in texts.items():
                path = beside / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode())
            _move(beside, place)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return place


def _move(beside: Path, place: Path) -> None:
    try:
        beside.rename(place)
    except OSError:  # Another process kept it first.
        if not place.exists():
            raise
